"""The audit trail in words that a person understands: a line for each entry, see `credit/audit_entries`."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from credit import audit_entries
from credit.actors import OwnActor
from db.models import AuditEvent


@dataclass(frozen=True)
class Happened:
    at: datetime
    who: str
    """With whom they stood in for; empty for the system itself."""
    what: str
    why: str


def told(events: Iterable[AuditEvent]) -> list[Happened]:
    """Return the events in words, the newest first."""
    return [_tell(event) for event in reversed(list(events))]


def _tell(event: AuditEvent) -> Happened:
    read = audit_entries.read(event.action, event.detail)
    absent = [", ".join(read.on_behalf_of)] if read.on_behalf_of else []
    who = "" if event.actor == OwnActor.SYSTEM else " for ".join([event.actor, *absent])
    return Happened(event.at, who, read.what, read.why)
