"""Who is to be told of what: an outbox, written in the transaction of what it tells of.

Each event gives one row for each person and one for the webhook, whether there is a webhook or not: only the notifier
knows. One without a webhook forgets those rows.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, extract, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.facts import Facts
from credit.notices import Decided, Escalated, Expired, Notice, Reminder, ToDecide
from credit.states import NotificationChannel, NotificationEvent, ProposalKind
from credit.triggers import TriggerKind
from db.models import Absence, Customer, Decision, Hold, HoldTrigger, Notification, Proposal, ReleaseRequest, User
from db.models.base import UtcDateTime
from db.repositories import absences, holds

WEBHOOK = "webhook"
"""The webhook's name as a recipient."""

_ADMINS = ("admin",)
_DECIDERS = ("approver", *_ADMINS)
_OF_WAITING = (NotificationEvent.PROPOSAL_REMINDED, NotificationEvent.PROPOSAL_ESCALATED)
_MOST_WAIT = timedelta(minutes=15)
"""Between two tries, however many there were."""


def proposal_opened(session: Session, hold: Hold, proposal: Proposal, *, asked_by: str | None, now: datetime) -> None:
    """Tell everybody who may decide, except who asked for it (None for the hold's opening trigger's actor)."""
    asked_by = asked_by or _opener(session, hold.id).actor
    occasion = "weakened" if proposal.return_reasons else "new" if proposal.revision == 1 else "undone"
    notice = ToDecide.model_validate(
        _about(session, hold, proposal)
        | {
            "occasion": occasion,
            "reason": hold.reason,
            "asked_by": asked_by,
            "due_at": proposal.due_at,
            "because": proposal.return_reasons or [],
        }
    )
    key, event = f"proposal/{proposal.id}", NotificationEvent.PROPOSAL_OPENED
    people = _addresses(session, User.role.in_(_DECIDERS), but=[asked_by], now=now)
    _enqueue(session, people, key=key, event=event, notice=notice, now=now)


def proposal_reminded(session: Session, hold: Hold, proposal: Proposal, due: datetime, *, now: datetime) -> None:
    """Remind everybody who may decide, except who asked for it and who has claimed it. `due` names the reminder."""
    waiting = _waiting(session, hold, proposal, now)
    holder = holds.live_claim(session, proposal.id, now)
    aware = [waiting["asked_by"], *([holder.holder] if holder else [])]
    people = _addresses(session, User.role.in_(_DECIDERS), but=aware, now=now)
    key, event = f"reminder/{proposal.id}/{due.isoformat()}", NotificationEvent.PROPOSAL_REMINDED
    _enqueue(session, people, key=key, event=event, notice=Reminder.model_validate(waiting), now=now)


def proposal_escalated(
    session: Session, hold: Hold, proposal: Proposal, addresses: Sequence[str], *, now: datetime
) -> None:
    """Tell the group it is escalated to, by these e-mail addresses; the admins where there are none."""
    group = User.email.in_(addresses) if addresses else User.role.in_(_ADMINS)
    people = {*addresses, *_addresses(session, group, now=now)}
    notice = Escalated.model_validate(_waiting(session, hold, proposal, now) | {"group": proposal.escalated_to})
    key, event = f"escalation/{proposal.id}", NotificationEvent.PROPOSAL_ESCALATED
    _enqueue(session, people, key=key, event=event, notice=notice, now=now)


def proposal_expired(session: Session, hold: Hold, proposal: Proposal, *, now: datetime) -> None:
    """Tell who asked for it and everybody who could have decided."""
    notice = Expired.model_validate(_waiting(session, hold, proposal, now))
    people = _addresses(session, or_(User.role.in_(_DECIDERS), User.login == notice.asked_by), now=now)
    key, event = f"expiry/{proposal.id}", NotificationEvent.PROPOSAL_EXPIRED
    _enqueue(session, people, key=key, event=event, notice=notice, now=now)


def forget_waiting(session: Session, proposal: Proposal) -> None:
    """Drop what was still to be told of a proposal's waiting: it is settled."""
    waits = delete(Notification).where(Notification.event.in_(_OF_WAITING), Notification.sent_at.is_(None))
    about = Notification.payload["proposal_id"].astext == str(proposal.id)
    session.execute(
        waits.where(Notification.hold_id == proposal.hold_id, about), execution_options={"synchronize_session": False}
    )


def proposal_decided(session: Session, hold: Hold, proposal: Proposal, decision: Decision, *, now: datetime) -> None:
    """Tell who asked for the hold by hand that the decision took effect, unless they decided themselves."""
    notice = Decided.model_validate(
        _about(session, hold, proposal)
        | {
            "verdict": decision.verdict,
            "reason": decision.reason,
            "decided_by": decision.actor,
            "on_behalf_of": decision.on_behalf_of,
            "decided_at": decision.decided_at,
        }
    )
    key, event = f"decision/{decision.id}", NotificationEvent.PROPOSAL_DECIDED
    opener = _opener(session, hold.id)
    by_hand = opener.kind is TriggerKind.MANUAL and opener.actor != decision.actor
    requester = _addresses(session, User.login == opener.actor, now=now) if by_hand else []
    _enqueue(session, requester, key=key, event=event, notice=notice, now=now)


def _about(session: Session, hold: Hold, proposal: Proposal) -> dict[str, Any]:
    facts = Facts.model_validate(proposal.facts)
    return {
        "hold_id": hold.id,
        "kind": proposal.kind,
        "customer_id": hold.customer_id,
        "customer_name": session.get_one(Customer, hold.customer_id).name,
        "total_open": facts.total_open,
        "currency": facts.currency,
        "days_overdue": facts.days_overdue,
        "as_of": facts.as_of,
    }


def _waiting(session: Session, hold: Hold, proposal: Proposal, now: datetime) -> dict[str, Any]:
    asked_by, reason = _asked(session, hold, proposal)
    return _about(session, hold, proposal) | {
        "proposal_id": proposal.id,
        "reason": reason,
        "asked_by": asked_by,
        "opened_at": proposal.opened_at,
        "told_at": now,
        "due_at": proposal.due_at,
    }


def _asked(session: Session, hold: Hold, proposal: Proposal) -> tuple[str, str]:
    """Return who asked for what is proposed, and why."""
    if proposal.kind is ProposalKind.RELEASE:
        asked = select(ReleaseRequest).where(ReleaseRequest.hold_id == hold.id, ReleaseRequest.refusal.is_(None))
        request = session.scalars(asked.order_by(ReleaseRequest.at.desc()).limit(1)).first()
        if request is not None:
            return request.actor, request.reason
    if proposal.kind is ProposalKind.REPAIR:
        return "service-holds", "NetSuite says something else than this hold wants"
    return _opener(session, hold.id).actor, hold.reason


def _opener(session: Session, hold_id: UUID) -> HoldTrigger:
    return session.scalars(select(HoldTrigger).where(HoldTrigger.hold_id == hold_id, HoldTrigger.opened)).one()


def _addresses(
    session: Session, who: ColumnElement[bool], *, but: Collection[str] = (), now: datetime
) -> Sequence[str]:
    """Return the e-mail addresses of these people, and of who stands in for them, except the logins in `but`."""
    meant = select(User.login).where(who, User.disabled_at.is_(None), User.login.not_in(but)).correlate(None)
    standing_in = select(Absence.delegate).where(Absence.login.in_(meant), absences.lasts(now))
    reached = or_(User.login.in_(meant), User.login.in_(standing_in))
    query = select(User.email).where(reached, User.disabled_at.is_(None), User.login.not_in(but), User.email != "")
    return [address for address in session.scalars(query) if address]


def _enqueue(
    session: Session,
    people: Collection[str],
    *,
    key: str,
    event: NotificationEvent,
    notice: Notice,
    now: datetime,
) -> None:
    told = [(NotificationChannel.MAIL, address) for address in people]
    rows = [
        {
            "key": key,
            "channel": channel,
            "recipient": recipient,
            "event": event,
            "hold_id": notice.hold_id,
            "payload": notice.model_dump(mode="json"),
            "created_at": now,
        }
        for channel, recipient in [*told, (NotificationChannel.WEBHOOK, WEBHOOK)]
    ]
    session.execute(insert(Notification).on_conflict_do_nothing(), rows)


def due_recipients(
    session: Session, *, now: datetime, retry_after: timedelta, resting: Sequence[str], limit: int = 50
) -> Sequence[str]:
    """Return whom to mail now, longest waiting first, except `resting`."""
    query = select(Notification.recipient).where(
        *_due(NotificationChannel.MAIL, now, retry_after), Notification.recipient.not_in(resting)
    )
    waiting = func.min(func.coalesce(Notification.tried_at, Notification.created_at))
    return session.scalars(query.group_by(Notification.recipient).order_by(waiting).limit(limit)).all()


def claim(
    session: Session,
    channel: NotificationChannel,
    recipient: str,
    *,
    now: datetime,
    retry_after: timedelta,
    limit: int | None = None,
) -> Sequence[Notification]:
    """Take what a recipient is to be told now; nobody else gets it before `retry_after`, doubled with each attempt.

    It counts as an attempt from now on: a sender that dies shows.
    """
    due = (
        select(Notification.id)
        .where(*_due(channel, now, retry_after), Notification.recipient == recipient)
        .order_by(Notification.created_at, Notification.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = (
        update(Notification)
        .where(Notification.id == due.c.id)
        .values(attempts=Notification.attempts + 1, tried_at=now)
        .returning(Notification)
    )
    return sorted(session.scalars(taken), key=lambda row: (row.created_at, row.id))


def _due(channel: NotificationChannel, now: datetime, retry_after: timedelta) -> list[ColumnElement[bool]]:
    wait = retry_after.total_seconds() * func.power(2, func.least(Notification.attempts, 20) - 1)
    waited = extract("epoch", literal(now, UtcDateTime) - Notification.tried_at)
    return [
        Notification.channel == channel,
        Notification.sent_at.is_(None),
        or_(Notification.tried_at.is_(None), waited >= func.least(wait, _MOST_WAIT.total_seconds())),
    ]


def settle(session: Session, ids: Sequence[UUID], *, now: datetime, error: str | None = None) -> None:
    """Note that these were taken; with `error`, that they were refused for good."""
    session.execute(
        update(Notification).where(Notification.id.in_(ids)).values(sent_at=now, last_error=error),
        execution_options={"synchronize_session": False},
    )


def failed(session: Session, ids: Sequence[UUID], error: str) -> None:
    """Note why these were not taken this time."""
    session.execute(
        update(Notification).where(Notification.id.in_(ids)).values(last_error=error),
        execution_options={"synchronize_session": False},
    )


def forget_webhook(session: Session) -> int:
    """Remove what waits for a webhook, where there is none; returns how many."""
    unsent = delete(Notification).where(
        Notification.channel == NotificationChannel.WEBHOOK, Notification.sent_at.is_(None)
    )
    result = session.execute(unsent.returning(Notification.id), execution_options={"synchronize_session": False})
    return len(result.all())


def undelivered(session: Session) -> int:
    """Return how many wait."""
    return session.scalar(select(func.count()).where(Notification.sent_at.is_(None))) or 0
