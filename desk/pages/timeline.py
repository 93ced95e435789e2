"""The audit trail in words that a person understands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from db.models import AuditEvent
from db.models.base import JsonObject
from desk.formats import words

_SYSTEM = "service-holds"

_BEATS = {
    "flag_customer": "flagging the customer",
    "notify_sales_rep": "drafting the sales rep’s message",
    "draft_customer_notice": "drafting the customer’s notice",
    "push_netsuite": "setting NetSuite’s credit hold",
}
_MESSAGES = {"sales_rep": "the sales rep’s message", "customer_notice": "the customer’s notice"}


@dataclass(frozen=True)
class Happened:
    """One line of a timeline."""

    at: datetime
    who: str
    """Empty for the system itself."""
    what: str
    why: str


def told(events: Iterable[AuditEvent]) -> list[Happened]:
    """Return the events in words, the newest first."""
    return [_tell(event) for event in reversed(list(events))]


def what_happened(action: str, detail: JsonObject) -> str:
    """Return an event as a sentence without its subject."""
    say = _SENTENCES.get(action)
    return say(detail) if callable(say) else say or words(action)


def _tell(event: AuditEvent) -> Happened:
    detail = event.detail
    why = detail.get("why") or detail.get("error") or detail.get("reason") or ""
    who = "" if event.actor == _SYSTEM else event.actor
    return Happened(event.at, who, what_happened(event.action, detail), str(why))


def _message(detail: JsonObject) -> str:
    return _MESSAGES.get(str(detail.get("kind")), "a message")


def _drafted(detail: JsonObject) -> str:
    known = "" if detail.get("recipient_known", True) else "; no address is known"
    return f"drafted {_message(detail)}{known}"


def _edited(detail: JsonObject) -> str:
    return f"edited {_message(detail)}: revision {detail.get('revision')}"


def _retried(detail: JsonObject) -> str:
    return "asked to try again: " + ", ".join(_BEATS.get(beat, words(beat)) for beat in detail.get("beats", []))


_SENTENCES: dict[str, str | Callable[[JsonObject], str]] = {
    "hold_proposed": "proposed this hold",
    "evidence_added": "added evidence",
    "proposal_revised": lambda d: f"made revision {d.get('after')} of the proposal",
    "proposal_claimed": lambda d: f"claimed revision {d.get('revision')} to decide it",
    "proposal_approved": lambda d: f"approved revision {d.get('revision')}",
    "proposal_approved_first": lambda d: f"approved revision {d.get('revision')} as the first of two people",
    "proposal_declined": lambda d: f"declined revision {d.get('revision')}",
    "approval_undone": "took the approval back",
    "case_weakened": "brought it back for a second look: the case had weakened",
    "customer_flagged": lambda d: f"flagged the customer: {d.get('before', 'active')} → {d.get('after', 'hold')}",
    "hold_in_force": "put the hold in force",
    "hold_expired": "let it expire: nobody decided in time",
    "hold_withdrawn": "withdrew it",
    "beat_failed": lambda d: f"could not finish {_BEATS.get(str(d.get('beat')), 'a beat')}",
    "beat_retried": _retried,
    "netsuite_read_back": lambda d: f"read NetSuite back: it says {d.get('value') or d.get('after')}",
    "netsuite_superseded": "left NetSuite alone: a later hold decides there",
    "signal_refused": "refused a signal that nothing stands behind",
    "trigger_refused": "refused a trigger that makes no sense",
    "disagreement_found": "found that the record and Temporal disagree",
    "message_drafted": _drafted,
    "message_claimed": lambda d: f"claimed {_message(d)} to review it",
    "message_edited": _edited,
    "message_approved": lambda d: f"approved {_message(d)}, revision {d.get('revision')}",
    "message_discarded": lambda d: f"discarded {_message(d)}",
    "message_recalled": lambda d: f"recalled {_message(d)} before it left",
    "message_sent": lambda d: f"sent {_message(d)}",
    "message_delayed": lambda d: f"could not send {_message(d)} yet: the mail server asks to try later",
    "message_refused_by_server": lambda d: f"could not send {_message(d)}: the mail server refuses it",
    "message_answer_lost": lambda d: f"handed {_message(d)} over and got no answer",
    "message_answered_late": lambda d: f"heard late of {_message(d)}",
    "message_retried": lambda d: f"asked to send {_message(d)} again now",
    "message_settled": lambda d: f"found out that {_message(d)} {'arrived' if d.get('arrived') else 'did not arrive'}",
    "message_withdrawn": lambda d: f"withdrew {_message(d)}",
    "ar_aging_started": lambda d: f"started an AR aging scan as of {d.get('as_of')}",
    "ar_aging_paused": "paused the AR aging schedule",
    "ar_aging_resumed": "resumed the AR aging schedule",
    "ar_imported": "imported receivables",
    "policy_changed": lambda d: f"put policy version {d.get('version')} in force",
    "template_changed": lambda d: f"put version {d.get('version')} of the template {d.get('name')} into use",
    "token_created": lambda d: f"made the {d.get('role')} token {d.get('name')}",
    "token_revoked": lambda d: f"revoked the token {d.get('name')}",
    "request_refused": lambda d: f"was refused: {d.get('method')} {d.get('path')}",
    "requests_refused": "strangers were refused",
    "signed_in": "signed in",
    "signed_out": "signed out",
    "sessions_ended": "ended sessions",
    "anchor_file_changed": "found the anchor file changed",
}
