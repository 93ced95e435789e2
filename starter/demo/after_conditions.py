"""What must be true after a hold went through: the service-hold spec's "What's different", checked from outside."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from credit.states import ABOUT_THE_HOLD, EntityStatus, MessageKind, MessageStatus
from db import netsuite
from db.engine import transaction
from db.messages import messages
from db.models import AutoDecision, Customer, Decision, Hold, HoldBeat, Message, ReflexionLog, WorkflowDefinition
from netsuite.client import NetSuiteClient
from netsuite.records import CreditHoldOverride

_EXPECTED_DURATION = timedelta(minutes=15)
_RISK_LEVEL = 4
_SOURCES = ["ar_aging_tick_threshold", "manual"]


@dataclass(frozen=True)
class Condition:
    """One thing that must be true, whether it is, and what was seen."""

    name: str
    holds: bool
    seen: str


def check(engine: Engine, client: NetSuiteClient, hold_id: UUID, mail_dir: Path) -> Iterator[Condition]:
    """Check each after-condition of the service-hold spec against the database, NetSuite and the mail sink."""
    with transaction(engine) as session:
        hold = session.get_one(Hold, hold_id)
        customer = session.get_one(Customer, hold.customer_id)
        yield _flagged(customer, hold)
        yield from _netsuite(session, client, hold, customer)
        drafts = {message.kind: message for message in messages.of_hold(session, hold_id)}
        yield _draft(
            drafts, MessageKind.SALES_REP, ("AR balance", "Days overdue", "Prior holds", "Recommended next call")
        )
        yield _draft(drafts, MessageKind.CUSTOMER_NOTICE, ("on hold", "Payment:", "Payment plan:", "Dispute:"))
        sent = list(mail_dir.glob("*.eml"))
        yield Condition("nothing was sent: a person approves each message", not sent, f"{len(sent)} mails in the sink")
        yield _remembered(session, hold)
        yield _lesson(session, hold)
        yield _definition(session)
        yield _duration(session, hold)


def check_released(engine: Engine, client: NetSuiteClient, hold_id: UUID) -> Iterator[Condition]:
    """Check that a released customer is as it was before the hold, against the database and NetSuite."""
    with transaction(engine) as session:
        hold = session.get_one(Hold, hold_id)
        customer = session.get_one(Customer, hold.customer_id)
        active = customer.entitystatus is EntityStatus.ACTIVE
        yield Condition("released: customers.entitystatus is what it was", active, customer.entitystatus)
        record = netsuite.record_of(session, hold_id)
        prior = record.prior if record else None
        said = client.read_customer(customer.netsuite_id).credit_hold_override
        yield Condition("released: NetSuite says its prior value again", said == prior, f"{said} over HTTP")
        kinds = {message.kind: message.status for message in messages.of_hold(session, hold_id)}
        withdrawn = {kinds[kind] for kind in ABOUT_THE_HOLD} == {MessageStatus.WITHDRAWN}
        yield Condition("released: what was not sent is withdrawn", withdrawn, ", ".join(sorted(kinds.values())))
        lessons = session.scalars(select(ReflexionLog.event).where(ReflexionLog.hold_id == hold_id)).all()
        yield Condition("released: reflexion_log has the outcome", "released" in lessons, ", ".join(lessons))


def _flagged(customer: Customer, hold: Hold) -> Condition:
    moved = customer.last_modified >= hold.proposed_at
    return Condition(
        "customers.entitystatus = 'hold', last_modified moved",
        customer.entitystatus is EntityStatus.HOLD and moved,
        f"{customer.entitystatus}, {customer.last_modified:%H:%M:%S} UTC",
    )


def _netsuite(session: Session, client: NetSuiteClient, hold: Hold, customer: Customer) -> Iterator[Condition]:
    said = client.read_customer(customer.netsuite_id).credit_hold_override
    yield Condition("NetSuite says creditHoldOverride = ON", said is CreditHoldOverride.ON, f"{said} over HTTP")
    record = netsuite.record_of(session, hold.id)
    prior = record.prior if record else None
    yield Condition("NetSuite's prior value was noted before the write", prior == "AUTO", f"prior {prior}")


def _draft(drafts: dict[MessageKind, Message], kind: MessageKind, must_say: tuple[str, ...]) -> Condition:
    name = f"{kind.replace('_', ' ')} draft is pending review and says what it must"
    draft = drafts.get(kind)
    if draft is None:
        return Condition(name, holds=False, seen="no draft")
    missing = [phrase for phrase in must_say if phrase not in draft.revisions[-1].body]
    fine = draft.status is MessageStatus.PENDING_REVIEW and not missing
    return Condition(name, fine, f"{draft.status} to {draft.recipient}" + (f", lacks {missing}" if missing else ""))


def _remembered(session: Session, hold: Hold) -> Condition:
    rows = session.scalars(select(AutoDecision).where(AutoDecision.hold_id == hold.id)).all()
    seen = ", ".join(f"{row.verdict} by {row.decided_by}" for row in rows) or "no row"
    return Condition("auto_decisions records the decision", len(rows) == 1, seen)


def _lesson(session: Session, hold: Hold) -> Condition:
    tags = session.scalars(select(ReflexionLog.tags).where(ReflexionLog.hold_id == hold.id)).all()
    wanted = f"service_hold,customer:{hold.customer_id}"
    return Condition(f"reflexion_log carries {wanted}", wanted in tags, ", ".join(tags) or "no row")


def _definition(session: Session) -> Condition:
    row = session.get(WorkflowDefinition, "service_hold_trigger")
    name = "workflow_definitions: risk level 4, 15 minutes, event, both sources"
    if row is None:
        return Condition(name, holds=False, seen="no row")
    found = (row.risk_level, row.expected_duration_minutes, row.trigger, sorted(row.sources))
    wanted = (_RISK_LEVEL, _EXPECTED_DURATION // timedelta(minutes=1), "event", _SOURCES)
    return Condition(name, found == wanted, ", ".join(map(str, found)))


def _duration(session: Session, hold: Hold) -> Condition:
    decided = session.scalars(select(Decision.decided_at).where(Decision.hold_id == hold.id)).one()
    done: list[datetime | None] = list(session.scalars(select(HoldBeat.done_at).where(HoldBeat.hold_id == hold.id)))
    finished = [at for at in done if at is not None]
    took = max(finished, default=decided) - decided
    fine = len(finished) == len(done) and took < _EXPECTED_DURATION
    return Condition("all four beats done within 15 minutes", fine, f"{took.total_seconds():.1f} s after the decision")
