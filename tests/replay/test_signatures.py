"""The activities that workers run are the ones that workflows call: by name, input and answer."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

import worker
from tests.patience import PATIENCE
from tests.world import World
from workflows import signatures
from workflows.contract import netsuite_task_queue

Activity = Callable[..., Any]


def name_of(function: Activity) -> str | None:
    definition = getattr(function, "__temporal_activity_definition", None)
    return definition.name if definition else None


def types_of(function: Activity) -> tuple[list[Any], Any]:
    hints = get_type_hints(function)
    answer = hints.pop("return")
    return list(hints.values()), answer


CALLED = {name: one for one in vars(signatures).values() if callable(one) and (name := name_of(one))}


@pytest.fixture
async def registered(idle_world: World) -> dict[str, list[Activity]]:
    """What each worker registers, by its task queue."""
    netsuite = worker.netsuite_client(idle_world.settings)
    built = worker.build_workers(idle_world.client, idle_world.settings, idle_world.engine, netsuite)
    netsuite.close()
    return {one.task_queue: list(one.config()["activities"]) for one in built}


async def test_every_called_activity_is_registered_once_and_none_besides(registered: dict[str, list[Activity]]) -> None:
    names = [str(name_of(one)) for activities in registered.values() for one in activities]

    assert sorted(names) == sorted(CALLED)


async def test_implementations_take_and_answer_what_workflows_believe(registered: dict[str, list[Activity]]) -> None:
    found = {str(name_of(one)): types_of(one) for activities in registered.values() for one in activities}

    assert found == {name: types_of(one) for name, one in CALLED.items()}


async def test_netsuite_activities_have_a_queue_of_their_own(
    idle_world: World, registered: dict[str, list[Activity]]
) -> None:
    queue = netsuite_task_queue(idle_world.settings.task_queue)

    assert [name_of(one) for one in registered[queue]] == [
        "push_netsuite",
        "restore_netsuite",
        "compare_with_netsuite",
        "find_unheld",
    ]


def test_workflow_modules_load_nothing_that_does_input_or_output() -> None:
    """What is imported with `imports_passed_through` must be as pure as the rest: the sandbox does not watch it."""
    forbidden = [
        "sqlalchemy",
        "psycopg",
        "httpx",
        "jwt",
        "structlog",
        "fastapi",
        "activities",
        "db",
        "netsuite",
        "runtime",
        "services",
        "starter",
    ]
    modules = ", ".join(one.__module__ for one in worker.WORKFLOWS)
    program = f"import sys, {modules}\nprint(*sorted(set({forbidden}) & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=PATIENCE)

    assert done.stdout.split() == []
