"""The shapes that every answer shares."""

from datetime import datetime
from typing import Any

Document = dict[str, Any]


def utc(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 with `Z`."""
    return at.isoformat().replace("+00:00", "Z") if at else None
