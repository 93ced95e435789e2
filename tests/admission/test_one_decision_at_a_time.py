"""There is no bulk approval: no command, route or operation decides more than one thing."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import typer

from db.holds import decisions
from desk.app import create_app
from services.holds import bulk
from services.holds.operations import Operations
from starter.cli import app
from tests.admission.cli import Program
from tests.world import World

_DECIDES = ("approve", "decline", "decide", "decision", "claim", "undo")


def commands(group: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_no_command_that_decides_takes_several() -> None:
    deciding = {
        name: command
        for name, command in commands(typer.main.get_command(app))
        if any(word in name for word in _DECIDES)
    }
    assert {"approve", "decline", "claim"} <= set(deciding)
    for name, command in deciding.items():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        assert [one.nargs for one in arguments] == [1], name
        assert not any(one.multiple for one in command.params if one.param_type_name == "option"), name
        assert not {"--from", "--all", "--file"} & {word for one in command.params for word in one.opts}, name


async def test_file_of_approvals_is_a_usage_error(idle_world: World, hold: Program, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("customer_id,reason\nC-1,x\n")
    for verb in ("approve", "decline"):
        assert (await hold(verb, "--from", file, "--yes")).code == 2
        assert (await hold(verb, "C-1", "C-2", "--yes", "--revision", "1", "--reason", "x")).code == 2


def test_no_route_that_decides_takes_several(idle_world: World) -> None:
    document = create_app(idle_world.settings).openapi()
    schemas = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        if not any(word in path.rpartition("/")[2] for word in _DECIDES):
            continue
        assert path.count("{") >= 1, f"{path} names nothing that is decided"
        for operation in operations.values():
            body = operation.get("requestBody", {}).get("content", {})
            for content in body.values():
                schema = content["schema"]
                schema = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
                assert schema.get("type") == "object", path
                assert all(one.get("type") != "array" for one in schema.get("properties", {}).values()), path


@pytest.mark.parametrize("decide", [Operations.decide, decisions.decide])
def test_what_decides_takes_one_claim_and_one_revision(decide: Any) -> None:
    hints = get_type_hints(decide)
    assert (hints["claim_id"].__name__, hints["revision"]) == ("UUID", int)


def test_bulk_code_knows_of_no_decision() -> None:
    assert not [word for word in ("decide", "Verdict", "claim") if f"{word}(" in inspect.getsource(bulk)]
