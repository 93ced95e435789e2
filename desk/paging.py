"""Pages of a list: each names where the next begins, by an opaque cursor (keyset: no page is skipped or seen twice)."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response

from db.errors import BadInputError

Limit = Annotated[int, Query(ge=1, le=500, description="How many at most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]

DEFAULT_LIMIT = 100
_NOT_OURS = "this is not a cursor of this list: start again without one"

Row = TypeVar("Row")
Id = TypeVar("Id")


def key_of(cursor: str | None, *, parts: int) -> list[str] | None:
    """Return the sort key that a cursor stands for; None without one.

    Raises:
        BadInputError: it is no cursor of a list with this many sort columns.
    """
    if cursor is None:
        return None
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error):
        key = None
    if not (isinstance(key, list) and len(key) == parts and all(isinstance(part, str) for part in key)):
        raise BadInputError(_NOT_OURS)
    return key


def moment_and(kind: Callable[[str], Id], cursor: str | None) -> tuple[datetime, Id] | None:
    """Return the key of a list that is sorted by a time and an id of a kind; None without a cursor.

    Raises:
        BadInputError: it is no cursor of such a list.
    """
    key = key_of(cursor, parts=2)
    if key is None:
        return None
    try:
        return datetime.fromisoformat(key[0]).astimezone(UTC), kind(key[1])
    except (ValueError, OverflowError) as error:
        raise BadInputError(_NOT_OURS) from error


def cut(rows: Sequence[Row], limit: int, key: Callable[[Row], Sequence[str]]) -> tuple[Sequence[Row], str | None]:
    """Return the first `limit` of `limit + 1` rows, and the cursor of the next page; None where this is the last."""
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    return page, base64.urlsafe_b64encode(json.dumps(list(key(page[-1]))).encode()).decode()


class _Asked:
    """Which page of a list a request asks for."""

    def __init__(
        self, request: Request, response: Response, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
    ) -> None:
        self.limit = limit
        self.cursor = cursor
        self._url = request.url
        self._headers = response.headers

    def cut(self, rows: Sequence[Row], key: Callable[[Row], Sequence[str]]) -> tuple[list[Row], str | None]:
        """Return the rows of this page out of `limit + 1`, and the cursor of the next, which a `Link` names too."""
        page, following = cut(rows, self.limit, key)
        if following is not None:
            url = self._url.include_query_params(cursor=following)
            self._headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return list(page), following


Page = Annotated[_Asked, Depends()]
