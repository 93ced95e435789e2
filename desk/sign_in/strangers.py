"""How much of the audit trail refusals may fill: a few rows for each address and minute, the rest as one number.

For people and programs that are known it is the same, by their name, with more rows: what they meant to do counts.
"""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from credit.actors import OwnActor
from credit.audit_entries.system import RequestsRefused
from db import audit
from db.engine import transaction

ROWS = 5
"""Refusals of one address that are written down one by one."""

KNOWN_ROWS = 30
"""Those of somebody who is known."""

SECONDS = 60.0
"""After this long, what came on top is written down as one row, and counting begins anew."""

MAX_ADDRESSES = 1000
"""Addresses that are told apart at a time; all others count as one."""

OTHERS = "others"
NOBODY = OwnActor.UNKNOWN
"""Who a stranger is to the audit trail."""

_log = structlog.get_logger(__name__)


def address_of(request: Request) -> str:
    """Return where a request comes from; of an IPv6 address the /64, for its owner has all of that."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))


_Whose = tuple[str, str]
"""Name and address."""


def _rows(whose: _Whose) -> int:
    return ROWS if whose[0] == NOBODY else KNOWN_ROWS


class Strangers:
    """Counts refusals: those of callers nobody knows by their address, all others by who it was."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: Counter[_Whose] = Counter()
        self._ending: dict[_Whose, asyncio.Task[None]] = {}

    def admit(self, address: str, name: str = NOBODY) -> bool:
        """Whether one more refusal of these gets a row of its own. Counts it."""
        whose = (name, address if name == NOBODY else "")
        if name == NOBODY and whose not in self._seen and len(self._seen) >= MAX_ADDRESSES:
            whose = (NOBODY, OTHERS)
        self._seen[whose] += 1
        if whose not in self._ending:
            self._ending[whose] = asyncio.create_task(self._end(whose))
        return self._seen[whose] <= _rows(whose)

    async def close(self) -> None:
        """Write down what was only counted so far."""
        for task in self._ending.values():
            task.cancel()
        self._ending.clear()
        for whose in list(self._seen):
            await self._count(whose)

    async def _end(self, whose: _Whose) -> None:
        await asyncio.sleep(SECONDS)
        del self._ending[whose]
        await self._count(whose)

    async def _count(self, whose: _Whose) -> None:
        more = self._seen.pop(whose, 0) - _rows(whose)
        if more > 0:
            await asyncio.to_thread(self._write, *whose, more)

    def _write(self, name: str, address: str, more: int) -> None:
        entry = RequestsRefused(address=address, more=more)
        try:
            with transaction(self._engine) as session:
                audit.append(session, chain=audit.SYSTEM, entry=entry, actor=name, at=datetime.now(UTC))
        except SQLAlchemyError as error:
            _log.warning("refusals could not be audited", error=str(error)[:500], **entry.detail())


@asynccontextmanager
async def counted(engine: Engine) -> AsyncIterator[Strangers]:
    """Count until the desk stops, and leave nothing uncounted behind."""
    strangers = Strangers(engine)
    try:
        yield strangers
    finally:
        await strangers.close()
