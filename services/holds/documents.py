"""Holds as JSON documents: the shapes of design section 6, for the CLI and the desk alike."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from credit.facts import Facts
from credit.outcomes import Outcome
from credit.states import (
    PLACING,
    RELEASING,
    Beat,
    BeatStatus,
    HoldStatus,
    MessageStatus,
    ProposalKind,
    ProposalStatus,
    WaitingOn,
    waiting_on,
)
from credit.triggers import reason_class
from credit.untold import Standing, untold
from db import audit, netsuite, row_by_row
from db.holds import drift, evidence, holds, outcomes, prior_holds
from db.messages import messages
from db.models import Claim, Hold, HoldBeat, HoldException, Message, MessageDecision, Proposal
from db.row_by_row import Unreadable
from services.answers import Document, utc
from services.holds import effects

_OUTCOMES = frozenset(Outcome)


def hold_list(session: Session, rows: Sequence[Hold]) -> Document:
    """Return `{"holds": […], "unreadable": […]}`: the ids of those that cannot be shown are told apart."""
    ids = [hold.id for hold in rows]
    proposals, drafted = holds.newest_proposals(session, ids), messages.standing(session, ids)

    def shown(hold: Hold) -> Document:
        return summary(hold, proposals[hold.id], drafted.get(hold.id, []))

    found, unreadable = row_by_row.parted(row_by_row.build(rows, shown, lambda hold: Unreadable(str(hold.id))))
    return {"holds": found, "unreadable": unreadable}


def summary(hold: Hold, proposal: Proposal, drafted: Sequence[Standing]) -> Document:
    """Return what a list shows of a hold. Amounts are strings, times ISO 8601 UTC."""
    facts = Facts.model_validate(proposal.facts)
    return {
        "id": str(hold.id),
        "customer_id": hold.customer_id,
        "customer_name": hold.customer.name,
        "status": hold.status,
        "waiting_on": _waiting_on(hold, proposal),
        "unsent_notice": _unsent_notice(hold, drafted),
        "revision": proposal.revision,
        "reason": hold.reason,
        "triggers": list(dict.fromkeys(trigger.kind for trigger in hold.triggers)),
        "reason_class": reason_class([trigger.kind for trigger in hold.triggers]),
        "warnings": proposal.warnings,
        "facts": facts_document(facts),
        "due_at": utc(proposal.due_at) if proposal.status is ProposalStatus.OPEN else None,
        "proposed_at": utc(hold.proposed_at),
        "in_force_at": utc(hold.in_force_at),
        "closed_at": utc(hold.closed_at),
    }


def facts_document(facts: Facts) -> Document:
    """Return what a customer owes; amounts are strings."""
    return {
        "as_of": facts.as_of.isoformat(),
        "currency": facts.currency,
        "total_open": f"{facts.total_open:.2f}",
        "ar_balance": f"{facts.ar_balance:.2f}",
        "days_overdue": facts.days_overdue,
        "prior_holds": facts.prior_holds,
        "open_disputes": facts.open_disputes,
        "payment_plan": facts.payment_plan,
        "promised_amount": f"{facts.promised_amount:.2f}",
        "promised_for": facts.promised_for.isoformat() if facts.promised_for else None,
        "broken_promises": facts.broken_promises,
        "credit_limit": _amount(facts.credit_limit),
        "exposure": _amount(facts.exposure),
        "limit_state": facts.limit_state,
        "blocked_by": list(facts.blocked_by),
    }


def _unsent_notice(hold: Hold, drafted: Sequence[Standing]) -> Document | None:
    found = untold(hold.status, drafted)
    return found.model_dump(mode="json") if found else None


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:.2f}"


def whole(session: Session, hold: Hold, now: datetime) -> Document:
    """Return everything known of a hold."""
    proposal = holds.newest_proposal(session, hold.id)
    claim = holds.live_claim(session, proposal.id, now)
    is_open = proposal.status is ProposalStatus.OPEN
    record = netsuite.record_of(session, hold.id)
    drafted = messages.standing(session, [hold.id]).get(hold.id, [])
    return summary(hold, proposal, drafted) | {
        "workflow_id": hold.workflow_id,
        "run_id": hold.run_id,
        "proposal": {
            "id": str(proposal.id),
            "kind": proposal.kind,
            "status": proposal.status,
            "note": proposal.note,
            "opened_at": utc(proposal.opened_at),
            "due_at": utc(proposal.due_at) if is_open else None,
            "remind_at": utc(proposal.remind_at) if is_open else None,
            "escalate_at": utc(proposal.escalate_at) if is_open else None,
            "escalated_at": utc(proposal.escalated_at),
            "escalated_to": proposal.escalated_to,
            "claimed_by": claim.holder if claim else None,
            "claim_expires_at": utc(claim.expires_at) if claim else None,
            "first_approval_by": holds.first_approver(session, proposal),
            "undo_until": utc(holds.undo_until(session, proposal, now)),
            "evidence_count": evidence.count(session, proposal),
            "effects": effects.of_deciding(session, hold, proposal, now) if is_open else None,
        },
        "prior_holds_detail": [
            {
                "id": str(past.id),
                "proposed_at": utc(past.proposed_at),
                "in_force_at": utc(past.in_force_at),
                "ended_at": utc(past.ended_at),
                "days_held": past.days_held,
                "status": past.status,
                "reason": past.reason,
                "end_cause": past.end_cause,
                "end_reason": past.end_reason,
            }
            for past in prior_holds.of_customer(session, hold.customer_id, before=hold.proposed_at)
        ],
        "evidence": [
            {"kind": trigger.kind, "reason": trigger.reason, "actor": trigger.actor, "at": utc(trigger.at)}
            for trigger in hold.triggers
        ],
        "beats": [beat_of(beat, {row.beat: row for row in hold.beats}.get(beat)) for beat in PLACING],
        "release_beats": [beat_of(row.beat, row) for beat in RELEASING for row in hold.beats if row.beat is beat],
        "netsuite": {
            "prior": record.prior if record else None,
            "value": record.value if record else None,
            "read_back_at": utc(record.read_back_at) if record else None,
            "gaps": drift.gaps_of(session, record.netsuite_id) if record else [],
        },
        "messages": [
            {
                "id": str(message.id),
                "kind": message.kind,
                "status": message.status,
                "revision": message.revision,
                "recipient": message.recipient,
                "subject": message.revisions[-1].subject,
                "body": message.revisions[-1].body,
                "format": message.revisions[-1].format,
                "send_after": utc(message.send_after),
                "delivery": message.delivery,
                "delivery_error": message.delivery_error,
                "sent_at": utc(message.sent_at),
            }
            for message in messages.of_hold(session, hold.id)
        ],
        "end_date": hold.end_date.isoformat() if hold.end_date else None,
        "review_date": hold.review_date.isoformat() if hold.review_date else None,
        "exceptions": [exception(row) for row in outcomes.exceptions_of(session, hold.id)],
        "outcomes": [
            {
                "at": utc(event.at),
                "what": event.action,
                "who": event.actor,
                "on_behalf_of": event.detail.get("on_behalf_of") or [],
                "why": event.detail.get("why") or "",
            }
            for event in audit.chain_of(session, hold.id)
            if event.action in _OUTCOMES
        ],
        "timeline": [
            {
                "at": utc(event.at),
                "what": event.action,
                "who": event.actor,
                "on_behalf_of": event.detail.get("on_behalf_of") or [],
                "why": event.detail.get("why") or event.detail.get("error") or "",
            }
            for event in audit.chain_of(session, hold.id)
        ],
    }


def claimed(claim: Claim, revision: int) -> Document:
    """Return what a claim gives: what to name in the decision, and until when."""
    return {"claim": str(claim.id), "revision": revision, "expires_at": utc(claim.expires_at)}


def undone(proposal: Proposal) -> Document:
    """Return the proposal that is open again after an approval was taken back."""
    return {"id": str(proposal.hold_id), "status": HoldStatus.PROPOSED, "revision": proposal.revision}


def release_proposed(hold: Document) -> Document:
    """Return what is answered to who asked for a release, from the whole hold."""
    return {key: hold[key] for key in ("id", "customer_id", "status", "revision", "proposal")}


def changed_beat(hold: Document, beat: Beat) -> Document:
    """Return where a beat stands that a person left out or stopped, from the whole hold."""
    rows = (*hold["beats"], *hold["release_beats"])
    return {"id": hold["id"]} | next({"beat": beat, "status": row["status"]} for row in rows if row["beat"] == beat)


def exception(row: HoldException) -> Document:
    """Return what a hold lets through. `until` is the last day on which it counts."""
    return {
        "id": str(row.id),
        "scope": row.scope,
        "reference": row.reference,
        "reason": row.reason,
        "until": row.until.isoformat(),
        "created_by": row.created_by,
        "created_at": utc(row.created_at),
        "ended_at": utc(row.ended_at),
        "ended_by": row.ended_by,
        "end_reason": row.end_reason,
    }


def _waiting_on(hold: Hold, proposal: Proposal) -> WaitingOn:
    beats = RELEASING if hold.status is HoldStatus.RELEASING else PLACING
    undecided = proposal.kind is not ProposalKind.PLACE and proposal.status is ProposalStatus.OPEN
    return waiting_on(hold.status, [row.status for row in hold.beats if row.beat in beats], undecided=undecided)


def beat_of(beat: Beat, row: HoldBeat | None) -> Document:
    """Return where one beat of a hold stands; without a row it has not been planned yet."""
    return {
        "beat": beat,
        "status": row.status if row else BeatStatus.PENDING,
        "attempts": row.attempts if row else 0,
        "last_error": row.last_error if row else None,
        "done_at": utc(row.done_at) if row else None,
    }


def message_list(session: Session, rows: Sequence[Message], now: datetime) -> Document:
    """Return `{"messages": […], "unreadable": […]}`, each as `message` without its body, revisions and deliveries.

    The ids of those that cannot be shown are told apart.
    """
    one = _summaries(session, rows, now)
    found, unreadable = row_by_row.parted(row_by_row.build(rows, one, lambda row: Unreadable(str(row.id))))
    return {"messages": found, "unreadable": unreadable}


def _summaries(session: Session, rows: Sequence[Message], now: datetime) -> Callable[[Message], Document]:
    about = messages.holds_of(session, rows)
    claims = messages.live_claims(session, rows, now)
    approvals = messages.standing_decisions(session, rows)
    return lambda row: _message(row, about[row.hold_id], claims.get(row.id), approvals.get(row.id))


def message(session: Session, row: Message, now: datetime) -> Document:
    """Return everything known of a message, its revisions and deliveries oldest first."""
    document = _summaries(session, [row], now)(row)
    deliveries = messages.deliveries_of(session, row.id)
    return {
        **document,
        "body": row.revisions[-1].body,
        "message_id_header": deliveries[-1].message_id_header if deliveries else None,
        "revisions": [
            {
                "revision": one.revision,
                "subject": one.subject,
                "body": one.body,
                "recipient": one.recipient,
                "format": one.format,
                "editor": one.editor,
                "at": utc(one.at),
            }
            for one in row.revisions
        ],
        "deliveries": [
            {
                "started_at": utc(one.started_at),
                "handed_over_at": utc(one.handed_over_at),
                "ended_at": utc(one.ended_at),
                "outcome": one.outcome,
                "answer": one.answer,
                "message_id_header": one.message_id_header,
            }
            for one in deliveries
        ],
    }


def _message(row: Message, hold: Hold, claim: Claim | None, approval: MessageDecision | None) -> Document:
    claim = claim if row.status is MessageStatus.PENDING_REVIEW else None
    return {
        "id": str(row.id),
        "hold_id": str(row.hold_id),
        "customer_id": hold.customer_id,
        "customer_name": hold.customer.name,
        "kind": row.kind,
        "status": row.status,
        "revision": row.revision,
        "recipient": row.recipient,
        "subject": row.revisions[-1].subject,
        "format": row.revisions[-1].format,
        "drafted_at": utc(row.drafted_at),
        "claimed_by": claim.holder if claim else None,
        "claim_expires_at": utc(claim.expires_at) if claim else None,
        "approved_by": approval.actor if approval else None,
        "decision_id": str(row.decision_id) if row.decision_id else None,
        "send_after": utc(row.send_after),
        "delivery": row.delivery,
        "delivery_error": row.delivery_error,
        "sent_at": utc(row.sent_at),
        "closed_at": utc(row.closed_at),
    }
