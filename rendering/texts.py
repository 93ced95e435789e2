"""What everybody calls to have a text rendered. None of it happens in the caller's process.

A call blocks until the text is there: in an event loop, `await aside(html_of, body, format)`.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import escape
from typing import ParamSpec, TypeVar

from pydantic import BaseModel

from credit.plain_text import with_line_feeds
from credit.states import TextFormat
from credit.templates import TemplateRefusedError, values
from credit.wording import words
from rendering import differences
from rendering.differences import Piece
from rendering.renderer import BeyondLimitsError, NotRenderedError, RendererAwayError, shared

P = ParamSpec("P")
T = TypeVar("T")

_MESSAGE = 100_000
"""Characters of the longest message, also of one that a template makes."""
_HTML = 2_000_000
"""Characters that such a message may become in HTML."""
_THREADS = 8
_WAITING = 16
"""How many may wait for a text in one process, before the next one is told to come back."""

_threads = ThreadPoolExecutor(_THREADS, "rendering")
_room = threading.BoundedSemaphore(_WAITING)


def filled_in(name: str, subject: str, body: str, context: BaseModel) -> tuple[str, str]:
    """Return subject and body of the message that a template makes.

    Args:
        name: the template's, for who has to mend it.
        subject: its subject.
        body: its body.
        context: the fields of this are what the template may name, as plain data: see `credit.templates.values`.

    Raises:
        TemplateRefusedError: it has a syntax error, names something unknown, does what it may not, or takes too much.
        RendererAwayError: nothing can be rendered right now.
    """
    request = {"subject": subject, "body": body, "values": values(context), "longest": _MESSAGE}
    try:
        made = shared().ask("template", request)
    except (NotRenderedError, BeyondLimitsError) as error:
        raise TemplateRefusedError(f"template “{words(name)}”: {error}") from error
    return str(made[0]).replace("\n", " ").strip(), str(made[1])


def html_of(body: str, format: TextFormat) -> str:  # noqa: A002 (the field's name)
    """Return a message's body as an HTML fragment that is safe to show and to send.

    Raises:
        BeyondLimitsError: it is longer than a message may be, or takes too much to lay out.
        RendererAwayError: nothing can be rendered right now.
    """
    if format is TextFormat.TEXT:
        return f"<pre>{escape(body)}</pre>\n"
    length = len(with_line_feeds(body))  # as it is kept
    if length > _MESSAGE:
        raise BeyondLimitsError(f"the text has {length:,} characters: shorten it to {_MESSAGE:,}")
    try:
        return str(shared().ask("html", {"body": body, "longest": _HTML}))
    except NotRenderedError as error:
        raise BeyondLimitsError(f"this text cannot be laid out: {error}") from error


def difference(before: str, after: str) -> list[Piece]:
    """Return the pieces that make `after` out of `before`: word by word, or whole where that would take too long."""
    try:
        found = shared().ask("pieces", {"before": before, "after": after})
    except (NotRenderedError, BeyondLimitsError, RendererAwayError):
        return differences.whole_pieces(before, after)
    return [Piece(kind, text) for kind, text in found]


def unified_difference(before: str, after: str, name_before: str, name_after: str) -> str:
    """Return a unified diff, with all lines between the first and the last change where a better one takes too long."""
    texts = {"before": before, "after": after, "name_before": name_before, "name_after": name_after}
    try:
        return str(shared().ask("unified", texts))
    except (NotRenderedError, BeyondLimitsError, RendererAwayError):
        return differences.whole_unified(**texts)


async def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run what renders off the event loop, on threads that nothing else waits for.

    Raises:
        RendererAwayError: too many wait already.
    """
    if not _room.acquire(blocking=False):
        raise RendererAwayError("too many texts are being rendered at this moment: try again soon")
    under_way = _threads.submit(work, *args, **kwargs)
    under_way.add_done_callback(lambda _: _room.release())
    return await asyncio.wrap_future(under_way)
