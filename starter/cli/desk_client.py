"""The desk's HTTP API as the command line uses it: JSON documents in, the same refusals out.

desk.get("holds", name)                            GET  /api/holds/{name}
desk.post("holds", name, "undo", reason="wrong")   POST /api/holds/{name}/undo
"""

import json
import weakref
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from starter.cli.errors import RefusedError, UnreachableError

Document = dict[str, Any]

_PATIENCE = httpx.Timeout(60, connect=5)
_UNHURRIED = httpx.Timeout(None, connect=5)
_TRIES = 2


class DeskClient:
    """One desk, asked under one token.

    Parts of a path are quoted; queries leave out what is None. Every method raises RefusedError with what the desk
    refused with, and UnreachableError where it does not answer or cannot work now.

    Args:
        url: Where the desk is.
        token: Whose requests these are; empty for a stranger's.
        patient: Whether an answer may take any time: for what goes on until it is done.
        ended: What to say where the desk does not know the token (any more), instead of what it says.
    """

    def __init__(self, url: str, token: str = "", *, patient: bool = False, ended: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=_UNHURRIED if patient else _PATIENCE)
        self._ended = ended
        weakref.finalize(self, self._http.close)  # a command has no end of its own to close it at

    def get(self, *parts: str, **query: Any) -> Document:
        return self._ask("GET", parts, query=query)

    def whole_list(self, *parts: str, **query: Any) -> Document:
        """Look at a list of many pages as one: the first page's document with the rows of all."""
        whole = self.get(*parts, limit=500, **query)
        following = whole.pop("next_cursor")
        while following is not None:
            page = self.get(*parts, limit=500, cursor=following, **query)
            for name, rows in page.items():
                if isinstance(rows, list):
                    whole[name] += rows
            following = page["next_cursor"]
        return whole

    def post(self, *parts: str, **body: Any) -> Document:
        return self._ask("POST", parts, body)

    def put(self, *parts: str, **body: Any) -> Document:
        return self._ask("PUT", parts, body)

    def patch(self, *parts: str, **body: Any) -> Document:
        return self._ask("PATCH", parts, body)

    def delete(self, *parts: str, **query: Any) -> Document:
        return self._ask("DELETE", parts, query=query)

    def download(self, *parts: str, **query: Any) -> Iterator[str]:
        """Read a text piece by piece, however long it is."""
        try:
            with self._http.stream("GET", _path(parts), params=_given(query)) as answer:
                if not answer.is_success:
                    answer.read()
                    _document(answer, self._ended)
                yield from answer.iter_text()
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _ask(
        self, method: str, parts: tuple[str, ...], body: Document | None = None, query: Document | None = None
    ) -> Document:
        headers = {"Content-Type": "application/json"} if body else {}
        if method == "POST":  # one key for all tries: what an answer was lost of is not done twice
            headers["Idempotency-Key"] = str(uuid4())
        content = json.dumps(body, default=_text) if body else None
        for left in reversed(range(_TRIES)):
            try:
                answer = self._http.request(
                    method, _path(parts), content=content, params=_given(query or {}), headers=headers
                )
                break
            except httpx.TransportError as error:
                if not left:
                    raise self._unreachable(error) from error
        return _document(answer, self._ended)

    def _unreachable(self, error: Exception) -> UnreachableError:
        where = f"the desk at {self._http.base_url}"
        return UnreachableError(f"a service: {where}: {error}. Start it, or set HOLD_DESK_URL to where it is")


def _path(parts: tuple[str, ...]) -> str:
    return "/".join(("/api", *(quote(part, safe="") for part in parts)))


def _given(query: Document) -> dict[str, str | list[str]]:
    return {
        name: [_word(one) for one in value] if isinstance(value, list) else _word(value)
        for name, value in query.items()
        if value is not None
    }


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else _text(value)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _document(answer: httpx.Response, ended: str) -> Document:
    if answer.is_success:
        return answer.json() if answer.content else {}
    try:
        problem: Document = answer.json()
        code, detail = problem["code"], problem["detail"]
    except (ValueError, KeyError, TypeError):
        said = f"{answer.url} answers {answer.status_code}, and not as a desk does"
        raise UnreachableError(f"a service: {said}") from None
    if answer.is_server_error and answer.status_code != httpx.codes.BAD_GATEWAY:  # that is another service's refusal
        raise UnreachableError(f"a service: the desk says {answer.status_code}: {detail}")
    if answer.status_code == httpx.codes.UNAUTHORIZED and ended:
        detail = ended
    raise RefusedError(detail, code, problem)
