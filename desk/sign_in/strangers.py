"""How much of the audit trail strangers may fill: a few rows for each address and minute, the rest as one number."""

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

SECONDS = 60.0
"""After this long, what came on top is written down as one row, and counting begins anew."""

MAX_ADDRESSES = 1000
"""Addresses that are told apart at a time; all others count as one."""

OTHERS = "others"

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


class Strangers:
    """Counts the refusals of callers nobody knows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen: Counter[str] = Counter()
        self._ending: dict[str, asyncio.Task[None]] = {}

    def admit(self, address: str) -> bool:
        """Whether one more refusal of this address gets a row of its own. Counts it."""
        if address not in self._seen and len(self._seen) >= MAX_ADDRESSES:
            address = OTHERS
        self._seen[address] += 1
        if address not in self._ending:
            self._ending[address] = asyncio.create_task(self._end(address))
        return self._seen[address] <= ROWS

    async def close(self) -> None:
        """Write down what was only counted so far."""
        for task in self._ending.values():
            task.cancel()
        self._ending.clear()
        for address in list(self._seen):
            await self._count(address)

    async def _end(self, address: str) -> None:
        await asyncio.sleep(SECONDS)
        del self._ending[address]
        await self._count(address)

    async def _count(self, address: str) -> None:
        more = self._seen.pop(address, 0) - ROWS
        if more > 0:
            await asyncio.to_thread(self._write, address, more)

    def _write(self, address: str, more: int) -> None:
        entry = RequestsRefused(address=address, more=more)
        try:
            with transaction(self._engine) as session:
                audit.append(session, chain=audit.SYSTEM, entry=entry, actor=OwnActor.UNKNOWN, at=datetime.now(UTC))
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
