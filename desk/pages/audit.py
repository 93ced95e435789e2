"""`/audit`: who did what, when and why; export, and verify that no row was altered."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from credit import audit_entries
from credit.wording import sentence
from db import audit
from db.freight import credit_limits
from db.models import AuditEvent
from desk.pages.common import Auditor, Desk
from desk.pages.filters import Filter
from desk.rendering import render
from desk.surroundings import Surroundings, in_transaction
from services import audit_trail
from services.audit_trail import Verified

router = APIRouter(include_in_schema=False)

PAGE = 50
_LONGEST_ID = 18
"""Digits."""


ACTIONS = sorted(((kind.action, sentence(kind.what)) for kind in audit_entries.KINDS.values()), key=lambda one: one[1])
"""What can be asked for: the name it is stored by, and what people read."""


class Asked(Filter):
    """The filter as the address carries it."""

    def __init__(
        self,
        hold: str = "",
        actor: str = "",
        action: str = "",
        since: str = "",
        until: str = "",
        before: str = "",
    ) -> None:
        super().__init__(hold=hold, actor=actor, action=action, since=since, until=until, before=before)
        self.hold, self.actor = self.typed["hold"], self.typed["actor"]
        self.action = self.one_of("action", audit_entries.KINDS)
        self.since, self.until = self.day("since"), self.day("until")
        self.before = self.read("before", _row)

    @property
    def export(self) -> str:
        """The filter as the export understands it."""
        given = {"hold": self.hold, "from": _midnight(self.since), "to": _midnight(self.until, days=1)}
        return urlencode(
            {
                name: value.isoformat() if isinstance(value, datetime) else value
                for name, value in given.items()
                if value
            }
        )


Filtered = Annotated[Asked, Depends()]


def _row(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise ValueError("there is no such place in the list: begin at its top")
    return int(text)


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=days) if day else None


@dataclass(frozen=True)
class About:
    """What a row is about, and where that is shown; no address for the system."""

    text: str
    href: str | None = None


def about(chain: str) -> About:
    customer = credit_limits.customer_of_chain(chain)
    if customer is not None:
        return About(f"customer {customer}", f"/customers/{quote(customer)}")
    return About("the system") if chain == audit.SYSTEM else About(f"hold {chain[:8]}", f"/holds/{quote(chain)}")


@router.get("/audit")
async def show(request: Request, desk: Desk, _: Auditor, asked: Filtered) -> Response:
    """Show one page of the trail, the newest first."""
    return await _page(request, desk, asked)


@router.post("/audit/verify")
async def verify(request: Request, desk: Desk, _: Auditor) -> Response:
    """Check every row; changes nothing."""
    found = await asyncio.to_thread(audit_trail.verify, desk.engine, desk.settings)
    return await _page(request, desk, Asked(), verified=found)


async def _page(request: Request, desk: Surroundings, asked: Asked, verified: Verified | None = None) -> Response:
    def read(session: Session) -> list[AuditEvent]:
        chain = asked.read("hold", lambda name: audit_trail.chain_named(session, name))
        if asked.wrong:
            return []
        rows = audit.search(
            session,
            chain=chain,
            actor=asked.actor or None,
            action=asked.action,
            since=_midnight(asked.since),
            until=_midnight(asked.until, days=1),
            before_id=asked.before,
            limit=PAGE + 1,
        )
        return list(rows)

    rows = await in_transaction(desk, read)
    more = asked.address("/audit", before=str(rows[PAGE - 1].id)) if len(rows) > PAGE else None
    events = [(row, audit_entries.read(row.action, row.detail).what) for row in rows[:PAGE]]
    return render(
        request,
        "audit.html",
        asked.status,
        events=events,
        actions=ACTIONS,
        asked=asked,
        more=more,
        verified=verified,
        system=audit.SYSTEM,
        about=about,
    )
