"""Every activity of the worker refuses who is not served, and changes nothing but the audit: made from the registry.

Whoever may start workflows in the namespace can schedule any activity, with any input, from a workflow of any type.
"""

import dataclasses
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

import worker
from credit.states import (
    OPEN_HOLD,
    PLACING,
    RELEASING,
    Beat,
    BeatStatus,
    HoldStatus,
    MessageKind,
    ReleaseCause,
    Verdict,
)
from db.act import Act
from db.engine import transaction
from db.holds import beats, decisions, holds, releases
from db.messages import messages, templates
from db.models import AuditEvent, Base, Decision, Hold, HoldBeat, HoldTrigger
from db.receivables import aging
from services.netsuite.client import netsuite_client
from tests.holds.helpers import ask, trigger
from tests.notifications.helpers import decide, propose
from tests.replay.test_signatures import name_of
from tests.world import World
from workflows import contract, signatures
from workflows.contract import Mending, ReleaseSignal
from workflows.signatures import AgingCandidate, Look, RunBeat

Activity = Callable[..., Any]

OWN_BEATS = {
    "flag_customer": {Beat.FLAG_CUSTOMER},
    "unflag_customer": {Beat.UNFLAG_CUSTOMER},
    "push_netsuite": {Beat.PUSH_NETSUITE},
    "restore_netsuite": {Beat.RESTORE_NETSUITE},
    "draft_message": {
        Beat.NOTIFY_SALES_REP,
        Beat.DRAFT_CUSTOMER_NOTICE,
        Beat.TELL_SALES_REP,
        Beat.DRAFT_RELEASE_NOTICE,
    },
}
IN_STATUS = {
    "put_in_force": {HoldStatus.APPLYING, HoldStatus.IN_FORCE, HoldStatus.RELEASING, HoldStatus.RELEASED},
    "look_at_hold": {HoldStatus.PROPOSED, HoldStatus.APPLYING, HoldStatus.IN_FORCE, HoldStatus.RELEASING},
    "propose_repair": {HoldStatus.PROPOSED, HoldStatus.APPLYING, HoldStatus.IN_FORCE, HoldStatus.RELEASING},
    "unsent_messages": {HoldStatus.RELEASING, HoldStatus.RELEASED},
    "finish_release": {HoldStatus.RELEASING, HoldStatus.RELEASED},
}
"""In which statuses an activity about a hold is served."""
IN_ANY_STATUS = {"add_evidence", "settle_decision", "request_release", "refuse_signal", "close_proposal"}
"""What comes late is answered and kept; of a proposal its own state counts."""
OF_NOBODY = {
    "reconcile_page": contract.RECONCILE,
    "anchor_audit": contract.AUDIT_ANCHOR,
    "compare_with_netsuite": contract.DRIFT_CHECK,
    "find_unheld": contract.DRIFT_CHECK,
    "open_aging_run": contract.AR_AGING,
}
"""What belongs to no hold, message or scan that is there: anybody may start these workflows."""


@dataclasses.dataclass
class Case:
    """One activity of a worker, and what it could be called with."""

    world: World
    run: Activity
    queue: str
    values: dict[str, Any]
    customer: str

    @property
    def name(self) -> str:
        return str(name_of(self.run))

    @property
    def order_type(self) -> type[Any]:
        hints = get_type_hints(self.run)
        hints.pop("return")
        [found] = hints.values()
        return found  # type: ignore[no-any-return]

    @property
    def fields(self) -> set[str]:
        return set(self.order_type.model_fields)

    def order(self, **changes: Any) -> Any:
        """An order of the activity; every field of it must have something here to be called with."""
        values = self.values | {"beat": next(iter(OWN_BEATS.get(self.name, {Beat.FLAG_CUSTOMER})))} | changes
        return self.order_type(**{name: values[name] for name in self.fields})

    @property
    def caller(self) -> tuple[str, str]:
        """Type and id of the workflow that is served."""
        if self.name in OF_NOBODY:
            return OF_NOBODY[self.name], "anything"
        if "message_id" in self.fields:
            return contract.OUTBOUND_MESSAGE, contract.message_workflow_id(self.values["message_id"])
        if "run_id" in self.fields:
            return contract.AR_AGING, "the-scan"
        return contract.SERVICE_HOLD, contract.service_hold_id(self.customer)

    async def call(self, caller: tuple[str, str], order: Any) -> Any:
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(
            ActivityEnvironment.default_info(),
            activity_type=self.name,
            workflow_type=caller[0],
            workflow_id=caller[1],
            task_queue=self.queue,
            started_time=datetime.now(UTC),
        )
        answer = environment.run(self.run, order)
        return await answer if inspect.isawaitable(answer) else answer

    async def refused(self, caller: tuple[str, str], order: Any, why: str) -> None:
        """The call is refused for good, twice; it leaves one audit row, and everything else as it was."""
        before, audited = everything(self.world.engine), refusals(self.world.engine)
        for _ in range(2):
            with pytest.raises(ApplicationError, match=why) as raised:
                await self.call(caller, order)
            assert (raised.value.type, raised.value.non_retryable) == ("NotServed", True)
        assert everything(self.world.engine) == before
        assert len(refusals(self.world.engine)) == len(audited) + 1, why
        newest = refusals(self.world.engine)[-1]
        assert (newest.actor, newest.detail["activity"]) == ("unknown", self.name)


def everything(engine: Engine) -> dict[str, str]:
    """A digest of each table, and the audit without its refusals."""
    found = {}
    with transaction(engine) as session:
        for table in Base.metadata.tables:
            kept = "WHERE action <> 'activity_refused'" if table == "audit_events" else ""
            query = f"SELECT md5(coalesce(string_agg(t::text, ',' ORDER BY t::text), '')) FROM {table} t {kept}"  # noqa: S608
            found[table] = session.execute(text(query)).scalar_one()
    return found


def refusals(engine: Engine) -> list[AuditEvent]:
    with transaction(engine) as session:
        query = select(AuditEvent).where(AuditEvent.action == "activity_refused").order_by(AuditEvent.id)
        return list(session.scalars(query))


@pytest.fixture
async def cases(idle_world: World) -> dict[str, Case]:
    """Every activity that the worker registers, with a hold that applies, a message of it and a scan."""
    world = idle_world
    customer = world.customer(in_netsuite=False)
    hold_id = propose(world, customer)
    decide(world, hold_id, Verdict.APPROVE)
    now = datetime.now(UTC)
    with transaction(world.engine) as session:
        source = templates.find(session, "service_hold_customer_notice")
        message_id = messages.draft(
            session,
            hold_id=hold_id,
            kind=MessageKind.CUSTOMER_NOTICE,
            recipient="ap@example.test",
            source=source,
            text=("On hold", "Please pay."),
            at=now,
        )
        run_id = uuid4()
        act = Act(session, "schedule", now)
        aging.open_run(act, run_id=run_id, workflow_id="the-scan", as_of=now.date())
        proposal_id = holds.newest_proposal(session, hold_id).id
    asked = trigger()
    ask(world, customer, asked)
    values: dict[str, Any] = {
        "customer_id": customer,
        "hold_id": hold_id,
        "new_hold_id": uuid4(),
        "message_id": message_id,
        "run_id": run_id,
        "proposal_id": proposal_id,
        "decision_id": uuid4(),
        "trigger": asked,
        "triggers": [asked],
        "request": ReleaseSignal(id="r", cause=ReleaseCause.PERSON, reason="x", actor="mike", at=now),
        "ending": HoldStatus.EXPIRED,
        "reason": "",
        "now": now,
        "since": now,
        "due_at": now,
        "as_of": now.date(),
        "time_zone": "UTC",
        "workflow_id": "the-scan",
        "requested_by": "mike",
        "after": None,
        "limit": 10,
        "candidates": [AgingCandidate(customer_id=customer, reason="because mike says so")],
        "task_queue": world.settings.task_queue,
        "look": Look.HOLDS,
        "mending": Mending.REPAIR,
        "previous": None,
        "signal": "decide",
        "problem": "none",
        "content": "",
    }
    netsuite = netsuite_client(world.settings)
    built = worker.build_workers(world.client, world.settings, world.engine, netsuite)
    netsuite.close()
    registered = [(one.task_queue, activity) for one in built for activity in one.config()["activities"]]
    made = [Case(world, activity, queue, values, customer) for queue, activity in registered]
    return {case.name: case for case in made}


async def test_a_foreign_workflow_is_served_by_no_activity(cases: dict[str, Case]) -> None:
    assert set(cases) == {name for one in vars(signatures).values() if callable(one) and (name := name_of(one))}
    for case in cases.values():
        await case.refused(("Evil", "evil-id"), case.order(), "serve")


async def test_the_right_type_under_a_foreign_id_is_served_nothing_that_is_anothers(cases: dict[str, Case]) -> None:
    for case in cases.values():
        if case.name not in OF_NOBODY:
            await case.refused((case.caller[0], "service-hold/somebody-else"), case.order(), ".")


async def test_the_right_id_with_a_foreign_type_is_served_nothing(cases: dict[str, Case]) -> None:
    for case in cases.values():
        await case.refused(("Evil", case.caller[1]), case.order(), "serve")


async def test_what_is_not_there_is_refused_and_not_tried_for_ever(cases: dict[str, Case]) -> None:
    gone = {"hold_id": uuid4(), "message_id": uuid4()}
    for case in cases.values():
        if case.name not in OF_NOBODY and case.fields & set(gone):
            await case.refused(case.caller, case.order(**gone), "no")


async def test_a_clock_that_is_ahead_lets_no_time_pass(cases: dict[str, Case]) -> None:
    ahead = datetime.now(UTC) + timedelta(days=1)
    timed = [case for case in cases.values() if case.fields & {"now", "since"}]
    assert len(timed) > 20
    for case in timed:
        await case.refused(case.caller, case.order(now=ahead, since=ahead), "ahead")


async def test_an_activity_serves_its_own_beats_only(cases: dict[str, Case]) -> None:
    of_beats = {name for name, case in cases.items() if case.order_type is RunBeat}
    assert of_beats == set(OWN_BEATS)
    plan_everything(cases)
    for name in of_beats:
        for wanted in set(Beat) - OWN_BEATS[name]:
            await cases[name].refused(cases[name].caller, cases[name].order(beat=wanted), "is not a beat of this")


async def test_a_beat_is_tried_in_its_holds_status_only(cases: dict[str, Case]) -> None:
    plan_everything(cases)
    for status in HoldStatus:
        put(cases, status)
        for name, own in OWN_BEATS.items():
            for beat in own:
                turn = [HoldStatus.APPLYING, HoldStatus.IN_FORCE] if beat in PLACING else [HoldStatus.RELEASING]
                if status not in turn:
                    await cases[name].refused(cases[name].caller, cases[name].order(beat=beat), f"the hold is {status}")


async def test_a_beat_is_tried_after_an_approval_that_was_obeyed_only(cases: dict[str, Case]) -> None:
    plan_everything(cases)
    with transaction(engine_of(cases)) as session:
        session.execute(update(Decision).values(outcome=None, applied_at=None))
    for name, own in OWN_BEATS.items():
        for beat in own:
            put(cases, HoldStatus.APPLYING if beat in PLACING else HoldStatus.RELEASING)
            await cases[name].refused(cases[name].caller, cases[name].order(beat=beat), "nobody approved")


async def test_what_is_about_a_hold_is_served_in_its_status_only(cases: dict[str, Case]) -> None:
    about_holds = {name for name, case in cases.items() if "hold_id" in case.fields and name not in OWN_BEATS}
    assert about_holds == set(IN_STATUS) | IN_ANY_STATUS
    for status in HoldStatus:
        put(cases, status)
        for name, served in IN_STATUS.items():
            if status not in served:
                await cases[name].refused(cases[name].caller, cases[name].order(), f"the hold is {status}")


async def test_a_hold_is_in_force_after_its_flag_and_released_after_every_beat(cases: dict[str, Case]) -> None:
    await cases["put_in_force"].refused(cases["put_in_force"].caller, cases["put_in_force"].order(), "flag_customer")
    approve_the_release(cases)
    with transaction(engine_of(cases)) as session:
        session.execute(
            update(HoldBeat)
            .where(HoldBeat.beat.in_(RELEASING[:3]))
            .values(status=BeatStatus.DONE, done_at=datetime.now(UTC))
        )
    finish = cases["finish_release"]

    await finish.refused(finish.caller, finish.order(), "restore_netsuite")

    with transaction(engine_of(cases)) as session:
        beats.skip(session, finish.values["hold_id"], Beat.RESTORE_NETSUITE, "left out")
    await finish.call(finish.caller, finish.order())
    assert finish.world.status(finish.customer) == "released"


async def test_a_hold_is_not_released_where_nobody_approved_it(cases: dict[str, Case]) -> None:
    put(cases, HoldStatus.RELEASING)
    finish = cases["finish_release"]

    await finish.refused(finish.caller, finish.order(), "nobody approved")


@pytest.mark.parametrize("ending", HoldStatus)
async def test_a_proposal_ends_undecided_when_it_is_due_or_withdrawn_only(
    idle_world: World, cases: dict[str, Case], ending: HoldStatus
) -> None:
    hold_id = propose(idle_world, other := idle_world.customer(in_netsuite=False))
    close = dataclasses.replace(cases["close_proposal"], customer=other)
    with transaction(idle_world.engine) as session:
        proposal_id = holds.newest_proposal(session, hold_id).id
    order = close.order(hold_id=hold_id, proposal_id=proposal_id, ending=ending, reason="tidying \0 up")

    if ending is HoldStatus.WITHDRAWN:
        assert await close.call(close.caller, order)
        [row] = [row for row in idle_world.show(other)["timeline"] if row["what"] == "hold_withdrawn"]
        assert row["why"] == "its workflow was cancelled in Temporal: tidying \\x00 up"
    else:
        await close.refused(close.caller, order, "not due" if ending is HoldStatus.EXPIRED else "without a decision")
        assert idle_world.status(other) == "proposed"


async def test_only_what_is_proposed_first_is_withdrawn_by_a_cancel(cases: dict[str, Case]) -> None:
    close = cases["close_proposal"]
    with transaction(engine_of(cases)) as session:
        act = Act(session, "robin", datetime.now(UTC))
        releases.request(act, close.values["hold_id"], "r", ReleaseCause.PERSON, "paid")
        proposal_id = holds.newest_proposal(session, close.values["hold_id"]).id

    order = close.order(proposal_id=proposal_id, ending=HoldStatus.WITHDRAWN)

    await close.refused(close.caller, order, "a release proposal is not withdrawn without a decision")


async def test_a_proposal_of_another_hold_is_not_ended(idle_world: World, cases: dict[str, Case]) -> None:
    other = propose(idle_world, idle_world.customer(in_netsuite=False))
    close = cases["close_proposal"]
    with transaction(idle_world.engine) as session:
        proposal_id = holds.newest_proposal(session, other).id

    await close.refused(close.caller, close.order(proposal_id=proposal_id), "no proposal of the hold")


async def test_a_repair_is_a_persons_and_runs_on_the_workers_own_queue(cases: dict[str, Case]) -> None:
    reconcile, propose_them = cases["reconcile_page"], cases["propose_candidates"]

    await reconcile.refused(reconcile.caller, reconcile.order(), "nobody asked for a repair")
    for case in (reconcile, propose_them):
        await case.refused(case.caller, case.order(task_queue="evil"), "queue")


async def test_a_scan_looks_at_its_own_day_and_at_customers_that_are_there(cases: dict[str, Case]) -> None:
    for name in ("read_aging_page", "propose_candidates"):
        another = cases[name].values["as_of"] - timedelta(days=1)
        await cases[name].refused(cases[name].caller, cases[name].order(as_of=another), "this scan looks at")
    invented = [AgingCandidate(customer_id="no\0body", reason="x")]
    asks = cases["propose_candidates"]
    await asks.refused(asks.caller, asks.order(candidates=invented), "no such customer")


async def test_who_wants_a_scan_is_not_believed_from_its_input(cases: dict[str, Case], idle_world: World) -> None:
    opens, run_id = cases["open_aging_run"], uuid4()

    await opens.call(opens.caller, opens.order(run_id=run_id, requested_by="mike"))

    [row] = [event for event in audited(idle_world, "ar_aging_started") if event.detail["once"] == str(run_id)]
    assert row.actor == "schedule"


@pytest.mark.parametrize(
    "trigger_id", ["invented", "nul \0", "i" * 9000, "limit/x", f"limit/{UUID(int=1)}", "event/x", ""]
)
async def test_a_trigger_that_nobody_asked_for_is_refused_and_proposes_nothing(
    cases: dict[str, Case], idle_world: World, trigger_id: str
) -> None:
    forged = trigger(id=trigger_id, actor="mike", reason="forged \0")
    adds, opens = cases["add_evidence"], dataclasses.replace(cases["open_hold"], customer=idle_world.customer())
    before = everything(idle_world.engine)

    added = await adds.call(adds.caller, adds.order(trigger=forged))
    opened = await opens.call(opens.caller, opens.order(customer_id=opens.customer, triggers=[forged]))

    assert (added.kept, added.refused, opened.hold, opened.refused) == (True, True, None, 1)
    assert [event.actor for event in audited(idle_world, "signal_refused")] == ["unknown", "unknown"]
    after = everything(idle_world.engine)
    assert {table for table, found in after.items() if found != before[table]} == {"audit_events"}


async def test_a_trigger_of_another_customer_is_refused(cases: dict[str, Case], idle_world: World) -> None:
    asked = trigger()
    ask(idle_world, idle_world.customer(), asked)
    adds = cases["add_evidence"]

    assert (await adds.call(adds.caller, adds.order(trigger=asked))).refused
    with transaction(idle_world.engine) as session:
        assert session.get(HoldTrigger, asked.id) is None


async def test_what_a_trigger_says_of_itself_is_not_believed(cases: dict[str, Case], idle_world: World) -> None:
    adds = cases["add_evidence"]
    forged = adds.values["trigger"].model_copy(update={"actor": "mike", "reason": "forged"})

    added = await adds.call(adds.caller, adds.order(trigger=forged))

    assert not added.refused
    with transaction(idle_world.engine) as session:
        row = session.get_one(HoldTrigger, forged.id)
    assert (row.actor, row.reason) == ("robin", "a raw trigger")


# --- how things stand ---------------------------------------------------------------------------------------------


def engine_of(cases: dict[str, Case]) -> Engine:
    return next(iter(cases.values())).world.engine


def audited(world: World, action: str) -> list[AuditEvent]:
    with transaction(world.engine) as session:
        return list(session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id)))


def plan_everything(cases: dict[str, Case]) -> None:
    """Let every beat be pending, so that only the hold's status and its decisions stand in the way."""
    with transaction(engine_of(cases)) as session:
        beats.plan(session, hold_of(cases), RELEASING)


def put(cases: dict[str, Case], status: HoldStatus) -> None:
    """Write a hold's status as no code of ours would."""
    closed = None if status in OPEN_HOLD else datetime.now(UTC)
    with transaction(engine_of(cases)) as session:
        session.execute(update(Hold).where(Hold.id == hold_of(cases)).values(status=status, closed_at=closed))


def hold_of(cases: dict[str, Case]) -> UUID:
    found: UUID = cases["look_at_hold"].values["hold_id"]
    return found


def approve_the_release(cases: dict[str, Case]) -> None:
    world, now = cases["look_at_hold"].world, datetime.now(UTC)
    with transaction(world.engine) as session:
        _approve_the_release(session, hold_of(cases), now)


def _approve_the_release(session: Session, hold_id: UUID, now: datetime) -> None:
    releases.request(Act(session, "robin", now), hold_id, "r", ReleaseCause.PERSON, "paid")
    hold = holds.find(session, str(hold_id))
    claim, proposal = decisions.claim(Act(session, "mike", now), hold)
    made = decisions.decide(
        Act(session, "mike", now),
        hold,
        claim_id=claim.id,
        revision=proposal.revision,
        verdict=Verdict.APPROVE,
        reason="paid",
    )
    assert isinstance(made, Decision)
    decisions.settle(Act.of_system(session, now), hold_id=hold_id, decision_id=made.id)
