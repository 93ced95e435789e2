"""What is answered about many proposals at once."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from credit.bulk import Outcome

_ITEM: dict[str, Any] = {
    "line": 2,
    "customer_id": "1012",
    "customer_name": "Harbour Foods Ltd",
    "total_open": "40000.00",
    "hold_id": "0b9f6d0e-9d5c-4a57-8f5f-2f9b1a3c7d11",
    "outcome": "created",
    "why": "",
}


class BulkItem(BaseModel):
    """One line, and what became of it; in a dry run, what would."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [_ITEM]})

    line: int
    customer_id: str
    customer_name: str | None
    """Null for an unknown customer."""
    total_open: str | None
    """In the ledger's currency."""
    hold_id: UUID | None
    outcome: Outcome
    why: str
    """Why it was refused, or failed."""


class BulkProposals(BaseModel):
    """Every line that was sent, in the same order."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [{"items": [_ITEM]}]})

    items: list[BulkItem]
