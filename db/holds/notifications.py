"""Who is to be told of what: an outbox, written in the transaction of what it tells of.

Each event gives one row for each person and one for the webhook, whether there is a webhook or not: only the notifier
knows. One without a webhook forgets those rows.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, extract, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from credit.audit_entries.holds import NotificationGivenUp
from credit.facts import Facts
from credit.notices import Cause, Decided, Escalated, Expired, Notice, Released, Reminder, ToDecide
from credit.states import NotificationChannel, NotificationEvent, ProposalKind, ReleaseCause
from credit.triggers import TriggerKind
from db import delegation
from db.act import Act
from db.freight import eligibility
from db.holds import holds
from db.models import Absence, Customer, Decision, Hold, HoldTrigger, Notification, Proposal, ReleaseRequest, User
from db.models.base import UtcDateTime

WEBHOOK = "webhook"
"""The webhook's name as a recipient."""

_ADMINS = ("admin",)
_DECIDERS = ("approver", *_ADMINS)
_OF_WAITING = (NotificationEvent.PROPOSAL_REMINDED, NotificationEvent.PROPOSAL_ESCALATED)
_UNSETTLED = (Notification.sent_at.is_(None), Notification.given_up_at.is_(None))
_MOST_WAIT = timedelta(minutes=15)
"""Between two tries, however many there were."""


def proposal_opened(act: Act, hold: Hold, proposal: Proposal, cause: Cause) -> None:
    """Tell everybody who may decide, except who asked for it."""
    changes = {"occasion": cause.occasion, "because": list(cause.changes)}
    notice = ToDecide.model_validate(_asking(act, hold, proposal) | changes)
    key, event = _opened(proposal), NotificationEvent.PROPOSAL_OPENED
    people = _addresses(act, User.role.in_(_DECIDERS), but=[cause.by])
    _enqueue(act, people, key, event, notice)


def proposal_reminded(act: Act, hold: Hold, proposal: Proposal, due: datetime) -> None:
    """Remind everybody who may decide, except who asked for it and who has claimed it. `due` names the reminder."""
    waiting = _waiting(act, hold, proposal)
    holder = holds.live_claim(act.session, proposal.id, act.now)
    aware = [waiting["asked_by"], *([holder.holder] if holder else [])]
    people = _addresses(act, User.role.in_(_DECIDERS), but=aware)
    key, event = f"reminder/{proposal.id}/{due.isoformat()}", NotificationEvent.PROPOSAL_REMINDED
    _enqueue(act, people, key, event, Reminder.model_validate(waiting))


def proposal_escalated(act: Act, hold: Hold, proposal: Proposal, addresses: Sequence[str]) -> None:
    """Tell the group it is escalated to, by these e-mail addresses; the admins where there are none."""
    group = User.email.in_(addresses) if addresses else User.role.in_(_ADMINS)
    people = {*addresses, *_addresses(act, group)}
    notice = Escalated.model_validate(_waiting(act, hold, proposal) | {"group": proposal.escalated_to})
    key, event = f"escalation/{proposal.id}", NotificationEvent.PROPOSAL_ESCALATED
    _enqueue(act, people, key, event, notice)


def proposal_expired(act: Act, hold: Hold, proposal: Proposal) -> None:
    """Tell everybody who asked for it, and who could have decided."""
    notice = Expired.model_validate(_waiting(act, hold, proposal))
    asked = {notice.asked_by, *_asked_by_hand(act.session, hold, proposal)}
    people = _addresses(act, or_(User.role.in_(_DECIDERS), User.login.in_(asked)))
    key, event = f"expiry/{proposal.id}", NotificationEvent.PROPOSAL_EXPIRED
    _enqueue(act, people, key, event, notice)


def forget_waiting(session: Session, proposal: Proposal) -> None:
    """Drop what was still to be told of a proposal's waiting: it is settled, and nobody is to decide it any more.

    A webhook is told all the same that it was opened.
    """
    waits = and_(Notification.event.in_(_OF_WAITING), Notification.payload["proposal_id"].astext == str(proposal.id))
    to_decide = and_(Notification.key == _opened(proposal), Notification.channel == NotificationChannel.MAIL)
    unsent = delete(Notification).where(Notification.hold_id == proposal.hold_id, Notification.sent_at.is_(None))
    session.execute(unsent.where(or_(waits, to_decide)), execution_options={"synchronize_session": False})


def proposal_decided(act: Act, hold: Hold, proposal: Proposal, decision: Decision) -> None:
    """Tell who asked for it by hand that the decision took effect, unless they decided themselves."""
    notice = Decided.model_validate(
        _about(act, hold, proposal)
        | {
            "verdict": decision.verdict,
            "reason": decision.reason,
            "decided_by": decision.actor,
            "on_behalf_of": decision.on_behalf_of,
            "decided_at": decision.decided_at,
            "asked_for": proposal.reason,
        }
    )
    key, event = f"decision/{decision.id}", NotificationEvent.PROPOSAL_DECIDED
    _enqueue(act, _askers(act, hold, proposal, decision), key, event, notice)


def hold_released(act: Act, hold: Hold) -> None:
    """Tell who asked for the release by hand that it is carried out, unless they decided it themselves."""
    approved = select(Proposal, Decision).join(Decision, Decision.proposal_id == Proposal.id)
    of_hold = approved.where(Proposal.hold_id == hold.id, Proposal.kind == ProposalKind.RELEASE)
    row = act.session.execute(of_hold.where(Decision.outcome == "approved").limit(1)).one_or_none()
    if row is None:
        return
    proposal, decision = row
    about = _about(act, hold, proposal) | {"asked_for": proposal.reason, "released_at": act.now}
    key, event = f"released/{hold.id}", NotificationEvent.HOLD_RELEASED
    _enqueue(act, _askers(act, hold, proposal, decision), key, event, Released.model_validate(about))


def _askers(act: Act, hold: Hold, proposal: Proposal, decision: Decision) -> Sequence[str]:
    asked = _asked_by_hand(act.session, hold, proposal) - {decision.actor}
    return _addresses(act, User.login.in_(asked)) if asked else []


def _asked_by_hand(session: Session, hold: Hold, proposal: Proposal) -> set[str]:
    """Return the people who asked for what is proposed; programs that share a login with one are none."""
    match proposal.kind:
        case ProposalKind.PLACE:
            opener = select(HoldTrigger.actor).where(HoldTrigger.hold_id == hold.id, HoldTrigger.opened)
            return set(session.scalars(opener.where(HoldTrigger.kind == TriggerKind.MANUAL)))
        case ProposalKind.RELEASE:
            asked = select(ReleaseRequest.actor).where(ReleaseRequest.hold_id == hold.id)
            theirs = or_(ReleaseRequest.proposal_id == proposal.id, ReleaseRequest.actor == proposal.asked_by)
            return set(session.scalars(asked.where(theirs, ReleaseRequest.cause == ReleaseCause.PERSON)))
        case ProposalKind.REPAIR:
            return set()


def _opened(proposal: Proposal) -> str:
    return f"proposal/{proposal.id}"


def _about(act: Act, hold: Hold, proposal: Proposal) -> dict[str, Any]:
    facts = Facts.model_validate(proposal.facts)
    return {
        "hold_id": hold.id,
        "kind": proposal.kind,
        "customer_id": hold.customer_id,
        "customer_name": act.session.get_one(Customer, hold.customer_id).name,
        "total_open": facts.total_open,
        "currency": facts.currency,
        "days_overdue": facts.days_overdue,
        "as_of": facts.as_of,
        "held_besides": _held_besides(act, hold),
    }


def _held_besides(act: Act, hold: Hold) -> list[str]:
    """Return what keeps the customer on credit hold besides this hold."""
    act.session.flush()  # a block that was lifted in this transaction keeps nobody
    return [f"{block.source.label}: {block.note}" for block in eligibility.causes_besides(act.session, hold, act.now)]


def _asking(act: Act, hold: Hold, proposal: Proposal) -> dict[str, Any]:
    return _about(act, hold, proposal) | {
        "proposal_id": proposal.id,
        "reason": proposal.reason,
        "asked_by": proposal.asked_by,
        "due_at": proposal.due_at,
    }


def _waiting(act: Act, hold: Hold, proposal: Proposal) -> dict[str, Any]:
    return _asking(act, hold, proposal) | {"opened_at": proposal.opened_at, "told_at": act.now}


def _addresses(act: Act, who: ColumnElement[bool], *, but: Collection[str] = ()) -> Sequence[str]:
    """Return the e-mail addresses of these people, and of who stands in for them, except the logins in `but`."""
    meant = select(User.login).where(who, User.disabled_at.is_(None), User.login.not_in(but)).correlate(None)
    standing_in = select(Absence.delegate).where(Absence.login.in_(meant), delegation.lasts(act.now))
    reached = or_(User.login.in_(meant), User.login.in_(standing_in))
    query = select(User.email).where(reached, User.disabled_at.is_(None), User.login.not_in(but), User.email != "")
    return [address for address in act.session.scalars(query) if address]


def _enqueue(act: Act, people: Collection[str], key: str, event: NotificationEvent, notice: Notice) -> None:
    told = [(NotificationChannel.MAIL, address) for address in people]
    rows = [
        {
            "key": key,
            "channel": channel,
            "recipient": recipient,
            "event": event,
            "hold_id": notice.hold_id,
            "payload": notice.model_dump(mode="json"),
            "created_at": act.now,
        }
        for channel, recipient in [*told, (NotificationChannel.WEBHOOK, WEBHOOK)]
    ]
    act.session.execute(insert(Notification).on_conflict_do_nothing(), rows)


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
        *_UNSETTLED,
        or_(Notification.tried_at.is_(None), waited >= func.least(wait, _MOST_WAIT.total_seconds())),
    ]


def settle(session: Session, ids: Sequence[UUID], *, now: datetime) -> None:
    """Note that these were taken."""
    session.execute(
        update(Notification).where(Notification.id.in_(ids)).values(sent_at=now, last_error=None),
        execution_options={"synchronize_session": False},
    )


def give_up(act: Act, rows: Sequence[Notification], why: str) -> None:
    """Note that these can never be told, in their holds' records too: somebody has to tell it otherwise."""
    act.session.execute(
        update(Notification)
        .where(Notification.id.in_([row.id for row in rows]), *_UNSETTLED)
        .values(given_up_at=act.now, last_error=why),
        execution_options={"synchronize_session": False},
    )
    for row in rows:
        entry = NotificationGivenUp(notification_id=row.id, event=row.event, recipient=row.recipient, why=why)
        act.by_system.note(row.hold_id, entry)


def failed(session: Session, ids: Sequence[UUID], error: str) -> None:
    """Note why these were not taken this time."""
    session.execute(
        update(Notification).where(Notification.id.in_(ids)).values(last_error=error),
        execution_options={"synchronize_session": False},
    )


def forget_webhook(session: Session) -> int:
    """Remove what waits for a webhook, where there is none; returns how many."""
    unsent = delete(Notification).where(Notification.channel == NotificationChannel.WEBHOOK, *_UNSETTLED)
    result = session.execute(unsent.returning(Notification.id), execution_options={"synchronize_session": False})
    return len(result.all())


def undelivered(session: Session) -> int:
    """Return how many wait."""
    return session.scalar(select(func.count()).where(*_UNSETTLED)) or 0


def given_up(session: Session) -> int:
    """Return how many can never be told."""
    return session.scalar(select(func.count()).where(Notification.given_up_at.is_not(None))) or 0
