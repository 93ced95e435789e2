"""`Idempotency-Key` on POSTs: the same request under the same key is done once, and answered with the first answer."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import Depends, Header, Request
from fastapi.responses import Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from db import idempotency
from db.engine import WITH_WHAT_IS_WRITTEN, in_transaction
from db.errors import AnswerLostError, IdempotencyMismatchError, RequestUnderWayError
from db.idempotency import Answer
from desk import etags, problems
from desk.access import caller
from desk.etags import Handler
from desk.surroundings import Surroundings, surroundings

_LONGEST = 200
_log = structlog.get_logger(__name__)
_REPLAYED = ("content-type", "location", "etag")


@problems.refuses(RequestUnderWayError, AnswerLostError, IdempotencyMismatchError)
def _key(
    _: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            max_length=_LONGEST,
            description="Any text that is new for each request: a repetition gets the first answer, for 24 h.",
        ),
    ] = None,
) -> None:
    """Document and check the header."""


class Route(etags.Route):
    """A route whose POSTs heed `Idempotency-Key`. Answers from 500 on are not kept: the request may be repeated."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._heeds_key = "POST" in (options.get("methods") or ())
        if self._heeds_key:
            options["dependencies"] = [*(options.get("dependencies") or ()), Depends(_key)]
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        return _once(handle) if self._heeds_key else handle


def _once(handle: Handler) -> Handler:
    async def handler(request: Request) -> Response:
        key = request.headers.get("idempotency-key")
        if not key or len(key) > _LONGEST:
            return await handle(request)
        desk = surroundings(request)
        who = await caller(request, desk)
        caller_ = f"token:{who.token.sha256}" if who.token else f"session:{who.name}"
        taken = _Taken(desk, caller_, key, datetime.now(UTC))
        before = await taken.begin(await _digest(request))
        if before is not None:
            return Response(before.body, before.status, {**before.headers, "Idempotent-Replay": "true"})
        WITH_WHAT_IS_WRITTEN.set(taken.note_effect)
        try:
            response = await handle(request)
        except Exception as error:  # noqa: BLE001 (a refusal is an answer, and kept like any other)
            response = await problems.answer(request, error)
        WITH_WHAT_IS_WRITTEN.set(None)
        await taken.end(response)
        return response

    return handler


class _Taken:
    """A key while its request is under way."""

    def __init__(self, desk: Surroundings, caller: str, key: str, began_at: datetime) -> None:
        self._engine = desk.engine
        self._caller = caller
        self._key = key
        self._began_at = began_at

    async def begin(self, request_sha256: str) -> Answer | None:
        return await in_transaction(
            self._engine,
            idempotency.begin,
            caller=self._caller,
            key=self._key,
            request_sha256=request_sha256,
            now=self._began_at,
        )

    def note_effect(self, session: Session) -> None:
        """Note with what the request writes that it did: after a crash it is not done again."""
        idempotency.note_effect(session, caller=self._caller, key=self._key, began_at=self._began_at)

    async def end(self, response: Response) -> None:
        """Keep the answer, or free the key where it is not worth keeping."""
        mine = {"caller": self._caller, "key": self._key}

        def write(session: Session) -> None:
            if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                idempotency.give_up(session, **mine, began_at=self._began_at)
                return
            headers = {name: value for name in _REPLAYED if (value := response.headers.get(name))}
            kept = Answer(response.status_code, headers, bytes(response.body).decode())
            idempotency.keep(session, **mine, began_at=self._began_at, answer=kept)

        try:
            await in_transaction(self._engine, write)
        except SQLAlchemyError as error:  # what was asked for is done: say so; the key is free in a minute
            _log.warning("an answer could not be kept", error=str(error)[:500])


async def _digest(request: Request) -> str:
    head = f"{request.method} {request.url.path}?{request.url.query} {request.headers.get('if-match', '')}\n"
    return hashlib.sha256(head.encode() + await request.body()).hexdigest()
