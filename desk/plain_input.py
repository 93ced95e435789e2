"""Text that comes in over HTTP, whatever the route: no character that could disguise the record (`credit.plain_text`).

`access.Needs` asks this of every request that changes something, so no route can forget it.
"""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError

from credit.plain_text import NotPlainTextError, plain

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
PROBLEM = "plain_text"
"""The type of such an error."""
_DEEPEST = 64
"""Levels of a JSON document that are looked at; no body here has more than a few."""

_Place = tuple[str | int, ...]


async def require_plain(request: Request) -> None:
    """Refuse a request whose query, form or JSON body has a text with such a character.

    Raises:
        RequestValidationError: it names each field, the character, where it stands, and what to do.
    """
    texts = [(("query", name), value) for name, value in request.query_params.multi_items()]
    problems = [*_problems(texts), *_problems(await _body(request))]
    if problems:
        raise RequestValidationError(problems)


async def _body(request: Request) -> Iterator[tuple[_Place, str]]:
    if request.headers.get("content-type", "").startswith(FORMS):
        form = await request.form()  # kept by the request: the route reads the same form
        return iter([(("body", name), value) for name, value in form.multi_items() if isinstance(value, str)])
    try:
        return _strings(("body",), json.loads(await request.body()))
    except (ValueError, RecursionError):  # no JSON: the route says so
        return iter(())


def _strings(place: _Place, value: Any) -> Iterator[tuple[_Place, str]]:
    match value:
        case str():
            yield place, value
        case dict() if len(place) < _DEEPEST:
            for key, one in value.items():
                yield place, key
                yield from _strings((*place, key), one)
        case list() if len(place) < _DEEPEST:
            for number, one in enumerate(value):
                yield from _strings((*place, number), one)


def _problems(texts: Any) -> Iterator[dict[str, Any]]:
    for place, text in texts:
        try:
            plain(text)
        except NotPlainTextError as error:
            yield {"type": PROBLEM, "loc": place, "msg": str(error), "input": None}
