"""Many proposals from one file, each for itself: previewed, carried out line by line, harmless when repeated.

Only proposals: what they propose is decided one by one, by a person, like everything else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio.service import RPCError, RPCStatusCode

from credit.bulk import BulkFile, Outcome
from credit.states import HoldStatus
from db.engine import in_transaction
from db.errors import NothingToReleaseError, RefusedError, UnknownCustomerError
from db.holds import bulk
from services.holds.answers import BulkItem, BulkProposals
from services.holds.operations import Operations

_SIDE_BY_SIDE = 5


@dataclass(frozen=True)
class Item:
    """One line of the file, and what becomes of it."""

    line: int
    """In the file, counted from 1 with the header."""
    key: str
    """The id of its trigger or request: from the file's content and the line, so the same on every try."""
    customer_id: str
    reason: str
    customer_name: str | None = None
    total_open: Decimal | None = None
    """In the ledger's currency; None for an unknown customer."""
    hold_id: UUID | None = None
    outcome: Outcome = Outcome.CREATED
    why: str = ""


def items(file: BulkFile) -> list[Item]:
    """Return the file's lines, each with its key."""
    return [Item(one.line, f"file/{file.name}/{one.line}", one.customer_id, one.reason) for one in file.lines]


def answer(done: Sequence[Item]) -> BulkProposals:
    """Return what became of each line, as it is answered."""
    return BulkProposals(
        items=[
            BulkItem(
                line=item.line,
                customer_id=item.customer_id,
                customer_name=item.customer_name,
                total_open=None if item.total_open is None else str(item.total_open),
                hold_id=item.hold_id,
                outcome=item.outcome,
                why=item.why,
            )
            for item in done
        ]
    )


def preview_start(session: Session, items: Sequence[Item], now: datetime) -> list[Item]:
    """Say what proposing a hold for each line would do. Nothing is done."""
    standings = bulk.standings(session, {item.customer_id for item in items}, now)
    known = bulk.known_triggers(session, [item.key for item in items])

    def look(item: Item, standing: bulk.Standing) -> Item:
        if item.key in known:
            return replace(item, hold_id=known[item.key], outcome=Outcome.ALREADY_DONE)
        return replace(item, outcome=Outcome.EVIDENCE_ADDED) if standing.hold_id else item

    return [_with_standing(item, standings.get(item.customer_id), look) for item in items]


def preview_release(session: Session, items: Sequence[Item], now: datetime) -> list[Item]:
    """Say what proposing to release the hold of each line would do. Nothing is done."""
    standings = bulk.standings(session, {item.customer_id for item in items}, now)
    known = bulk.known_requests(session, [item.key for item in items])

    def look(item: Item, standing: bulk.Standing) -> Item:
        if item.key in known:
            return replace(item, hold_id=known[item.key], outcome=Outcome.ALREADY_DONE)
        if standing.hold_status not in (HoldStatus.APPLYING, HoldStatus.IN_FORCE):
            why = str(NothingToReleaseError(item.customer_id, standing.hold_status or "no hold is open"))
            return replace(item, outcome=Outcome.REFUSED, why=why)
        return replace(item, outcome=Outcome.EVIDENCE_ADDED) if standing.undecided else item

    return [_with_standing(item, standings.get(item.customer_id), look) for item in items]


def _with_standing(item: Item, standing: bulk.Standing | None, look: Callable[[Item, bulk.Standing], Item]) -> Item:
    if standing is None:
        return replace(item, outcome=Outcome.REFUSED, why=str(UnknownCustomerError(item.customer_id)))
    seen = replace(item, customer_name=standing.customer_name, total_open=standing.total_open, hold_id=standing.hold_id)
    return look(seen, standing)


async def start(operations: Operations, items: Sequence[Item], *, actor: str) -> list[Item]:
    """Propose a hold for each line of a preview that is not refused or done; returns what became of every line."""

    async def propose(item: Item) -> Item:
        begun = await operations.start_hold(item.customer_id, reason=item.reason, actor=actor, trigger_id=item.key)
        return replace(
            item, hold_id=begun.hold_id, outcome=Outcome.CREATED if begun.created else Outcome.EVIDENCE_ADDED
        )

    return await _each(items, propose)


async def release(operations: Operations, engine: Engine, items: Sequence[Item], *, actor: str) -> list[Item]:
    """Propose to release the hold of each line of a preview that is not refused or done; returns every line."""

    async def propose(item: Item) -> Item:
        hold_id = await operations.request_release(
            item.customer_id, reason=item.reason, actor=actor, request_id=item.key
        )
        fresh = await in_transaction(engine, bulk.opened_its_proposal, item.key)
        return replace(item, hold_id=hold_id, outcome=Outcome.CREATED if fresh else Outcome.EVIDENCE_ADDED)

    return await _each(items, propose)


async def _each(items: Sequence[Item], propose: Callable[[Item], Awaitable[Item]]) -> list[Item]:
    """Carry lines out a few side by side. A refused one stops nothing; a service that is away stops the rest."""

    async def attempt(item: Item) -> Item:
        if item.outcome in (Outcome.REFUSED, Outcome.ALREADY_DONE):
            return item
        try:
            return await propose(item)
        except RefusedError as error:
            return replace(item, outcome=Outcome.REFUSED, why=str(error))
        except RPCError as error:
            gone = error.status is RPCStatusCode.NOT_FOUND
            why = "the hold's workflow is gone: see `hold doctor`" if gone else f"Temporal cannot be reached: {error}"
            return replace(item, outcome=Outcome.REFUSED if gone else Outcome.FAILED, why=why)
        except RuntimeError as error:  # nobody acted on it in time; Temporal keeps it
            return replace(item, outcome=Outcome.FAILED, why=str(error))

    done: list[Item] = []
    while len(done) < len(items):
        if any(item.outcome is Outcome.FAILED for item in done):
            return done + [replace(item, outcome=Outcome.NOT_TRIED) for item in items[len(done) :]]
        done += await asyncio.gather(*(attempt(item) for item in items[len(done) : len(done) + _SIDE_BY_SIDE]))
    return done
