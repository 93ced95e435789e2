"""Disputes and predictions: what proposes a hold, what asks to lift one, and what is only written down."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from db.engine import transaction
from db.models import HoldTrigger, InvoiceDispute, ProposedAction, ReleaseRequest, RiskEvent
from tests.events.conftest import Outside, closed, dispute, now, prediction
from tests.holds.helpers import dispute as disputed_before
from tests.holds.helpers import in_force, knows, rows
from tests.world import World


def actions(world: World) -> list[tuple[str, str]]:
    query = select(ProposedAction).order_by(ProposedAction.created_at)
    return [(one.kind, one.status) for one in rows(world, query)]


async def disputes(outside: Outside, customer: str, count: int) -> list[dict[str, Any]]:
    """Dispute so many fresh invoices, one after the other."""
    invoices = [outside.world.owe(customer, "10.00", days_overdue=1) for _ in range(count)]
    return [await outside.taken("dispute", dispute(customer, invoice)) for invoice in invoices]


async def triggered(world: World, kind: str, times: int = 1) -> None:
    query = select(HoldTrigger).where(HoldTrigger.kind == kind)
    await world.eventually(lambda: len(rows(world, query)) >= times)


# --- health predictions ------------------------------------------------------------------------------------------


async def test_high_risk_with_dispute_history_proposes_a_hold(outside: Outside) -> None:
    world = outside.world
    customer = world.customer(amount="10.00", days_overdue=0)
    disputed_before(world, customer)

    taken = await outside.taken("health-prediction", prediction(customer))

    assert (taken["outcome"], taken["hold_id"]) == ("hold_recommended", None)
    await triggered(world, "customer_health_prediction")
    shown = world.show(customer)
    assert (shown["status"], shown["triggers"], shown["reason_class"]) == (
        "proposed",
        ["customer_health_prediction"],
        "prediction",
    )
    assert "churn-7" in shown["evidence"][0]["reason"]
    assert "a predicted risk, not delinquency (customer health prediction)" in shown["proposal"]["note"]
    [risk] = rows(world, select(RiskEvent))
    assert (risk.risk, str(risk.score), risk.disputes_before, risk.proposed) == ("high", "0.9100", 1, True)


@pytest.mark.parametrize(("risk", "history"), [("high", False), ("medium", True), ("low", True)])
async def test_every_other_prediction_is_recorded_only(idle_outside: Outside, risk: str, history: bool) -> None:  # noqa: FBT001
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    if history:
        disputed_before(world, customer)

    taken = await idle_outside.taken("health-prediction", prediction(customer, risk), name="e1")

    assert taken["outcome"] == "recorded"
    assert "recorded only" in taken["why"]
    [risk_row] = rows(world, select(RiskEvent))
    assert (risk_row.risk, risk_row.proposed) == (risk, False)
    event = idle_outside.event("e1")
    assert (event.tell, event.handled_at == event.received_at) == ([], True)


async def test_the_notice_of_a_predicted_risk_claims_no_overdue_debt(outside: Outside) -> None:
    world = outside.world
    customer = world.customer()
    disputed_before(world, customer)
    await outside.taken("health-prediction", prediction(customer))
    await triggered(world, "customer_health_prediction")

    await world.approve(customer)
    await world.in_status(customer, "in_force")

    messages = {one["kind"]: one["body"] for one in world.show(customer)["messages"]}
    assert "precaution" in messages["customer_notice"]
    assert "40,000.00" not in messages["customer_notice"]
    assert "past due" not in messages["customer_notice"]
    assert "do not dun" in messages["sales_rep"] or "dispute" in messages["sales_rep"]


async def test_a_prediction_about_a_delinquent_proposal_is_evidence_of_another_class(outside: Outside) -> None:
    world = outside.world
    customer = world.customer()
    disputed_before(world, customer)
    await world.start(customer, kind="ar_aging_tick_threshold")

    taken = await outside.taken("health-prediction", prediction(customer))

    assert taken["hold_id"] == world.show(customer)["id"]
    await triggered(world, "customer_health_prediction")
    shown = world.show(customer)
    assert (shown["reason_class"], shown["revision"], len(shown["evidence"])) == ("delinquency", 2, 2)
    assert "delinquency (AR aging, customer health prediction)" in shown["proposal"]["note"]


# --- disputes ----------------------------------------------------------------------------------------------------


async def test_repeated_disputes_stage_one_review_and_recommend_a_hold(outside: Outside) -> None:
    world = outside.world
    customer = world.customer(amount="10.00", days_overdue=0)

    taken = await disputes(outside, customer, 3)

    assert [one["outcome"] for one in taken] == ["recorded", "recorded", "hold_recommended"]
    assert actions(world) == [("ar_review", "staged")]
    await triggered(world, "repeated_disputes")
    shown = world.show(customer)
    assert (shown["status"], shown["reason_class"], shown["facts"]["open_disputes"]) == (
        "proposed",
        "dispute_pattern",
        3,
    )
    assert "3 disputes within 90 days" in shown["reason"]
    assert any("3 open disputes" in one for one in shown["warnings"])

    await disputes(outside, customer, 2)

    await triggered(world, "repeated_disputes", 3)
    assert actions(world) == [("ar_review", "staged")]
    assert len(world.show(customer)["evidence"]) == 3


async def test_further_disputes_after_a_declined_review_open_nothing(outside: Outside) -> None:
    world = outside.world
    customer = world.customer(amount="10.00", days_overdue=0)
    await disputes(outside, customer, 3)
    await triggered(world, "repeated_disputes")
    await world.decline(customer)
    await world.workflow(customer).result()

    [taken] = await disputes(outside, customer, 1)

    assert taken["outcome"] == "recorded"
    assert len(rows(world, select(HoldTrigger))) == 1
    assert actions(world) == [("ar_review", "dismissed")]


async def test_disputes_outside_the_window_and_imported_ones_make_no_pattern(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    for source, opened in (("import", now()), ("erp", (datetime.now(UTC) - timedelta(days=91)).isoformat())):
        with transaction(world.engine) as session:
            invoice, at = world.owe(customer, "10.00", days_overdue=1), datetime.fromisoformat(opened)
            session.add(InvoiceDispute(customer_id=customer, invoice_id=invoice, source=source, opened_at=at))

    taken = await disputes(idle_outside, customer, 2)

    assert [one["outcome"] for one in taken] == ["recorded", "recorded"]
    assert actions(world) == []


async def test_a_dispute_of_a_held_customer_stages_the_review_and_proposes_the_release(outside: Outside) -> None:
    world = outside.world
    customer = world.customer()
    await in_force(world, customer)

    taken = await outside.taken("dispute", dispute(customer, outside.an_invoice(customer)), name="e1")

    assert (taken["outcome"], taken["hold_id"]) == ("release_requested", world.show(customer)["id"])
    await world.eventually(lambda: rows(world, select(ReleaseRequest)))
    [request] = rows(world, select(ReleaseRequest))
    assert (request.cause, request.refusal) == ("dispute", None)
    shown = world.show(customer)
    assert (shown["status"], shown["proposal"]["kind"], shown["waiting_on"]) == ("in_force", "release", "approver")
    [action] = rows(world, select(ProposedAction))
    [row] = rows(world, select(InvoiceDispute))
    assert (action.kind, action.status, str(action.hold_id), action.dispute_id) == (
        "ar_hold_review",
        "staged",
        shown["id"],
        row.id,
    )
    assert "dispute_opened" in world.audit(customer)
    await knows(world, customer, lambda state: state.refused_signals == 0)

    await world.approve(customer)
    await world.in_status(customer, "released")
    assert actions(world) == [("ar_hold_review", "taken")]


async def test_a_dispute_of_a_proposed_hold_weakens_the_case_and_asks_for_no_release(outside: Outside) -> None:
    world = outside.world
    customer = world.customer()
    await world.start(customer)

    taken = await outside.taken("dispute", dispute(customer, outside.an_invoice(customer)))

    assert taken["outcome"] == "recorded"
    await world.approve(customer)
    await world.eventually(lambda: world.show(customer)["revision"] == 2)
    assert "open disputes rose from 0 to 1" in world.show(customer)["proposal"]["note"]
    assert rows(world, select(ReleaseRequest)) == []


async def test_a_dispute_is_opened_once_and_closed_with_its_resolution(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    invoice = idle_outside.an_invoice(customer)
    await idle_outside.taken("dispute", dispute(customer, invoice))
    assert (await idle_outside.taken("dispute", dispute(customer, invoice)))["outcome"] == "known_already"

    await idle_outside.taken("dispute", closed(customer, invoice, "upheld"))

    [row] = rows(world, select(InvoiceDispute))
    assert (row.reason, row.source, row.resolution) == ("wrong goods", "webhook (signed)", "upheld")
    assert row.closed_at >= row.opened_at


async def test_disputes_side_by_side_stage_one_review(idle_outside: Outside) -> None:
    world = idle_outside.world
    customer = world.customer(in_netsuite=False)
    invoices = [world.owe(customer, "10.00", days_overdue=1) for _ in range(6)]

    taken = await asyncio.gather(*(idle_outside.taken("dispute", dispute(customer, invoice)) for invoice in invoices))

    assert [one["outcome"] for one in taken].count("hold_recommended") == 1
    assert actions(world) == [("ar_review", "staged")]
