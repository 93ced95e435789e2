"""`/`: what waits for a person."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from credit.triggers import TriggerKind
from db.holds import queue
from db.holds.queue import QueueFilter, QueueKind, Waiting
from desk.pages.common import Desk, Viewer
from desk.pages.filters import Filter
from desk.rendering import part, render
from desk.surroundings import in_transaction

router = APIRouter(include_in_schema=False)

PAGE = 50


class Asked(Filter):
    """The filter as the address carries it."""

    def __init__(
        self, kind: str = "", trigger: str = "", min_amount: str = "", claimed: str = "", text: str = ""
    ) -> None:
        super().__init__(kind=kind, trigger=trigger, min_amount=min_amount, claimed=claimed, text=text)
        claims: tuple[Literal["mine", "unclaimed"], ...] = ("mine", "unclaimed")
        self.filter = QueueFilter(
            kind=self.one_of("kind", QueueKind),
            trigger=self.one_of("trigger", TriggerKind),
            min_amount=self.amount("min_amount"),
            claimed=self.one_of("claimed", claims),
            text=self.typed["text"],
        )

    @property
    def narrowed(self) -> bool:
        """Whether anything but the kind is asked for."""
        return bool(self.given.keys() - {"kind"})

    def link(self, **changes: str | None) -> str:
        """Return the queue's address with this filter, changed."""
        return self.address("/", **changes)


Filtered = Annotated[Asked, Depends()]


@router.get("/")
async def show(request: Request, desk: Desk, who: Viewer, asked: Filtered, after: str | None = None) -> Response:
    now = datetime.now(UTC)

    def read(session: Session) -> tuple[list[Waiting], dict[QueueKind, int]]:
        if asked.wrong:
            return [], {}
        found = queue.page(session, asked.filter, me=who.name, now=now, after=after, limit=PAGE + 1)
        return found, queue.counts(session, asked.filter, me=who.name, now=now)

    found, counts = await in_transaction(desk, read)
    more = asked.link(after=found[PAGE - 1].cursor) if len(found) > PAGE else None
    shown = found[:PAGE]
    return render(
        request,
        "holds/queue.html",
        asked.status,
        items=shown,
        counts=counts,
        asked=asked,
        more=more,
        first=after is None,
        triggers=list(TriggerKind),
        poll=_poll(asked, now, 0),
    )


@router.get("/queue/changes")
async def changes(
    request: Request,
    desk: Desk,
    who: Viewer,
    asked: Filtered,
    since: datetime,
    told: int = 0,
    shown: Annotated[Sequence[str], Query(max_length=PAGE)] = (),
) -> Response:
    """What differs from the page in front of somebody: new items since it was made, rows that changed. 204 for nothing.

    Rows stay where they are: only what they say of their state is swapped, and new ones are announced, not put in.
    """
    if asked.wrong:  # the page said so already
        return Response(status_code=204)
    now = datetime.now(UTC)
    marks = dict(mark.rpartition(".")[::2] for mark in shown)

    def read(session: Session) -> tuple[int, dict[str, Waiting]]:
        fresh = queue.count_since(session, asked.filter, me=who.name, now=now, since=since)
        return fresh, queue.items(session, list(marks), now=now)

    fresh, waiting = await in_transaction(desk, read)
    gone = [key for key, digest in marks.items() if key not in waiting and digest != "gone"]
    moved = [item for key, item in waiting.items() if item.mark != f"{key}.{marks[key]}"]
    if fresh == told and not gone and not moved:
        return Response(status_code=204)
    poll = _poll(asked, since, fresh)
    return part(
        request,
        "holds/queue_changes.html",
        fresh=fresh,
        news=fresh != told,
        gone=gone,
        moved=moved,
        asked=asked,
        poll=poll,
        shown=shown,
    )


def _poll(asked: Asked, since: datetime, told: int) -> str:
    return "/queue/changes?" + urlencode({**asked.given, "since": since.isoformat(), "told": told})
