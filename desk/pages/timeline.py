"""The audit trail in words that a person understands."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from credit.credit_hold import BLOCK_ALL_TARIFFS
from credit.states import Beat, MessageKind
from credit.wording import words
from db import row_by_row
from db.models import AuditEvent
from db.models.base import JsonObject

_SYSTEM = "service-holds"

_BEATS = {beat.value: beat.doing for beat in Beat}
_MESSAGES = {kind.value: f"the {kind.label}" for kind in MessageKind}


@dataclass(frozen=True)
class Happened:
    """One line of a timeline."""

    at: datetime
    who: str
    """With whom they stood in for; empty for the system itself."""
    what: str
    why: str


def told(events: Iterable[AuditEvent]) -> list[Happened]:
    """Return the events in words, the newest first."""
    return row_by_row.build(reversed(list(events)), _tell, _plainly)


def what_happened(action: str, detail: JsonObject) -> str:
    """Return an event as a sentence without its subject."""
    say = _SENTENCES.get(action)
    return say(detail) if callable(say) else say or words(action)


def _plainly(event: AuditEvent) -> Happened:
    return Happened(event.at, event.actor, words(event.action), "")


def _tell(event: AuditEvent) -> Happened:
    detail = event.detail
    why = detail.get("why") or detail.get("error") or detail.get("reason") or ""
    who = "" if event.actor == _SYSTEM else " for ".join([event.actor, *_absent(detail)])
    return Happened(event.at, who, what_happened(event.action, detail), str(why))


def _absent(detail: JsonObject) -> list[str]:
    names = detail.get("on_behalf_of") or []
    return [", ".join(names)] if names else []


def _message(detail: JsonObject) -> str:
    return _MESSAGES.get(str(detail.get("kind")), "a message")


def _drafted(detail: JsonObject) -> str:
    known = "" if detail.get("recipient_known", True) else "; no address is known"
    return f"drafted {_message(detail)}{known}"


def _edited(detail: JsonObject) -> str:
    return f"edited {_message(detail)}: revision {detail.get('revision')}"


def _beat(detail: JsonObject) -> str:
    return _BEATS.get(str(detail.get("beat")), "a beat")


def _dates(detail: JsonObject) -> str:
    after = detail.get("after", {})
    said = (f"the {words(name)} {'to ' + day if day else 'to no day'}" for name, day in after.items())
    return f"set {', '.join(said)}"


def _blocked(detail: JsonObject) -> str:
    what = str(detail.get("blocked") or "tariffs")
    return "all tariffs" if what == BLOCK_ALL_TARIFFS else what


def _retried(detail: JsonObject) -> str:
    return "asked to try again: " + ", ".join(_BEATS.get(beat, words(beat)) for beat in detail.get("beats", []))


_SENTENCES: dict[str, str | Callable[[JsonObject], str]] = {
    "hold_proposed": "proposed this hold",
    "evidence_added": "added evidence",
    "proposal_revised": lambda d: f"made revision {d.get('after')} of the proposal",
    "proposal_claimed": lambda d: f"claimed revision {d.get('revision')} to decide it",
    "proposal_approved": lambda d: f"approved revision {d.get('revision')}",
    "proposal_approved_first": lambda d: f"approved revision {d.get('revision')} as the first of two people",
    "proposal_declined": lambda d: (
        f"declined revision {d.get('revision')}" + (", and lifted its block" if d.get("keep_block") is False else "")
    ),
    "approval_undone": "took the approval back",
    "case_weakened": "brought it back for a second look: the case had weakened",
    "customer_flagged": lambda d: f"flagged the customer: {d.get('before', 'active')} → {d.get('after', 'hold')}",
    "hold_in_force": "put the hold in force",
    "hold_expired": "let it expire: nobody decided in time",
    "hold_withdrawn": "withdrew it",
    "hold_released": "released the customer",
    "hold_dates_set": _dates,
    "approvers_reminded": "reminded the approvers",
    "proposal_escalated": "escalated it: nobody had decided in time",
    "release_requested": "asked for its release",
    "release_refused": "asked for its release in vain",
    "release_withdrawn": "withdrew the proposed release",
    "release_expired": "let the proposed release expire: nobody decided in time; the hold stays",
    "repair_proposed": "proposed to repair what NetSuite says",
    "repair_withdrawn": "withdrew the proposed repair",
    "repair_expired": "let the proposed repair expire: nobody decided in time",
    "customer_unflagged": lambda d: (
        f"took the customer off hold: {d.get('before', 'hold')} → {d.get('after', 'active')}"
    ),
    "beat_failed": lambda d: f"could not finish {_beat(d)}",
    "beat_retried": _retried,
    "beat_skipped": lambda d: f"left out {_beat(d)}",
    "beat_cancelled": lambda d: f"stopped {_beat(d)}",
    "paid_in_full": "noted that everything is paid",
    "part_paid": "noted a part payment",
    "cause_gone": "noted that the cause of the hold is gone",
    "payment_received": "told of a payment",
    "plan_agreed": "noted a payment plan",
    "plan_kept": "noted that the payment plan was kept",
    "plan_ended": "noted that the payment plan was called off",
    "instalment_missed": "noted a missed instalment",
    "promise_made": "noted a promise to pay",
    "promise_kept": "noted that a promise to pay was kept",
    "promise_broken": "noted that a promise to pay was broken",
    "dispute_opened": "noted a dispute",
    "dispute_closed": "noted that a dispute was closed",
    "overridden": "lifted the hold at once",
    "end_date_reached": "noted that the hold’s last day has come",
    "review_due": "noted that the hold is to be reviewed",
    "exception_granted": "let one through in spite of the hold",
    "exception_withdrawn": "ended an exception",
    "exception_ended": "noted that an exception is over",
    "health_predicted": "predicted the customer’s health",
    "exemption_granted": lambda d: f"exempted customer {d.get('customer_id')} from automatic holds",
    "exemption_ended": lambda d: f"ended the exemption of customer {d.get('customer_id')}",
    "limit_exceeded": lambda d: (
        "found the credit limit exceeded"
        + (" and put the customer on credit hold" if d.get("done") == "credit_hold" else "")
    ),
    "limit_acceptable": lambda d: (
        "found the credit limit met again" + (" and lifted the block" if d.get("done") == "block lifted" else "")
    ),
    "credit_limit_changed": lambda d: (
        f"changed the credit limit: {d.get('before') or 'none'} → {d.get('after') or 'none'}"
    ),
    "tariffs_blocked": lambda d: f"blocked {_blocked(d)}",
    "tariffs_unblocked": lambda d: f"lifted the block of {_blocked(d)}",
    "credit_hold_taken_over": "made the credit hold that was there the service hold’s",
    "credit_hold_overridden": "took the customer out of credit hold though the limit is exceeded",
    "invoice_posted": "posted an invoice",
    "order_taken": lambda d: f"took order {d.get('order')}",
    "order_invoiced": lambda d: f"invoiced order {d.get('order')}",
    "order_cancelled": lambda d: f"cancelled order {d.get('order')}",
    "load_quoted": lambda d: f"quoted load {d.get('load')}",
    "load_advanced": lambda d: f"moved load {d.get('load')} on: {d.get('before')} → {d.get('after')}",
    "tariff_changed": lambda d: f"changed tariff {d.get('after', {}).get('code')}",
    "organisation_created": lambda d: f"made the organisation {d.get('organisation')}",
    "org_settings_changed": lambda d: f"changed the settings of {d.get('organisation')}: version {d.get('version')}",
    "netsuite_drift_found": "found that NetSuite says something else",
    "netsuite_drift_ended": "found that NetSuite says again what is wanted",
    "netsuite_drift_accepted": lambda d: f"accepted what NetSuite says: {d.get('before')}",
    "netsuite_repair_ordered": lambda d: f"ordered NetSuite to be written again: {d.get('after')}",
    "netsuite_hold_adopted": lambda d: f"adopted NetSuite’s hold; its release will write {d.get('prior')}",
    "netsuite_read_back": lambda d: f"read NetSuite back: it says {d.get('value') or d.get('after')}",
    "netsuite_superseded": "left NetSuite alone: a later hold decides there",
    "activity_refused": "refused work that a foreign workflow asked for, or before its turn",
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
    "message_unfit": lambda d: f"did not send {_message(d)}: it would not arrive as it was approved",
    "notification_given_up": lambda d: f"gave up telling {d.get('recipient')} of it",
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
    "absence_added": lambda d: f"noted that {d.get('login')} is away",
    "absence_ended": lambda d: f"noted that {d.get('login')} is back",
    "password_changed": "changed the password",
    "password_reset": lambda d: f"gave {d.get('login')} a one-time password",
    "user_created": lambda d: f"made the account {d.get('login')}",
    "user_role_changed": lambda d: f"changed the role of {d.get('login')}",
    "user_disabled": lambda d: f"disabled the account {d.get('login')}",
    "user_enabled": lambda d: f"enabled the account {d.get('login')} again",
    "anchor_file_changed": "found the anchor file changed",
}
