"""Review of drafted messages: claim, edit, decide, recall, and obey. The message's row, locked, is the arbiter."""

from datetime import datetime, timedelta
from typing import NamedTuple, TypedDict
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from credit import mail_text
from credit.audit_entries.messages import (
    MessageApproved,
    MessageClaimed,
    MessageDiscarded,
    MessageEdited,
    MessageRecalled,
    Stopped,
)
from credit.audit_entries.system import SignalRefused
from credit.policy import Policy
from credit.states import TO_THE_CUSTOMER, Delivery, MessageKind, MessageStatus, MessageVerdict, TextFormat
from db import audit, outbox, policies
from db.errors import (
    BadInputError,
    MessageClosedError,
    StaleRevisionError,
    TooLateError,
)
from db.holds import claims
from db.messages import messages
from db.models import Claim, Message, MessageDecision, MessageRevision
from db.models.base import JsonObject


class _About(TypedDict):
    """What every entry says of its message."""

    message_id: UUID
    kind: MessageKind
    revision: int


def claim(session: Session, message_id: UUID, *, actor: str, now: datetime) -> tuple[Claim, Message]:
    """Claim a message under review for `actor`, or renew the claim `actor` has. One winner, whoever races.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: it is not under review.
        ClaimedByAnotherError: somebody else's claim is live.
    """
    message = _under_review(session, message_id)
    held, is_fresh = claims.take(session, message, actor=actor, now=now)
    if is_fresh:
        entry = MessageClaimed(**_about(message), until=held.expires_at)
        audit.append(session, chain=message.hold_id, entry=entry, actor=actor, at=now)
    return held, message


def edit(
    session: Session,
    message_id: UUID,
    *,
    revision: int,
    subject: str,
    body: str,
    recipient: str | None,
    format: TextFormat,  # noqa: A002 (the column's name)
    actor: str,
    now: datetime,
) -> Message:
    """Write a message's next revision; where nothing differs from the one shown, there is none.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: it is not under review; an approved one has to be recalled first.
        StaleRevisionError: somebody else changed it since it was shown.
        ClaimedByAnotherError: somebody else is reviewing it.
        BadInputError: mail cannot carry this.
    """
    message = _under_review(session, message_id)
    if revision != message.revision:
        raise StaleRevisionError(revision, message.revision)
    claims.refuse_if_anothers(session, message, actor=actor, now=now)
    before = text_of(session, message)
    wanted = _clean(subject, body, recipient)
    wanted["format"] = format
    changed = [name for name, value in wanted.items() if getattr(before, name) != value]
    if not changed:
        return message
    message.revision += 1
    message.recipient = wanted["recipient"]
    session.add(MessageRevision(message_id=message.id, revision=message.revision, editor=actor, at=now, **wanted))
    session.flush()
    shown = [name for name in changed if name in ("recipient", "format")]
    entry = MessageEdited(
        **_about(message),
        changed=changed,
        before={"revision": before.revision, **{name: getattr(before, name) for name in shown}},
        after={"revision": message.revision, **{name: wanted[name] for name in shown}},
    )
    audit.append(session, chain=message.hold_id, entry=entry, actor=actor, at=now)
    return message


def decide(
    session: Session,
    message_id: UUID,
    *,
    claim_id: UUID,
    revision: int,
    verdict: MessageVerdict,
    reason: str,
    actor: str,
    now: datetime,
) -> MessageDecision:
    """Approve or discard exactly the revision shown; it ends the claim in the same transaction.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: it is not under review, or its hold is over.
        ClaimLostError: the claim is not this message's, not this actor's, or over.
        StaleRevisionError: somebody changed it since it was shown.
        BadInputError: it cannot be sent as it is, for instance because its recipient is not known.
    """
    message = _under_review(session, message_id)
    held = claims.held_by(session, claim_id, message, actor=actor, now=now)
    if revision != message.revision:
        raise StaleRevisionError(revision, message.revision)
    if verdict is MessageVerdict.APPROVE:
        _check_sendable(session, message)
    decision = MessageDecision(
        message_id=message_id,
        claim_id=claim_id,
        revision=revision,
        verdict=verdict,
        reason=reason,
        actor=actor,
        decided_at=now,
    )
    held.released_at = now
    session.add(decision)
    session.flush()
    if verdict is MessageVerdict.APPROVE:
        message.status, message.delivery = MessageStatus.APPROVED, Delivery.COOLING_OFF
        message.decision_id = decision.id
        message.send_after = now + _cooling_off(policies.current(session)[1], message.kind)
        entry: MessageApproved | Stopped = MessageApproved(
            **_about(message),
            decision_id=decision.id,
            why=reason,
            recipient=message.recipient,
            send_after=message.send_after,
        )
    else:
        messages.close_unsent(message, MessageStatus.DISCARDED, now)
        entry = MessageDiscarded(**_about(message), decision_id=decision.id, why=reason)
    audit.append(session, chain=message.hold_id, entry=entry, actor=actor, at=now)
    return decision


def recall(session: Session, message_id: UUID, *, actor: str, reason: str, now: datetime) -> MessageDecision:
    """Take an approval back, as long as the message cannot have left; it is under review again.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: no approval stands.
        TooLateError: it has left, is leaving right now, or may have left.
    """
    message = messages.lock(session, message_id)
    if message.status is MessageStatus.SENT and message.sent_at is not None:
        raise TooLateError(f"the message was sent at {message.sent_at:%Y-%m-%d %H:%M:%S} UTC and cannot be taken back")
    if message.decision_id is None:
        raise MessageClosedError(message.status, MessageStatus.APPROVED)
    if message.delivery is Delivery.SENDING:
        raise TooLateError("the message is being handed to the mail server right now: look again in a moment")
    if message.delivery is Delivery.UNKNOWN:
        raise TooLateError("the message may have left: find out whether it arrived, and say so, instead of recalling")
    decision = session.get_one(MessageDecision, message.decision_id)
    decision.recalled_at, decision.recalled_by = now, actor
    decision.applied_at = decision.applied_at or now
    messages.close_unsent(message, MessageStatus.PENDING_REVIEW, now)
    entry = MessageRecalled(**_about(message), decision_id=decision.id, why=reason)
    audit.append(session, chain=message.hold_id, entry=entry, actor=actor, at=now)
    return decision


def text_of(session: Session, message: Message) -> MessageRevision:
    """Return the newest revision of a message."""
    return session.get_one(MessageRevision, (message.id, message.revision))


# --- the workflow's side: what a signal stands for, and the outbox ------------------------------------------------


def heed(session: Session, message_id: UUID, *, signal: str, decision_id: UUID | None, now: datetime) -> bool:
    """Note that the workflow obeys what a signal stands for; tell whether it is news to it.

    A signal with no row behind it is audited as refused: a decision nobody made, a recall of what was not recalled,
    a retry nobody asked for.
    """
    message = messages.lock(session, message_id)
    named = decision_id or message.decision_id
    decision = session.get(MessageDecision, named) if named else None
    why = ""
    if decision is None or decision.message_id != message_id:
        why = "no decision with this id was made about this message"
    elif signal == "recall" and decision.recalled_at is None:
        why = "this decision was not recalled"
    elif signal == "retry" and decision.applied_at is not None:
        why = "nobody asked for another try"
    if decision is None or why:
        entry = SignalRefused(signal=signal, message_id=message_id, decision_id=str(decision_id or ""), why=why)
        audit.append(session, chain=message.hold_id, entry=entry, actor="unknown", at=now)
        return False
    is_news = decision.applied_at is None
    decision.applied_at = decision.applied_at or now
    return is_news


def take_up(session: Session, message_id: UUID, now: datetime) -> Message:
    """Return a message for a workflow that begins: what was decided about it so far is known to it from now on."""
    message = messages.lock(session, message_id)
    unknown = (MessageDecision.message_id == message_id, MessageDecision.applied_at.is_(None))
    session.execute(update(MessageDecision).where(*unknown).values(applied_at=now))
    return message


def tell_again(session: Session, message: Message, now: datetime) -> None:
    """Put the standing approval back into the outbox: its workflow has to look at the row again."""
    decision = session.get_one(MessageDecision, message.decision_id)
    decision.applied_at, decision.signalled_at = None, now


class Undelivered(NamedTuple):
    """A decision that its message's workflow has not obeyed."""

    id: UUID
    message_id: UUID


def undelivered(session: Session, *, now: datetime, resend_after: timedelta) -> list[Undelivered]:
    """Return decisions not obeyed yet and not sent lately, longest waiting first."""
    query = outbox.due(
        select(MessageDecision.id, MessageDecision.message_id).where(MessageDecision.applied_at.is_(None)),
        written=MessageDecision.decided_at,
        tried=MessageDecision.signalled_at,
        now=now,
        resend_after=resend_after,
        longest=resend_after,  # `tell_again` makes an old row new
    )
    return [Undelivered(*row) for row in session.execute(query)]


def note_sent(session: Session, decision_id: UUID, now: datetime) -> None:
    """Note that a decision's signal was just sent."""
    session.execute(update(MessageDecision).where(MessageDecision.id == decision_id).values(signalled_at=now))


# ------------------------------------------------------------------------------------------------------------------


def _under_review(session: Session, message_id: UUID) -> Message:
    message = messages.lock(session, message_id)
    if message.status is not MessageStatus.PENDING_REVIEW:
        raise MessageClosedError(message.status, MessageStatus.PENDING_REVIEW)
    return message


def _clean(subject: str, body: str, recipient: str | None) -> JsonObject:
    try:
        return {
            "subject": mail_text.clean_subject(subject),
            "body": mail_text.clean_body(body),
            "recipient": mail_text.clean_address(recipient) if recipient and recipient.strip() else None,
        }
    except ValueError as error:
        raise BadInputError(str(error)) from error


def _check_sendable(session: Session, message: Message) -> None:
    text = text_of(session, message)
    if _clean(text.subject, text.body, text.recipient)["recipient"] is None:
        raise BadInputError("nobody to send it to: edit the message and fill in the recipient's address first")
    if messages.hold_is_over(session, message):
        raise MessageClosedError("about a hold that is over", "about a hold in force")


def _cooling_off(policy: Policy, kind: MessageKind) -> timedelta:
    return policy.notice_cooling_off if kind in TO_THE_CUSTOMER else policy.rep_message_cooling_off


def _about(message: Message) -> _About:
    return {"message_id": message.id, "kind": message.kind, "revision": message.revision}
