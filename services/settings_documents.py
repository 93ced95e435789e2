"""AR aging scans, the policy and templates as JSON documents."""

from credit.policy import Policy
from db.models import ArAgingRun, ContentTemplate, PolicyVersion
from services.answers import Document, utc


def scan(run: ArAgingRun) -> Document:
    """Return one AR aging scan: disposition -> customers under `counts`."""
    return {
        "id": str(run.id),
        "workflow_id": run.workflow_id,
        "as_of": run.as_of.isoformat(),
        "requested_by": run.requested_by,
        "policy_version": run.policy_version,
        "started_at": utc(run.started_at),
        "finished_at": utc(run.finished_at),
        "counts": run.counts,
    }


def policy(row: PolicyVersion) -> Document:
    """Return one version of the policy; durations are ISO 8601, amounts strings. Values it lacks are the defaults."""
    return {
        "version": row.version,
        "policy": Policy.model_validate(row.settings).model_dump(mode="json"),
        "note": row.note,
        "created_by": row.created_by,
        "created_at": utc(row.created_at),
    }


def template(row: ContentTemplate) -> Document:
    """Return one version of a message template."""
    return {
        "name": row.name,
        "organisation": row.organisation,
        "language": row.language,
        "version": row.version,
        "subject": row.subject,
        "body": row.body,
        "created_by": row.created_by,
        "created_at": utc(row.created_at),
    }
