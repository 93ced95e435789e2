"""Exemptions as JSON documents, for the CLI and the desk alike."""

from db.models import Exemption
from services.answers import Document, utc


def document(exemption: Exemption) -> Document:
    """Return one exemption. Times are ISO 8601 UTC, `until` is the last day on which it counts."""
    return {
        "id": str(exemption.id),
        "customer_id": exemption.customer_id,
        "owner": exemption.owner,
        "reason": exemption.reason,
        "until": exemption.until.isoformat(),
        "created_by": exemption.created_by,
        "created_at": utc(exemption.created_at),
        "ended_at": utc(exemption.ended_at),
        "ended_by": exemption.ended_by,
        "end_reason": exemption.end_reason,
    }
