"""What the API answers with about the AR aging scan, the policy, templates and the caller, for its contract."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from credit.policy import Policy
from desk.api.answers import _AT, _example

_POLICY = Policy().model_dump(mode="json")


class ScheduledScan(BaseModel):
    """A scan that the schedule started."""

    at: datetime
    workflow_id: str


class ScanSchedule(BaseModel):
    """When the scan is due."""

    model_config = _example(cron="0 6 * * *", time_zone="UTC", paused=False, note="", next_runs=[_AT], recent_runs=[])

    cron: str
    time_zone: str
    paused: bool
    note: str
    next_runs: list[datetime]
    recent_runs: list[ScheduledScan]


_SCAN = {
    "id": "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11",
    "workflow_id": "ar-aging-2027-03-01T06:00:00Z",
    "as_of": "2027-03-01",
    "requested_by": "schedule",
    "policy_version": 1,
    "started_at": _AT,
    "finished_at": _AT,
    "counts": {"proposed": 3, "open_hold": 12},
}


class Scan(BaseModel):
    """One AR aging scan; `counts` is disposition -> customers."""

    model_config = _example(**_SCAN)

    id: UUID
    workflow_id: str
    as_of: date
    requested_by: str
    policy_version: int
    started_at: datetime
    finished_at: datetime | None
    counts: dict[str, int]


class ArAging(BaseModel):
    """When the scan is due, and the newest runs."""

    model_config = _example(schedule=None, runs=[_SCAN])

    schedule: ScanSchedule | None
    """Null before a worker has made it."""
    runs: list[Scan]


class StartedScan(BaseModel):
    """A scan that was started by hand."""

    model_config = _example(workflow_id="ar-aging-by-hand-1f2e", as_of="2027-03-01")

    workflow_id: str
    as_of: date


class Candidate(BaseModel):
    """A customer that the scan would propose a hold for."""

    model_config = _example(
        customer_id="1012",
        customer_name="Harbour Foods Ltd",
        total_open="40000.00",
        days_overdue=120,
        warnings=[],
        prior_holds=0,
    )

    customer_id: str
    customer_name: str
    total_open: str
    days_overdue: int
    warnings: list[str]
    prior_holds: int


class Candidates(BaseModel):
    """A page of whom the scan would propose."""

    model_config = _example(as_of="2027-03-01", candidates=[], next_cursor=None)

    as_of: date
    candidates: list[Candidate]
    next_cursor: str | None


class PolicyVersion(BaseModel):
    """One version of the policy. Durations are ISO 8601, amounts and shares strings."""

    model_config = _example(version=1, policy=_POLICY, note="first", created_by="hold up", created_at=_AT)

    version: int
    policy: dict[str, Any]
    note: str
    created_by: str
    created_at: datetime


class PolicyVersions(BaseModel):
    """The newest versions, newest first."""

    model_config = _example(versions=[])

    versions: list[PolicyVersion]


class Template(BaseModel):
    """One version of a message template."""

    model_config = _example(
        name="service_hold_customer_notice",
        organisation="",
        language="en",
        version=1,
        subject="Your account {{ customer_id }}",
        body="Dear {{ customer_name }}, …",
        created_by="migration",
        created_at=_AT,
    )

    name: str
    organisation: str
    """Empty for everybody's who has none of its own."""
    language: str
    version: int
    subject: str
    body: str
    created_by: str
    created_at: datetime


class Templates(BaseModel):
    """The version in use of each template."""

    model_config = _example(templates=[])

    templates: list[Template]


class TemplatePreview(BaseModel):
    """A template rendered for an invented customer; `html` is how a Markdown body looks when it arrives."""

    model_config = _example(subject="Your account 1012", body="Dear Harbour Foods Ltd, …", html="<p>…</p>")

    subject: str
    body: str
    html: str


class Me(BaseModel):
    """Who is calling, and what they may do."""

    model_config = _example(name="mike", role="approver", permissions=["look", "claim and decide"])

    name: str
    role: str
    permissions: list[str]
