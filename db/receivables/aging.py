"""AR aging scans: what each made of every customer above the threshold. A repeated call changes nothing."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.audit_entries.receivables import ArAgingStarted
from credit.facts import Facts
from credit.triggers import Admission, Disposition
from db import audit, policies
from db.act import Act
from db.models import ArAgingItem, ArAgingRun, HoldTrigger
from db.models.base import JsonObject
from db.receivables import receivables
from db.receivables.receivables import Assessed

_TURNED_AWAY = {
    Admission.SNOOZED: Disposition.SNOOZED,
    Admission.IN_GRACE: Disposition.IN_GRACE,
    Admission.EXEMPT: Disposition.EXEMPT,
    Admission.BELOW_THRESHOLD: Disposition.NO_LONGER_DUE,
}


def reason(facts: Facts, as_of: date) -> str:
    """Return why AR aging proposes a hold, for people."""
    return f"{facts.days_overdue} days overdue, {facts.total_open:,.2f} {facts.currency} open as of {as_of}"


def open_run(act: Act, *, run_id: UUID, workflow_id: str, as_of: date) -> None:
    """Write a scan's row, with the policy it begins under."""
    version, _ = policies.current(act.session)
    values = {
        "id": run_id,
        "workflow_id": workflow_id,
        "as_of": as_of,
        "requested_by": act.actor,
        "policy_version": version,
        "started_at": act.now,
        "counts": {},
    }
    act.session.execute(insert(ArAgingRun).values(values).on_conflict_do_nothing())
    act.note(audit.SYSTEM, ArAgingStarted(as_of=as_of, workflow_id=workflow_id), once=str(run_id))


def assess(
    session: Session, *, run_id: UUID, as_of: date, now: datetime, after: str | None, limit: int
) -> list[Assessed]:
    """Return the next customers above the threshold, and write down those that are not proposed, with the reason.

    Whom this run has proposed already comes back as proposed, not as held: a page that is read again stays the same.
    """
    _, policy = policies.current(session)
    found = receivables.above_threshold(session, as_of, policy, now=now, after=after, limit=limit)
    ids = [one.candidate.customer_id for one in found]
    mine = select(ArAgingItem.customer_id).where(
        ArAgingItem.run_id == run_id, ArAgingItem.customer_id.in_(ids), ArAgingItem.disposition == Disposition.PROPOSED
    )
    proposed = set(session.scalars(mine))
    skipped = [
        {
            "run_id": run_id,
            "customer_id": one.candidate.customer_id,
            "disposition": one.disposition,
            "facts": one.candidate.facts.model_dump(mode="json"),
        }
        for one in found
        if one.disposition is not Disposition.PROPOSED and one.candidate.customer_id not in proposed
    ]
    if skipped:
        session.execute(insert(ArAgingItem).on_conflict_do_nothing(), skipped)
    return found


def note_proposal(session: Session, *, run_id: UUID, customer_id: str, trigger: HoldTrigger) -> None:
    """Write down what became of a candidate's trigger."""
    if trigger.refusal is not None:
        disposition = _TURNED_AWAY[Admission(trigger.refusal)]
    else:
        disposition = Disposition.PROPOSED if trigger.opened else Disposition.OPEN_HOLD
    _note(session, run_id, customer_id, disposition, hold_id=trigger.hold_id, facts=trigger.facts or {})


def note_unanswered(session: Session, *, run_id: UUID, customer_id: str) -> None:
    """Write down that a candidate's workflow did not answer in time."""
    _note(session, run_id, customer_id, Disposition.UNANSWERED)


def _note(
    session: Session,
    run_id: UUID,
    customer_id: str,
    disposition: Disposition,
    *,
    hold_id: UUID | None = None,
    facts: JsonObject | None = None,
) -> None:
    values = {
        "run_id": run_id,
        "customer_id": customer_id,
        "disposition": disposition,
        "hold_id": hold_id,
        "facts": facts or {},
    }
    statement = insert(ArAgingItem).values(values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[ArAgingItem.run_id, ArAgingItem.customer_id],
            set_={key: statement.excluded[key] for key in ("disposition", "hold_id", "facts")},
        )
    )


def close_run(session: Session, *, run_id: UUID, now: datetime) -> dict[str, int]:
    """Close a scan's row; returns disposition -> customers, counted from its items."""
    query = select(ArAgingItem.disposition, func.count()).where(ArAgingItem.run_id == run_id)
    rows = session.execute(query.group_by(ArAgingItem.disposition).order_by(ArAgingItem.disposition))
    counts = {str(disposition): count for disposition, count in rows}
    session.execute(
        update(ArAgingRun)
        .where(ArAgingRun.id == run_id, ArAgingRun.finished_at.is_(None))
        .values(finished_at=now, counts=counts)
    )
    return counts


def recent_runs(session: Session, limit: int = 20) -> Sequence[ArAgingRun]:
    return session.scalars(select(ArAgingRun).order_by(ArAgingRun.started_at.desc()).limit(limit)).all()
