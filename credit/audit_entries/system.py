"""What is set for everybody, what was refused, and where the record disagrees with something."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel

from credit.audit_entries.entry import Entry, Explained, Moment


class PolicyChanged(Explained):
    action = "policy_changed"
    what = "put a policy in force"
    said = "put policy version {version} in force"
    version: int
    before: dict[str, Any]
    after: dict[str, Any]
    limit_states_moved: int | None = None
    """Where exposure was defined anew."""


class TemplateText(BaseModel):
    """A message template's text."""

    subject: str
    body: str


class TemplateChanged(Entry):
    action = "template_changed"
    what = "changed a template"
    said = "put version {version} of the template {name} into use"
    name: str
    organisation: str
    language: str
    version: int
    before: TemplateText | None
    after: TemplateText


class RequestRefused(Explained):
    action = "request_refused"
    what = "was refused"
    said = "was refused: {method} {path}"
    method: str
    path: str
    address: str
    code: str
    token: str = ""
    """The name of the token that was shown; the actor is its owner."""


class RequestsRefused(Entry):
    action = "requests_refused"
    what = "was refused more often than is written down one by one"
    said = "was refused {more:,} more times than are written down one by one"
    address: str
    more: int


class ActivityRefused(Explained):
    action = "activity_refused"
    what = "refused work that a foreign workflow asked for, or before its turn"
    activity: str
    workflow_id: str
    workflow_type: str


class SignalRefused(Explained):
    action = "signal_refused"
    what = "refused a signal that nothing stands behind"
    signal: str
    id: str | None = None
    """What it claimed to be: of a trigger or a request."""
    content: str | None = None
    customer_id: str | None = None
    message_id: UUID | None = None
    decision_id: str | None = None


class TriggerRefused(Explained):
    action = "trigger_refused"
    what = "refused a trigger that makes no sense"
    customer_id: str


class DisagreementFound(Explained):
    action = "disagreement_found"
    what = "found that the record and Temporal disagree"
    workflow_id: str
    done: str


class AuditExported(Entry):
    action = "audit_exported"
    what = "exported the audit trail"
    said = "exported the audit trail as {format}"
    format: str
    chain: str | None = None
    since: Moment | None = None
    until: Moment | None = None


class AnchorFileRead(BaseModel):
    """As much as was read of the anchor file."""

    lines: int
    digest: str


class AnchorFileChanged(Explained):
    action = "anchor_file_changed"
    what = "found the anchor file changed"
    before: AnchorFileRead | None
    after: AnchorFileRead
