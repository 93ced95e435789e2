"""Whom an activity serves: asserted in the database before it does anything.

Whoever may start workflows in the namespace can schedule every activity with any input. So each one asks here: is it
called by the workflow that this hold, message or scan belongs to, does the record say that its turn has come, and has a
person's decision (or the policy's) been obeyed that allows it? What is refused changes nothing, is audited once, and
fails for good. A workflow's id and type can be forged once the right one is ended; the rows of decisions cannot.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.exceptions import ApplicationError

from credit.actors import OwnActor
from credit.audit_entries.system import ActivityRefused
from credit.plain_text import kept
from credit.states import BEAT_OVER, OPEN_HOLD, PLACING, Beat, HoldStatus, ProposalKind, Verdict
from db import audit, transaction_memory
from db.act import Act
from db.engine import transaction
from db.holds import beats
from db.models import ArAgingRun, Customer, Decision, Hold, HoldBeat, Message, Proposal
from workflows.contract import (
    AR_AGING,
    OUTBOUND_MESSAGE,
    RESTORE_AGAIN,
    SERVICE_HOLD,
    background_task_queue,
    message_workflow_id,
    restore_again_prefix,
    service_hold_id,
)
from workflows.signatures import RunBeat

NOT_SERVED = "NotServed"
"""The type of the error that refuses a caller."""

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clocks of Temporal's own servers may be apart."""
_EXCERPT = 200


class NotServedError(Exception):
    """Who called is not served; `chain` is the audit chain that says so."""

    def __init__(self, why: str, chain: str | UUID = audit.SYSTEM) -> None:
        super().__init__(why)
        self.chain = chain


@contextmanager
def checked(engine: Engine) -> Iterator[Session]:
    """One transaction of an activity, in which it asserts whom it serves.

    Raises:
        ApplicationError: `NotServed`, non-retryable: an assertion of this module failed, and nothing has changed.
    """
    try:
        with transaction(engine) as session:
            yield session
    except NotServedError as error:
        _audit(engine, error)
        raise ApplicationError(str(error), type=NOT_SERVED, non_retryable=True) from error


@contextmanager
def acting(engine: Engine, now: datetime) -> Iterator[Act]:
    """Do as `checked` for what the system does at a workflow's `now`."""
    with checked(engine) as session:
        yield Act.of_system(session, now)


def _audit(engine: Engine, error: NotServedError) -> None:
    info = activity.info()
    entry = ActivityRefused(
        activity=info.activity_type,
        workflow_id=kept(info.workflow_id or "")[:_EXCERPT],
        workflow_type=kept(info.workflow_type or "")[:_EXCERPT],
        why=kept(str(error)),
    )
    with transaction(engine) as session:
        Act(session, OwnActor.UNKNOWN, info.started_time).note(
            error.chain, entry, once=f"{entry.activity}; {entry.workflow_id}; {entry.workflow_type}; {entry.why}"
        )


# --- who calls ----------------------------------------------------------------------------------------------------


def only(workflow_type: str) -> None:
    """Assert the type of the workflow that calls: for what belongs to no hold, and anybody may start.

    Raises:
        NotServedError: it is another one.
    """
    info = activity.info()
    if info.workflow_type != workflow_type:
        raise NotServedError(f"this serves workflows of the type {workflow_type}")


def not_from_the_future(now: datetime, chain: str | UUID = audit.SYSTEM) -> None:
    """Assert that a workflow's clock is Temporal's: a later one would let deadlines and undo times pass.

    Raises:
        NotServedError: it is ahead, or has no time zone.
    """
    if now.tzinfo is None or now > activity.info().started_time + _CLOCKS_DIFFER:
        raise NotServedError("the workflow's clock is ahead of Temporal's", chain)


def queue(task_queue: str) -> None:
    """Assert that a background activity speaks of its own task queue: what it starts runs where this worker is.

    Raises:
        NotServedError: it is another one.
    """
    if activity.info().task_queue != background_task_queue(task_queue):
        raise NotServedError("the task queue is not this worker's")


def customer(customer_id: str) -> None:
    """Assert that the customer's own workflow calls.

    Raises:
        NotServedError: it is another one.
    """
    info = activity.info()
    if info.workflow_type != SERVICE_HOLD or info.workflow_id != service_hold_id(customer_id):
        raise NotServedError(f"only {service_hold_id(kept(customer_id)[:_EXCERPT])} is served here")


# --- holds --------------------------------------------------------------------------------------------------------


def hold(session: Session, hold_id: UUID, now: datetime, statuses: Collection[HoldStatus] = OPEN_HOLD) -> Hold:
    """Return the hold that is served, locked: by its customer's own workflow, in one of these statuses.

    Raises:
        NotServedError: there is none, it is another workflow's, or it is not its turn.
    """
    row = transaction_memory.locked(session, Hold, hold_id)
    if row is None:
        raise NotServedError("there is no such hold")
    customer(row.customer_id)
    not_from_the_future(now, row.id)
    if row.status not in statuses:
        raise NotServedError(f"the hold is {row.status}", row.id)
    return row


def proposal(session: Session, hold_id: UUID, proposal_id: UUID, ending: HoldStatus, now: datetime) -> None:
    """Assert that a proposal may end undecided: expired when it is due, withdrawn where Temporal cancels its hold.

    Raises:
        NotServedError: as `hold`, or it may not.
    """
    served = hold(session, hold_id, now, tuple(HoldStatus))
    row = session.get(Proposal, proposal_id)
    if row is None or row.hold_id != served.id:
        raise NotServedError("this is no proposal of the hold", served.id)
    match ending:
        case HoldStatus.EXPIRED if now >= row.due_at:
            return
        case HoldStatus.EXPIRED:
            raise NotServedError("the proposal is not due", served.id)
        case HoldStatus.WITHDRAWN if row.kind is ProposalKind.PLACE:
            return
        case _:
            raise NotServedError(f"a {row.kind} proposal is not {ending} without a decision", served.id)


def obeyed(session: Session, row: Hold, kind: ProposalKind, what: str = "") -> None:
    """Assert that an approval of this kind was made about the hold, by a person or the policy, and was obeyed.

    Raises:
        NotServedError: there is none.
    """
    query = (
        select(Decision.id)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(Decision.hold_id == row.id, Proposal.hold_id == row.id, Proposal.kind == kind)
        .where(Decision.verdict == Verdict.APPROVE, Decision.outcome == "approved")
    )
    if session.scalars(query.limit(1)).first() is None:
        raise NotServedError(f"{what}nobody approved to {kind} the hold", row.id)


def in_force(session: Session, hold_id: UUID, now: datetime) -> None:
    """Assert that an approved hold may be called in force, or was: its flag is set, or was left out.

    Raises:
        NotServedError: as `hold`, or beat 1 is not over.
    """
    past = (HoldStatus.IN_FORCE, HoldStatus.RELEASING, HoldStatus.RELEASED)
    row = hold(session, hold_id, now, (HoldStatus.APPLYING, *past))
    if row.status is HoldStatus.APPLYING:
        obeyed(session, row, ProposalKind.PLACE)
        _over(session, row, (Beat.FLAG_CUSTOMER,))


def released(session: Session, hold_id: UUID, now: datetime, beats: Collection[Beat]) -> None:
    """Assert that a hold may be closed, or was: every one of the release's beats is over.

    Raises:
        NotServedError: as `hold`, or one is not.
    """
    row = hold(session, hold_id, now, (HoldStatus.RELEASING, HoldStatus.RELEASED))
    obeyed(session, row, ProposalKind.RELEASE)
    if row.status is HoldStatus.RELEASING:
        _over(session, row, beats)


def _over(session: Session, row: Hold, beats: Collection[Beat]) -> None:
    query = select(HoldBeat.beat).where(HoldBeat.hold_id == row.id, HoldBeat.status.in_(BEAT_OVER))
    missing = set(beats) - set(session.scalars(query))
    if missing:
        raise NotServedError(f"not over yet: {', '.join(sorted(missing))}", row.id)


def beat(session: Session, order: RunBeat, own: Collection[Beat]) -> None:
    """Assert that a beat may be tried: one of the activity's own, planned, and its turn by an obeyed approval.

    A beat that is over is nobody's turn any more; there trying it does nothing. A released hold's record in NetSuite is
    restored again by a person's order, which makes the beat pending and has a workflow of its own.

    Raises:
        NotServedError: it may not.
    """
    row = session.get(Hold, order.hold_id)
    if row is None:
        raise NotServedError("there is no such hold")
    again = _restores_again(row, order.beat)
    if not again:
        customer(row.customer_id)
    not_from_the_future(order.now, row.id)
    if order.beat not in own:
        raise NotServedError(f"{order.beat} is not a beat of this activity", row.id)
    planned = beats.planned(session, row.id, order.beat)
    if planned is None:
        raise NotServedError(f"{order.beat} was not planned", row.id)
    if planned.status in BEAT_OVER:
        return
    if order.beat in PLACING:
        kind, statuses = ProposalKind.PLACE, [HoldStatus.APPLYING, HoldStatus.IN_FORCE]
    else:
        kind, statuses = ProposalKind.RELEASE, [HoldStatus.RELEASED if again else HoldStatus.RELEASING]
    if row.status not in statuses:
        raise NotServedError(f"{order.beat}: the hold is {row.status}", row.id)
    obeyed(session, row, kind, f"{order.beat}: ")


def _restores_again(row: Hold, wanted: Beat) -> bool:
    info = activity.info()
    return (
        wanted is Beat.RESTORE_NETSUITE
        and info.workflow_type == RESTORE_AGAIN
        and (info.workflow_id or "").startswith(restore_again_prefix(row.id))
    )


# --- messages and scans -------------------------------------------------------------------------------------------


def message(session: Session, message_id: UUID, now: datetime) -> None:
    """Assert that a message's own workflow calls, and lock it.

    Raises:
        NotServedError: there is no such message, or it is another workflow.
    """
    row = transaction_memory.locked(session, Message, message_id)
    if row is None:
        raise NotServedError("there is no such message")
    info = activity.info()
    if info.workflow_type != OUTBOUND_MESSAGE or info.workflow_id != message_workflow_id(row.id):
        raise NotServedError(f"only {message_workflow_id(row.id)} is served here", row.hold_id)
    not_from_the_future(now, row.hold_id)


def about(session: Session, customer_id: str, hold_id: UUID | None, now: datetime) -> None:
    """Assert that who reports a signal is the workflow of this hold, of this customer without one, or of its message.

    Raises:
        NotServedError: it is another one.
    """
    info = activity.info()
    not_from_the_future(now)
    if info.workflow_type == OUTBOUND_MESSAGE:
        ours = session.scalars(select(Message.id).where(Message.hold_id == hold_id))
        if info.workflow_id not in {message_workflow_id(one) for one in ours}:
            raise NotServedError("this is no message of the hold")
    else:
        customer(customer_id)
    owner = session.get(Hold, hold_id) if hold_id else None
    if hold_id and (owner is None or owner.customer_id != customer_id):
        raise NotServedError("this is no hold of the customer")


def scan(session: Session, run_id: UUID, now: datetime | None = None, as_of: date | None = None) -> ArAgingRun:
    """Return the row of the scan that calls; `as_of`, where it is given, must be the day that the row says.

    Raises:
        NotServedError: it is another workflow's, or looks at another day.
    """
    only(AR_AGING)
    row = session.get(ArAgingRun, run_id)
    if row is None or row.workflow_id != activity.info().workflow_id:
        raise NotServedError("this is no scan of the workflow")
    if now is not None:
        not_from_the_future(now)
    if as_of not in (None, row.as_of):
        raise NotServedError(f"this scan looks at {row.as_of}")
    return row


def new_scan(session: Session, run_id: UUID) -> None:
    """Assert that a scan's row is not another workflow's.

    Raises:
        NotServedError: it is.
    """
    if session.get(ArAgingRun, run_id) is not None:
        scan(session, run_id)


def known_customer(session: Session, customer_id: str) -> None:
    """Assert that there is such a customer.

    Raises:
        NotServedError: there is none.
    """
    if "\0" in customer_id or session.get(Customer, customer_id) is None:
        raise NotServedError("there is no such customer")
