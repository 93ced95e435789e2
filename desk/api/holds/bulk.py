"""Many proposals at once, each for itself. What they propose is decided one by one, like everything else."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.orm import Session

from credit import bulk as file
from desk.api.common import Body, Desk, Line, Starter, Why, api_router
from desk.surroundings import Surroundings, in_transaction
from services.holds import bulk
from services.holds.answers import BulkProposals
from services.holds.bulk import Item

router = api_router("holds", "/api/bulk")


class BulkLine(Body):
    """One line of a file: a customer, and why."""

    line: Annotated[int, Field(ge=1, lt=2**31)]
    customer_id: Line
    reason: Why


class Bulk(Body):
    """Lines of one file. A line counts once: by the file's name and its number, whoever sends it how often."""

    file: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="SHA-256 of the file, its first 32 digits.")]
    lines: Annotated[list[BulkLine], Field(min_length=1, max_length=200)]
    dry_run: bool = False
    """Whether only to say what each line would do."""


@router.post("/holds")
async def start_holds(body: Bulk, desk: Desk, who: Starter) -> BulkProposals:
    """Propose a hold for each line; a refused one stops nothing, a service that is away stops the rest."""
    previewed = await _preview(desk, body, bulk.preview_start)
    return bulk.answer(previewed if body.dry_run else await bulk.start(desk.operations, previewed, actor=who.name))


@router.post("/releases")
async def release_holds(body: Bulk, desk: Desk, who: Starter) -> BulkProposals:
    """Propose to release the hold of each line's customer, likewise."""
    previewed = await _preview(desk, body, bulk.preview_release)
    if body.dry_run:
        return bulk.answer(previewed)
    return bulk.answer(await bulk.release(desk.operations, desk.engine, previewed, actor=who.name))


async def _preview(
    desk: Surroundings, body: Bulk, preview: Callable[[Session, Sequence[Item], datetime], list[Item]]
) -> list[Item]:
    lines = [file.Line(one.line, one.customer_id, one.reason) for one in body.lines]
    items = bulk.items(file.BulkFile(body.file, lines))
    return await in_transaction(desk, lambda session: preview(session, items, datetime.now(UTC)))
