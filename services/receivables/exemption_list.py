"""Who is exempt from automatic holds."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from db.receivables import exemptions
from services.receivables import exemption_documents

_EXEMPTION: dict[str, Any] = {
    "id": "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11",
    "customer_id": "1012",
    "owner": "robin",
    "reason": "they pay by the year",
    "until": "2027-03-31",
    "created_by": "ada",
    "created_at": "2027-03-01T09:00:00Z",
    "ended_at": None,
    "ended_by": None,
    "end_reason": None,
    "customer_name": "Harbour Foods Ltd",
}


class ListedExemption(BaseModel):
    """A customer that automatic triggers leave alone up to and including the day `until` (UTC)."""

    model_config = ConfigDict(extra="allow")

    id: UUID
    customer_id: str
    owner: str
    reason: str
    until: date
    created_by: str
    created_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    end_reason: str | None
    customer_name: str


class Exemptions(BaseModel):
    """Exemptions, the next to end first."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"exemptions": [_EXEMPTION]}]})

    exemptions: list[ListedExemption]


def listed(session: Session, now: datetime, *, over_too: bool) -> Exemptions:
    """Return the exemptions that count now; those that are over only on demand."""
    found = exemptions.listed(session, now, over_too=over_too)
    return Exemptions.model_validate(
        {"exemptions": [exemption_documents.document(one) | {"customer_name": name} for one, name in found]}
    )
