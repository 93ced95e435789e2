"""The desk's clock and Temporal's are never compared: a time to take something back is a span, counted by who waits."""

import ast
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from credit.states import Verdict
from db.engine import transaction
from db.holds import holds
from db.models import Decision
from tests.holds.helpers import signal_decision, write_decision
from tests.world import World
from workflows import policies

HALF_A_MINUTE = timedelta(seconds=30)
WORKFLOWS = Path(__file__).parents[2] / "workflows"
UNDO_SUMMARY = "taken back"


async def timers_begun(handle: WorkflowHandle[Any, Any]) -> list[timedelta]:
    """How long each timer was to last that counted the time to take an approval back."""
    return [
        event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        for event in (await handle.fetch_history()).events
        if event.HasField("timer_started_event_attributes") and UNDO_SUMMARY in str(event.user_metadata.summary.data)
    ]


@pytest.mark.parametrize("ahead", [HALF_A_MINUTE, -HALF_A_MINUTE])
@pytest.mark.parametrize(("undo", "waits"), [(timedelta(0), 0), (timedelta(seconds=2), 1)])
async def test_kind_8_an_approval_waits_its_undo_time_once_whatever_the_desks_clock_says(
    world: World, ahead: timedelta, undo: timedelta, waits: int
) -> None:
    world.set_policy(approval_undo=undo)
    customer = world.customer()
    await world.start(customer)

    decision = write_decision(world, customer, Verdict.APPROVE, clock_ahead=ahead)
    await signal_decision(world, customer, decision.id)
    await world.in_status(customer, "in_force")

    begun = await timers_begun(world.workflow(customer))
    assert len(begun) == waits
    assert all(policies.SHORTEST_WAIT <= one <= undo for one in begun)
    if undo:
        with transaction(world.engine) as session:
            row = session.get_one(Decision, decision.id)
            assert row.heard_at is not None
            assert row.applied_at is not None
            assert row.applied_at - row.heard_at >= undo
            assert holds.find(session, customer).status != "proposed"


def test_kind_8_every_timer_of_a_workflow_is_begun_where_the_shortest_wait_is_kept() -> None:
    begun = {
        path.name
        for path in WORKFLOWS.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("sleep", "wait_condition", "wait_for", "timeout", "call_later")
    }

    assert begun == {"waiting.py"}
