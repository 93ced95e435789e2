"""The receivables ledger over HTTP: have it pulled out of NetSuite. A file is imported by `hold ar import`."""

import asyncio
from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import Depends
from pydantic import Field, StringConstraints

from credit.permissions import Permission
from db.people.tokens import Caller
from db.receivables.ledger_import import ImportReport
from desk.access import needs
from desk.api.common import Body, Desk, api_router
from desk.problems import refuses
from netsuite.errors import NetSuiteAwayError
from services.netsuite.client import InTurn, netsuite_client
from services.receivables import netsuite_pull
from services.receivables.netsuite_pull import NetSuiteRefusedError, NothingToPullError

router = api_router("AR aging", "/api/ledger")

Importer = Annotated[Caller, Depends(needs(Permission.IMPORT_LEDGER))]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Pull(Body):
    """How to take NetSuite's items."""

    as_of: Annotated[date | None, Field(ge=date(1900, 1, 1), le=date(2200, 1, 1))] = None
    """The day they speak of; today by default."""
    rates: Annotated[dict[Currency, Decimal], Field(max_length=200, examples=[{"EUR": "1.08"}])] = Field(
        default_factory=dict
    )
    """What one unit of each other currency is worth in the ledger's."""
    close_missing: Annotated[int | None, Field(ge=0, lt=2**31)] = None
    """Close exactly so many missing items, however large a share."""


@router.post("/pull")
@refuses(NothingToPullError, NetSuiteRefusedError, NetSuiteAwayError)
async def pull(desk: Desk, who: Importer, body: Pull | None = None) -> ImportReport:
    """Import the open items of NetSuite as the whole ledger: all or nothing; answers when it is done.

    `imported` says whether it was, and `refusal` why not. 502 where NetSuite refuses, 503 where it is away.
    """
    how = vars(body or Pull())

    def run() -> ImportReport:
        with netsuite_client(desk.settings) as client:
            asks = InTurn(client, desk.engine, desk.settings.netsuite_concurrency)
            return netsuite_pull.pull_as(who.name, desk.engine, asks, **how)

    return await asyncio.to_thread(run)
