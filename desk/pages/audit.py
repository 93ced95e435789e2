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
from db import audit
from db.errors import UnknownHoldError
from db.freight import credit_limits
from db.models import AuditEvent
from desk.pages.common import Auditor, Desk, day_of_address
from desk.rendering import render
from desk.surroundings import Surroundings, in_transaction
from services import audit_trail
from services.audit_trail import Verified

router = APIRouter(include_in_schema=False)

PAGE = 50
_LONGEST_ID = 18
"""Digits."""


class Asked:
    """The filter as the address carries it; an empty field means all."""

    def __init__(self, hold: str = "", actor: str = "", action: str = "", since: str = "", until: str = "") -> None:
        self.hold = hold.strip()[:200]
        self.actor = actor.strip()[:200]
        self.action = action.strip()[:200]
        self.since = day_of_address(since)
        self.until = day_of_address(until)

    @property
    def given(self) -> dict[str, str]:
        return {name: str(value) for name, value in vars(self).items() if value}

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
async def show(request: Request, desk: Desk, _: Auditor, asked: Filtered, before: str = "") -> Response:
    """Show one page of the trail, the newest first."""
    return await _page(request, desk, asked, before)


@router.post("/audit/verify")
async def verify(request: Request, desk: Desk, _: Auditor) -> Response:
    """Check every row; changes nothing."""
    found = await asyncio.to_thread(audit_trail.verify, desk.engine, desk.settings)
    return await _page(request, desk, Asked(), verified=found)


async def _page(
    request: Request, desk: Surroundings, asked: Asked, before: str = "", verified: Verified | None = None
) -> Response:
    def read(session: Session) -> tuple[list[AuditEvent], str]:
        try:
            chain = audit_trail.chain_named(session, asked.hold) if asked.hold else None
        except UnknownHoldError as error:
            return [], str(error)
        rows = audit.search(
            session,
            chain=chain,
            actor=asked.actor or None,
            action=asked.action.replace(" ", "_") or None,
            since=_midnight(asked.since),
            until=_midnight(asked.until, days=1),
            before_id=int(before) if before.isascii() and before.isdigit() and len(before) <= _LONGEST_ID else None,
            limit=PAGE + 1,
        )
        return list(rows), ""

    rows, problem = await in_transaction(desk, read)
    more = urlencode({**asked.given, "before": rows[PAGE - 1].id}) if len(rows) > PAGE else None
    events = [(row, audit_entries.read(row.action, row.detail).what) for row in rows[:PAGE]]
    return render(
        request,
        "audit.html",
        events=events,
        asked=asked,
        more=more,
        problem=problem,
        verified=verified,
        system=audit.SYSTEM,
        about=about,
    )
