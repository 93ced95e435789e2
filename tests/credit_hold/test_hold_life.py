"""The freight credit hold in the life of a service hold: who blocks, who takes over, what a decision leaves behind."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from credit.credit_hold import BlockSource, CreditStatus
from credit.credit_limit import LimitCause, LimitState
from credit.facts import moved_materially, weakening
from credit.permissions import Role
from credit.states import Beat, Verdict
from credit.triggers import Admission, Ending, ReasonClass, admit
from db import audit, policies
from db.act import Act
from db.engine import transaction
from db.errors import BadInputError, ClaimedByAnotherError, SelfApprovalError, UnknownEntryError
from db.freight import accounting_profiles, credit_limits
from db.freight.limit_transitions import OPEN
from db.holds import beats, decisions, outcomes, requests
from db.models import (
    AccountingProfile,
    CreditHoldEntry,
    Decision,
    HoldTrigger,
    LimitTransition,
    Message,
    OrgSettings,
    ReleaseRequest,
)
from db.receivables import receivables
from desk.pages.holds.timeline import told
from services.freight.credit_hold import CreditHoldOperations
from services.holds.outcomes import OutcomeOperations
from tests.acting import acted
from tests.admission.cli import program
from tests.conftest import free_port
from tests.desk.pages.conftest import sit
from tests.desk.server import DeskServer
from tests.holds.helpers import (
    all_done,
    holds_of,
    in_force,
    knows,
    proposals_of,
    rows,
    shows,
    signal_decision,
    workers,
    write_decision,
)
from tests.holds.test_relay import relaying as relaying_of
from tests.world import World, invoice

__all__ = ["sit"]
SOON = timedelta(seconds=0.2)


@pytest.fixture(autouse=True)
def auto_apply(idle_world: World) -> None:
    with transaction(idle_world.engine) as session:
        session.execute(update(OrgSettings).values(auto_apply_credit_hold=True))


@pytest.fixture
async def relaying(world: World) -> AsyncIterator[None]:
    """The worker's relay of crossed limits."""
    async with relaying_of(world):
        yield


async def nobody() -> Client:
    """A client of a Temporal server that is away."""
    return await Client.connect(f"127.0.0.1:{free_port()}", data_converter=pydantic_data_converter, lazy=True)


def limited(world: World, limit: str = "50000") -> str:
    """A customer who owes 40,000 of this limit."""
    customer = world.customer()
    acted(world.engine, "robin", accounting_profiles.set_limit, customer, Decimal(limit))
    return customer


def owe(world: World, customer: str, amount: str) -> None:
    number = f"L-{customer}-{amount}-{datetime.now(UTC).timestamp()}"
    with transaction(world.engine) as session:
        session.add(invoice(number, customer, date(2030, 1, 1), amount))
        credit_limits.evaluate(Act(session, "erp", datetime.now(UTC)), [customer], cause=LimitCause.INVOICE)


def crossed(world: World) -> str:
    """A customer who went from acceptable to exceeded just now."""
    customer = limited(world)
    owe(world, customer, "21200")
    return customer


async def proposed(world: World, customer: str) -> Any:
    await world.eventually(lambda: bool(holds_of(world, customer)))
    return world.show(customer)


def profile(world: World, customer: str) -> AccountingProfile:
    with transaction(world.engine) as session:
        return accounting_profiles.get(session, customer)


def standing(world: World, customer: str) -> tuple[CreditStatus, bool]:
    """The credit status, and whether it is an override."""
    now = profile(world, customer)
    return now.credit_status, now.overridden_at is not None


def live(world: World, customer: str) -> list[tuple[BlockSource, bool]]:
    """Source of every live entry, and whether a service hold stands behind it."""
    with transaction(world.engine) as session:
        return [(row.source, row.hold_id is not None) for row in accounting_profiles.entries(session, customer)]


def entry_of_hold(world: World, customer: str) -> CreditHoldEntry:
    with transaction(world.engine) as session:
        return next(row for row in accounting_profiles.entries(session, customer) if row.hold_id)


def said(world: World, customer: str) -> list[str]:
    with transaction(world.engine) as session:
        return [event.action for event in audit.chain_of(session, credit_limits.chain_of(customer))]


def block_by_hand(world: World, customer: str, note: str = "two cheques came back") -> None:
    acted(world.engine, "robin", accounting_profiles.add_entry, customer, tariffs=None, note=note)


def operations(world: World) -> CreditHoldOperations:
    return CreditHoldOperations(world.engine, OutcomeOperations(world.engine, world.client, world.settings.task_queue))


def as_approver(**changes: Any) -> Any:
    return {"reason": "they paid by phone", "actor": "mike", "is_admin": False, "may_decide": True} | changes


async def release(world: World, customer: str) -> Any:
    await world.operations.request_release(customer, reason="they paid", actor="robin")
    await world.decide(customer, Verdict.APPROVE, "paid by wire", actor="mike")
    return await world.shown_in_status(customer, "released")


# --- the edge, and what an approver sees -------------------------------------------------------------------------


@pytest.mark.usefixtures("relaying")
async def test_auto_apply_blocks_at_once_and_proposes_one_hold(world: World) -> None:
    customer = crossed(world)
    assert standing(world, customer) == (CreditStatus.CREDIT_HOLD, False)
    assert live(world, customer) == [(BlockSource.AUTO_APPLY, False)]

    shown = await proposed(world, customer)
    assert (shown["status"], shown["triggers"]) == ("proposed", ["credit_limit_exceeded"])
    assert shown["reason"] == "credit limit 50,000.00 exceeded: exposure 61,200.00"
    assert shown["evidence"][0]["actor"] == "auto-apply"
    assert shown["reason_class"] == ReasonClass.CREDIT_LIMIT
    assert "credit limit 50,000.00 exceeded: exposure 61,200.00 USD" in shown["warnings"]
    assert "on credit hold already: auto-apply" in shown["warnings"]
    wanted = {"credit_limit": "50000.00", "exposure": "61200.00", "limit_state": "exceeded"}
    assert wanted.items() <= shown["facts"].items()
    assert "Rests on an exceeded credit limit, not delinquency" in shown["proposal"]["note"]
    assert world.customer_row(customer).entitystatus == "active"


@pytest.mark.usefixtures("relaying")
async def test_auto_apply_leaves_netsuite_messages_and_the_flag_alone(world: World) -> None:
    customer = crossed(world)
    shown = await proposed(world, customer)
    assert world.sandbox.ledger(f"N-{customer}") == []
    assert rows(world, select(Message)) == []
    assert (shown["messages"], shown["netsuite"]["value"]) == ([], None)
    assert world.customer_row(customer).entitystatus == "active"
    assert {beat["status"] for beat in shown["beats"]} == {"pending"}


@pytest.mark.usefixtures("relaying")
async def test_web_ui_does_not_say_that_nothing_happened(world: World) -> None:
    customer = crossed(world)
    await proposed(world, customer)
    await knows(world, customer, lambda state: state.hold is not None)
    details = await world.workflow(customer).query("__temporal_workflow_metadata")
    assert "the credit limit put the customer on credit hold" in str(details)


# --- approved, released ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("relaying")
async def test_approval_takes_the_block_over_and_release_ends_it_as_an_override(world: World) -> None:
    customer = crossed(world)
    await proposed(world, customer)
    await world.approve(customer)
    await all_done(world, customer)
    assert live(world, customer) == [(BlockSource.AUTO_APPLY, True)]
    assert said(world, customer).count("credit_hold_taken_over") == 1
    assert world.audit(customer).count("credit_hold_taken_over") == 1
    notice = next(one for one in world.show(customer)["messages"] if one["kind"] == "customer_notice")
    assert "it does not say that a payment of yours is late" in notice["body"]

    shown = await release(world, customer)
    assert live(world, customer) == []
    assert standing(world, customer) == (CreditStatus.GOOD, True)
    after = profile(world, customer)
    assert (after.overridden_by, after.override_reason) == ("mike", "paid by wire")
    [ended] = rows(world, select(CreditHoldEntry).where(CreditHoldEntry.customer_id == customer))
    assert (ended.ended_by, ended.end_reason) == ("mike", "paid by wire")
    assert [line["what"] for line in shown["timeline"]].count("tariffs_unblocked") == 1

    owe(world, customer, "1000")
    assert standing(world, customer) == (CreditStatus.GOOD, True), "overridden until the limit is met again"


@pytest.mark.usefixtures("relaying")
async def test_limit_that_is_met_again_proposes_the_release_of_a_hold_that_rests_on_it(world: World) -> None:
    customer = crossed(world)
    await proposed(world, customer)
    await world.approve(customer)
    await all_done(world, customer)
    [hold] = holds_of(world, customer)
    now = datetime.now(UTC)
    with transaction(world.engine) as session:
        outcomes.review(Act.of_system(session, now), hold.id)
    assert "cause_gone" not in world.audit(customer)
    with transaction(world.engine) as session:
        accounting_profiles.set_limit(Act(session, "mike", now), customer, Decimal(90000))
        outcomes.review(Act.of_system(session, now), hold.id)
    assert "cause_gone" in world.audit(customer)
    [asked] = rows(world, select(ReleaseRequest).where(ReleaseRequest.hold_id == hold.id))
    assert "the credit limit is met again" in asked.reason


@pytest.mark.usefixtures("relaying")
async def test_kind_9_limit_crossed_again_while_the_hold_has_its_block_stands_after_the_release_and_is_proposed(
    world: World,
) -> None:
    customer = crossed(world)
    await proposed(world, customer)
    await world.approve(customer)
    await all_done(world, customer)
    for limit in (Decimal(90000), Decimal(50000)):  # met, and crossed again
        acted(world.engine, "robin", accounting_profiles.set_limit, customer, limit)
    assert live(world, customer) == [(BlockSource.AUTO_APPLY, True), (BlockSource.AUTO_APPLY, False)]
    await world.eventually(lambda: len(world.show(customer)["evidence"]) == 2)
    await world.eventually(lambda: not rows(world, select(LimitTransition).where(*OPEN)))

    await release(world, customer)

    assert live(world, customer) == [(BlockSource.AUTO_APPLY, False)]
    assert standing(world, customer) == (CreditStatus.CREDIT_HOLD, False)
    await world.eventually(lambda: len(holds_of(world, customer)) == 2)
    assert world.show(customer)["triggers"] == ["credit_limit_exceeded"]


async def test_beat_1_blocks_and_its_taking_back_lifts_each_with_one_line(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    assert live(world, customer) == [(BlockSource.SERVICE_HOLD, True)]
    assert profile(world, customer).credit_status is CreditStatus.CREDIT_HOLD
    shown = await release(world, customer)
    assert live(world, customer) == []
    assert standing(world, customer) == (CreditStatus.GOOD, False)
    what = [line["what"] for line in shown["timeline"]]
    assert (what.count("tariffs_blocked"), what.count("tariffs_unblocked")) == (1, 1)
    with transaction(world.engine) as session:
        lines = {line.what: line.who for line in told(audit.chain_of(session, shown["id"]))}
    assert lines["blocked all tariffs"] == ""
    assert lines["lifted the block of all tariffs"] == "mike"


async def test_release_leaves_what_a_person_blocked_and_says_so_before(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    block_by_hand(world, customer)
    await world.operations.request_release(customer, reason="they paid", actor="robin")
    note = world.show(customer)["proposal"]["note"]
    assert "STAYS ON CREDIT HOLD after the release: by hand: two cheques came back" in note
    await world.approve(customer)
    await world.in_status(customer, "released")
    assert live(world, customer) == [(BlockSource.MANUAL, False)]
    assert profile(world, customer).credit_status is CreditStatus.CREDIT_HOLD
    assert world.customer_row(customer).entitystatus == "active"


async def obeyed_without(world: World, customer: str, beat: Beat) -> None:
    """Obey an approval by hand, leave a beat out, and wake the workflow."""
    decision = write_decision(world, customer, Verdict.APPROVE)
    with transaction(world.engine) as session:
        decisions.settle(Act.of_system(session, datetime.now(UTC)), hold_id=decision.hold_id, decision_id=decision.id)
        beats.skip(session, decision.hold_id, beat, "left out by mike")
    await signal_decision(world, customer, decision.id)


async def test_flag_that_was_left_out_blocks_nothing(idle_world: World) -> None:
    world = idle_world
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
    await obeyed_without(world, customer, Beat.FLAG_CUSTOMER)
    async with workers(world):
        await world.in_status(customer, "in_force")
        assert live(world, customer) == []
        await release(world, customer)
    assert rows(world, select(CreditHoldEntry)) == []


async def test_released_hold_leaves_no_block_and_no_flag_where_taking_the_flag_back_was_left_out(
    idle_world: World,
) -> None:
    world = idle_world
    customer = world.customer()
    async with workers(world):
        await in_force(world, customer)
        await world.operations.request_release(customer, reason="they paid", actor="robin")
    await obeyed_without(world, customer, Beat.UNFLAG_CUSTOMER)
    assert live(world, customer) == [(BlockSource.SERVICE_HOLD, True)]
    async with workers(world):
        await world.in_status(customer, "released")
    assert (live(world, customer), world.customer_row(customer).entitystatus) == ([], "active")


# --- declined, expired, withdrawn --------------------------------------------------------------------------------


@pytest.mark.usefixtures("relaying")
async def test_decline_keeps_the_block(world: World) -> None:
    customer = crossed(world)
    await proposed(world, customer)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    assert live(world, customer) == [(BlockSource.AUTO_APPLY, False)]
    assert standing(world, customer) == (CreditStatus.CREDIT_HOLD, False)


@pytest.mark.usefixtures("relaying")
async def test_decline_by_the_command_line_lifts_the_block_as_an_override(
    world: World, desk: DeskServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = crossed(world)
    await proposed(world, customer)
    block_by_hand(world, customer)
    hold = program(world, desk.url, monkeypatch, capsys)
    why = ("--reason", "a bank guarantee came")
    done = await hold("decline", customer, "--lift-block", "--yes", "--revision", "1", *why, "--json")
    assert done.code == 0, done.err
    await world.in_status(customer, "declined")
    assert live(world, customer) == [(BlockSource.MANUAL, False)], "only what auto-apply did is lifted"
    [ended] = rows(world, select(CreditHoldEntry).where(CreditHoldEntry.ended_at.is_not(None)))
    assert (ended.source, ended.ended_by, ended.end_reason) == (
        BlockSource.AUTO_APPLY,
        "a-admin",
        "a bank guarantee came",
    )


@pytest.mark.usefixtures("relaying")
async def test_decline_on_the_page_offers_the_choice_only_after_auto_apply(world: World, sit: Any) -> None:
    plain, customer = world.customer(), crossed(world)
    await world.start(plain)
    await proposed(world, customer)
    mike = sit(Role.APPROVER, "mike")

    async def confirming(name: str) -> Any:
        page = await mike.send(await mike.get(f"/holds/{name}"), "Claim to decide")
        return await mike.send(page, "Decline…", reason="a bank guarantee came")

    page = await confirming(plain)
    assert "Lift the credit hold too" not in page.text
    shown = await mike.get(f"/holds/{customer}")
    assert "On credit hold already Auto-apply: credit limit 50,000.00 exceeded" in shown.text
    page = await confirming(customer)
    assert "Lift the credit hold too" in page.text
    button = next(iter(page.form_with("Decline the hold of 61,200.00 USD").buttons))
    await mike.send(page, button, lift_block="true")
    await world.in_status(customer, "declined")
    assert live(world, customer) == []
    assert standing(world, customer) == (CreditStatus.GOOD, True)
    assert profile(world, customer).overridden_by == "mike"
    assert "declined revision 1, and lifted its block" in (await mike.get(f"/holds/{customer}")).text


@pytest.mark.usefixtures("relaying")
async def test_expiry_keeps_the_block(world: World) -> None:
    world.set_policy(proposal_expires_after=timedelta(seconds=1))
    customer = crossed(world)
    await proposed(world, customer)
    await world.in_status(customer, "expired")
    assert live(world, customer) == [(BlockSource.AUTO_APPLY, False)]
    assert standing(world, customer) == (CreditStatus.CREDIT_HOLD, False)


@pytest.mark.usefixtures("relaying")
async def test_withdrawal_keeps_the_block(world: World) -> None:
    customer = crossed(world)
    await proposed(world, customer)
    await world.workflow(customer).cancel()
    await world.in_status(customer, "withdrawn")
    assert live(world, customer) == [(BlockSource.AUTO_APPLY, False)]


# --- the outbox --------------------------------------------------------------------------------------------------


async def test_edge_crossed_while_temporal_is_away_is_proposed_once_when_it_is_back(world: World) -> None:
    customer = crossed(world)
    [row] = rows(world, select(LimitTransition).where(LimitTransition.applied))
    gone = await nobody()
    async with relaying_of(world, gone):
        await world.eventually(lambda: rows(world, select(LimitTransition))[-1].tried_at is not None)
    assert holds_of(world, customer) == []
    assert standing(world, customer) == (CreditStatus.CREDIT_HOLD, False), "the block waits for nobody"

    async with relaying_of(world):
        await proposed(world, customer)
        await world.eventually(lambda: rows(world, select(LimitTransition.proposed_at))[0] is not None)
        with transaction(world.engine) as session:  # a crash between Temporal's answer and the note of it
            session.execute(update(LimitTransition).values(proposed_at=None))
        await world.eventually(lambda: rows(world, select(LimitTransition.proposed_at))[0] is not None)
    await world.decline(customer)
    await world.in_status(customer, "declined")
    assert [one.id for one in rows(world, select(HoldTrigger))] == [f"limit/{row.id}"]
    assert len(holds_of(world, customer)) == len(proposals_of(world, customer)) == 1


@pytest.mark.usefixtures("relaying")
async def test_hold_in_force_gets_evidence_and_no_second_proposal(world: World) -> None:
    customer = limited(world)
    await in_force(world, customer)
    owe(world, customer, "21200")
    await world.eventually(lambda: len(world.show(customer)["evidence"]) == 2)
    shown = world.show(customer)
    assert (shown["status"], shown["revision"], len(holds_of(world, customer))) == ("in_force", 1, 1)
    assert shown["evidence"][-1]["kind"] == "credit_limit_exceeded"
    assert live(world, customer) == [(BlockSource.SERVICE_HOLD, True), (BlockSource.AUTO_APPLY, False)]
    await release(world, customer)
    assert live(world, customer) == [(BlockSource.AUTO_APPLY, False)]
    assert standing(world, customer) == (CreditStatus.CREDIT_HOLD, False)


async def test_limit_trigger_is_admitted_like_the_other_automatic_ones(idle_world: World) -> None:
    customer = crossed(idle_world)
    [row] = rows(idle_world, select(LimitTransition).where(LimitTransition.applied))
    now = datetime.now(UTC)
    with transaction(idle_world.engine) as session:
        _, policy = policies.current(session)
        facts = receivables.read_facts(session, customer, now.date(), policy)

    def answer(last: Ending | None = None, **changes: Any) -> Admission:
        return admit(requests.of_crossing(row).kind, facts.model_copy(update=changes), last, now, policy)

    declined = Ending(declined=True, at=now, total_open=facts.total_open)
    released = declined.model_copy(update={"declined": False})
    assert answer() is Admission.ADMITTED
    assert answer(limit_state=LimitState.ACCEPTABLE) is Admission.LIMIT_MET
    assert answer(exempt_until=now.date()) is Admission.EXEMPT
    assert answer(declined, blocked_by=()) is Admission.SNOOZED
    assert answer(released, blocked_by=()) is Admission.IN_GRACE
    assert answer(declined) is answer(released) is Admission.ADMITTED, "whatever is applied is also proposed"
    assert answer(declined, total_open=facts.total_open * 2, blocked_by=()) is Admission.ADMITTED
    met = facts.model_copy(update={"limit_state": LimitState.ACCEPTABLE})
    assert weakening(facts, met, policy) == ["the credit limit is met again"]
    assert moved_materially(facts, met, policy)


# --- deleting what a service hold blocks -------------------------------------------------------------------------


async def test_approver_who_deletes_the_holds_entry_releases_in_one_step(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    entry = entry_of_hold(world, customer)
    done = await operations(world).delete_entry(customer, entry.id, **as_approver())
    assert (done.released, done.hold_id, done.entry_id) == ("approved", entry.hold_id, entry.id)
    shown = await world.shown_in_status(done.hold_id or "", "released")
    assert live(world, customer) == []
    lines = [(line["what"], line["who"], line["why"]) for line in shown["timeline"]]
    assert ("release_requested", "mike", "they paid by phone") in lines
    assert ("proposal_approved", "mike", "they paid by phone") in lines
    assert world.customer_row(customer).entitystatus == "active"


async def test_others_who_delete_the_holds_entry_propose_the_release(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    entry = entry_of_hold(world, customer)
    asks = operations(world)
    robin = as_approver(actor="robin", may_decide=False)
    for _ in range(2):
        done = await asks.delete_entry(customer, entry.id, **robin)
        assert (done.released, done.hold_id) == ("proposed", entry.hold_id)
    await shows(world, customer, HoldStatus="in_force", WaitingOn="approver")
    shown = world.show(customer)
    assert (shown["proposal"]["kind"], shown["proposal"]["status"]) == ("release", "open")
    assert live(world, customer) == [(BlockSource.SERVICE_HOLD, True)]
    await world.approve(customer)
    await world.in_status(customer, "released")
    assert live(world, customer) == []


async def test_status_good_ends_what_people_blocked_and_releases_the_hold(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    block_by_hand(world, customer)
    asks = operations(world)
    robin = as_approver(actor="robin", may_decide=False)
    done = await asks.set_profile(customer, credit_status=CreditStatus.GOOD, **robin)
    assert done.released == "proposed"
    assert live(world, customer) == [(BlockSource.SERVICE_HOLD, True)]
    assert profile(world, customer).credit_status is CreditStatus.CREDIT_HOLD
    done = await asks.set_profile(customer, credit_status=CreditStatus.GOOD, **as_approver())
    assert done.released == "approved"
    done = await asks.set_profile(customer, credit_status=CreditStatus.GOOD, **as_approver())
    await world.in_status(customer, "released")
    assert profile(world, customer).credit_status is CreditStatus.GOOD
    again = await asks.set_profile(customer, credit_status=CreditStatus.GOOD, **as_approver())
    assert (again.released, again.hold_id) == (None, None)


async def test_limit_and_status_together_and_each_alone(idle_world: World) -> None:
    customer = limited(idle_world)
    asks = operations(idle_world)
    await asks.set_profile(customer, credit_limit=Decimal(30000), **as_approver())
    assert live(idle_world, customer) == [(BlockSource.AUTO_APPLY, False)]
    await asks.set_profile(customer, credit_status=CreditStatus.CREDIT_HOLD, **as_approver())
    assert live(idle_world, customer) == [(BlockSource.AUTO_APPLY, False)], "it is so already"
    await asks.set_profile(customer, credit_status=CreditStatus.GOOD, credit_limit=None, **as_approver())
    assert standing(idle_world, customer) == (CreditStatus.GOOD, False), "within its limit again: no override"
    await asks.set_profile(customer, credit_limit=Decimal(30000), credit_status=CreditStatus.GOOD, **as_approver())
    assert standing(idle_world, customer) == (CreditStatus.GOOD, True)
    assert profile(idle_world, customer).credit_limit == Decimal(30000)


async def test_rules_of_every_approval_hold_for_a_deleted_entry(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    block_by_hand(world, customer)
    entry, asks = entry_of_hold(world, customer), operations(world)
    world.set_policy(bar_self_approval=True)
    good = {"credit_status": CreditStatus.GOOD}
    with pytest.raises(SelfApprovalError):
        await asks.set_profile(customer, **good, **as_approver(actor="robin"))
    assert len(live(world, customer)) == 2, "nothing of a refused change is left"
    await world.operations.request_release(customer, reason="they paid", actor="robin")
    await world.operations.claim(customer, actor="ann")
    with pytest.raises(ClaimedByAnotherError):
        await asks.delete_entry(customer, entry.id, **as_approver())
    with pytest.raises(UnknownEntryError):
        await asks.delete_entry(customer, UUID(int=0), **as_approver())
    with pytest.raises(BadInputError):
        await asks.delete_entry(customer, entry.id, **as_approver(reason=" "))
    assert world.status(customer) == "in_force"


async def test_second_approver_is_asked_for_a_deleted_entry_too(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    world.set_policy(second_approver_above=Decimal(100))
    entry, asks = entry_of_hold(world, customer), operations(world)
    assert (await asks.delete_entry(customer, entry.id, **as_approver())).released == "proposed"
    assert world.show(customer)["proposal"]["first_approval_by"] == "mike"
    done = await asks.delete_entry(customer, entry.id, **as_approver(actor="ann"))
    assert done.released == "approved"
    await world.in_status(customer, "released")


async def test_release_is_asked_for_while_temporal_is_away(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)
    gone = await nobody()
    asks = CreditHoldOperations(world.engine, OutcomeOperations(world.engine, gone, world.settings.task_queue))
    entry = entry_of_hold(world, customer)
    assert (await asks.delete_entry(customer, entry.id, **as_approver(may_decide=False))).released == "proposed"
    assert (await asks.delete_entry(customer, entry.id, **as_approver())).released == "approved"
    [decision] = rows(world, select(Decision).where(Decision.applied_at.is_(None)))
    await signal_decision(world, customer, decision.id)  # what the relay does
    await world.in_status(customer, "released")
