"""A changed policy beside today's: who would be proposed, and nothing is written."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from credit.permissions import Role
from db import policies
from db.engine import transaction
from db.models import ArAgingRun, Hold, PolicyVersion
from db.receivables import receivables
from tests.admission.cli import Program
from tests.world import World


def written(file: Path, change: Any) -> Path:
    file.write_text(change if isinstance(change, str) else json.dumps(change))
    return file


def counts(world: World) -> list[int]:
    with transaction(world.engine) as session:
        tables = (Hold, ArAgingRun, PolicyVersion)
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


async def test_both_lists_and_what_differs(idle_world: World, hold: Program, tmp_path: Path) -> None:
    world = idle_world
    old_and_small = world.customer(amount="26000.00", days_overdue=200, in_netsuite=False)
    young_and_large = world.customer(amount="90000.10", days_overdue=70, in_netsuite=False)
    always = world.customer(amount="90000.00", days_overdue=200, in_netsuite=False)
    world.customer(amount="100.00", days_overdue=200, in_netsuite=False)
    file = written(tmp_path / "p.json", {"trigger_days_overdue": 60, "trigger_total_open": 30000.5})
    before = counts(world)

    found = (await hold("ar", "scan", "--policy", file, "--json", role=Role.VIEWER)).json

    assert found["as_of"] == str(datetime.now(UTC).date())
    assert [one["customer_id"] for one in found["candidates_today"]] == sorted([old_and_small, always])
    assert [one["customer_id"] for one in found["candidates_changed"]] == sorted([young_and_large, always])
    assert found["candidates_changed"][-1].keys() >= {"customer_name", "total_open", "days_overdue", "warnings"}
    assert (found["only_today"], found["only_changed"]) == ([old_and_small], [young_and_large])
    assert found["changed"] == {"trigger_days_overdue": [90, 60], "trigger_total_open": ["25000", "30000.5"]}
    assert counts(world) == before
    table = await hold("ar", "scan", "--policy", file)
    assert table.code == 0
    assert [young_and_large in table.out, old_and_small in table.out, always in table.out] == [True, True, False]
    assert "2 customers would be proposed today, 2 under the changed policy: 1 new, 1 no longer" in table.err


async def test_another_day_and_grace_values_count_too(idle_world: World, hold: Program, tmp_path: Path) -> None:
    customer = idle_world.customer(days_overdue=50, in_netsuite=False)
    day = str((datetime.now(UTC) + timedelta(days=30)).date())
    file = written(tmp_path / "p.json", {"trigger_days_overdue": 75, "decline_snooze": "P1D", "calendar": {}})
    found = (await hold("ar", "scan", "--policy", file, "--as-of", day, "--json")).json
    assert (found["as_of"], found["only_changed"]) == (day, [customer])
    assert found["changed"]["decline_snooze"] == ["P14D", "P1D"]
    assert "calendar" not in found["changed"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"trigger_days": 1}, "the policy has no trigger_days"),
        ({"trigger_days": 1}, "trigger_days_overdue, trigger_total_open"),
        ({"worsened_share": 2}, "worsened share: give 1 or less"),
        ({"trigger_days_overdue": "soon"}, "trigger days overdue: give a whole number"),
        ([1], "JSON object"),
        ("{", "not readable as JSON"),
    ],
)
async def test_file_that_is_no_policy_is_refused(
    idle_world: World, hold: Program, tmp_path: Path, change: Any, said: str
) -> None:
    done = await hold("ar", "scan", "--policy", written(tmp_path / "p.json", change))
    assert done.code == 2
    assert said in " ".join(done.err.replace("│", " ").split())


async def test_one_query_for_each_policy(idle_world: World) -> None:
    world = idle_world
    for _ in range(5):
        world.customer(in_netsuite=False)
    asked: list[str] = []
    event.listen(world.engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
    with transaction(world.engine) as session:
        policy = policies.current(session)[1]
        asked.clear()
        receivables.candidates(session, datetime.now(UTC).date(), policy, now=datetime.now(UTC))
    assert len([one for one in asked if "invoices" in one]) == 1
