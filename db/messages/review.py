"""Review of drafted messages: claim, edit, decide, recall, and obey. The message's row, locked, is the arbiter."""

from datetime import datetime, timedelta
from typing import NamedTuple, TypedDict
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from credit import mail_text
from credit.actors import OwnActor
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
from db import outbox, policies
from db.act import Act
from db.errors import BadInputError, MessageClosedError, StaleRevisionError, TooLateError
from db.holds import claims
from db.messages import messages
from db.models import Claim, Message, MessageDecision, MessageRevision
from db.models.base import JsonObject


class _About(TypedDict):
    """What every entry says of its message."""

    message_id: UUID
    kind: MessageKind
    revision: int


def claim(act: Act, message_id: UUID) -> tuple[Claim, Message]:
    """Claim a message under review for `actor`, or renew the claim `actor` has. One winner, whoever races.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: it is not under review.
        ClaimedByAnotherError: somebody else's claim is live.
    """
    message = _under_review(act.session, message_id)
    held, is_fresh = claims.take(act, message)
    if is_fresh:
        act.note(message.hold_id, MessageClaimed(**_about(message), until=held.expires_at))
    return held, message


def edit(
    act: Act,
    message_id: UUID,
    *,
    revision: int,
    subject: str,
    body: str,
    recipient: str | None,
    format: TextFormat,  # noqa: A002 (the column's name)
) -> Message:
    """Write a message's next revision; where nothing differs from the one shown, there is none.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: it is not under review; an approved one has to be recalled first.
        StaleRevisionError: somebody else changed it since it was shown.
        ClaimedByAnotherError: somebody else is reviewing it.
        BadInputError: mail cannot carry this.
    """
    message = _under_review(act.session, message_id)
    if revision != message.revision:
        raise StaleRevisionError(revision, message.revision, "text")
    claims.refuse_if_anothers(act, message)
    before = text_of(act.session, message)
    wanted = _clean(subject, body, recipient)
    wanted["format"] = format
    changed = [name for name, value in wanted.items() if getattr(before, name) != value]
    if not changed:
        return message
    message.revision += 1
    message.recipient = wanted["recipient"]
    act.session.add(
        MessageRevision(message_id=message.id, revision=message.revision, editor=act.actor, at=act.now, **wanted)
    )
    act.session.flush()
    shown = [name for name in changed if name in ("recipient", "format")]
    entry = MessageEdited(
        **_about(message),
        changed=changed,
        before={"revision": before.revision, **{name: getattr(before, name) for name in shown}},
        after={"revision": message.revision, **{name: wanted[name] for name in shown}},
    )
    act.note(message.hold_id, entry)
    return message


def decide(
    act: Act, message_id: UUID, *, claim_id: UUID, revision: int, verdict: MessageVerdict, reason: str
) -> MessageDecision:
    """Approve or discard exactly the revision shown; it ends the claim in the same transaction.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: it is not under review, or its hold is over.
        ClaimLostError: the claim is not this message's, not this actor's, or over.
        StaleRevisionError: somebody changed it since it was shown.
        BadInputError: it cannot be sent as it is, for instance because its recipient is not known.
    """
    message = _under_review(act.session, message_id)
    held = claims.held_by(act, claim_id, message)
    if revision != message.revision:
        raise StaleRevisionError(revision, message.revision, "text")
    if verdict is MessageVerdict.APPROVE:
        _check_sendable(act.session, message)
    decision = MessageDecision(
        message_id=message_id,
        claim_id=claim_id,
        revision=revision,
        verdict=verdict,
        reason=reason,
        actor=act.actor,
        decided_at=act.now,
    )
    held.released_at = act.now
    act.session.add(decision)
    act.session.flush()
    if verdict is MessageVerdict.APPROVE:
        message.status, message.delivery = MessageStatus.APPROVED, Delivery.COOLING_OFF
        message.decision_id = decision.id
        message.send_after = act.now + _cooling_off(policies.current(act.session)[1], message.kind)
        entry: MessageApproved | Stopped = MessageApproved(
            **_about(message),
            decision_id=decision.id,
            why=reason,
            recipient=message.recipient,
            send_after=message.send_after,
        )
    else:
        messages.close_unsent(message, MessageStatus.DISCARDED, act.now)
        entry = MessageDiscarded(**_about(message), decision_id=decision.id, why=reason)
    act.note(message.hold_id, entry)
    return decision


def recall(act: Act, message_id: UUID, *, reason: str) -> MessageDecision:
    """Take an approval back, as long as the message cannot have left; it is under review again.

    Raises:
        UnknownMessageError: there is none.
        MessageClosedError: no approval stands.
        TooLateError: it has left, is leaving right now, or may have left.
    """
    message = messages.lock(act.session, message_id)
    if message.status is MessageStatus.SENT and message.sent_at is not None:
        raise TooLateError(f"the message was sent at {message.sent_at:%Y-%m-%d %H:%M:%S} UTC and cannot be taken back")
    if message.decision_id is None:
        raise MessageClosedError(message.status, MessageStatus.APPROVED)
    if message.delivery is Delivery.SENDING:
        raise TooLateError("the message is being handed to the mail server right now: look again in a moment")
    if message.delivery is Delivery.UNKNOWN:
        raise TooLateError("the message may have left: find out whether it arrived, and say so, instead of recalling")
    decision = act.session.get_one(MessageDecision, message.decision_id)
    decision.recalled_at, decision.recalled_by = act.now, act.actor
    decision.applied_at = decision.applied_at or act.now
    messages.close_unsent(message, MessageStatus.PENDING_REVIEW, act.now)
    act.note(message.hold_id, MessageRecalled(**_about(message), decision_id=decision.id, why=reason))
    return decision


def text_of(session: Session, message: Message) -> MessageRevision:
    """Return the newest revision of a message."""
    return session.get_one(MessageRevision, (message.id, message.revision))


# --- the workflow's side: what a signal stands for, and the outbox ------------------------------------------------


def heed(act: Act, message_id: UUID, *, signal: str, decision_id: UUID | None) -> bool:
    """Note that the workflow obeys what a signal stands for; tell whether it is news to it.

    A signal with no row behind it is audited as refused: a decision nobody made, a recall of what was not recalled,
    a retry nobody asked for.
    """
    message = messages.lock(act.session, message_id)
    named = decision_id or message.decision_id
    decision = act.session.get(MessageDecision, named) if named else None
    why = ""
    if decision is None or decision.message_id != message_id:
        why = "no decision with this id was made about this message"
    elif signal == "recall" and decision.recalled_at is None:
        why = "this decision was not recalled"
    elif signal == "retry" and decision.applied_at is not None:
        why = "nobody asked for another try"
    if decision is None or why:
        entry = SignalRefused(signal=signal, message_id=message_id, decision_id=str(decision_id or ""), why=why)
        act.by(OwnActor.UNKNOWN).note(message.hold_id, entry)
        return False
    is_news = decision.applied_at is None
    decision.applied_at = decision.applied_at or act.now
    return is_news


def take_up(session: Session, message_id: UUID, now: datetime) -> Message:
    """Return a message for a workflow that begins: what was decided about it so far is known to it from now on."""
    message = messages.lock(session, message_id)
    unknown = (MessageDecision.message_id == message_id, MessageDecision.applied_at.is_(None))
    session.execute(update(MessageDecision).where(*unknown).values(applied_at=now))
    return message


def tell_again(act: Act, message: Message) -> None:
    """Put the standing approval back into the outbox: its workflow has to look at the row again."""
    decision = act.session.get_one(MessageDecision, message.decision_id)
    decision.applied_at, decision.signalled_at = None, act.now


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
    overtaken = messages.why_not_to_leave(session, message)
    if overtaken is not None:
        raise MessageClosedError(f"not to leave any more ({overtaken})", "still true")


def _cooling_off(policy: Policy, kind: MessageKind) -> timedelta:
    return policy.notice_cooling_off if kind in TO_THE_CUSTOMER else policy.rep_message_cooling_off


def _about(message: Message) -> _About:
    return {"message_id": message.id, "kind": message.kind, "revision": message.revision}
