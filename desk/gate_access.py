"""Who is asking at a gate: programs are still known for a while when the database cannot say who they are."""

import asyncio
import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from credit.permissions import Permission
from db.engine import in_transaction
from db.errors import UnknownTokenError
from db.people import absences, tokens
from db.people.tokens import Caller
from desk.access import Needs, bearer_token
from desk.surroundings import Surroundings
from services.freight.gates import NoAnswerError

_REMEMBERED = 900
"""Seconds for which a token that was good stays good without the database."""
_MOST = 10_000


class KnownCallers:
    """Whose tokens were good lately. Tokens are kept as hashes."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[Caller, float]] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def remember(self, token: str, who: Caller) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[_digest(token)] = who, time.monotonic()

    def note_use(self, engine: Engine, who: Caller) -> None:
        """Write down, behind the answer, that a token was used: a gate neither writes nor waits for that."""

        def write(session: Session) -> None:
            tokens.used(session, who, datetime.now(UTC))

        async def noted() -> None:
            with suppress(SQLAlchemyError):
                await in_transaction(engine, write)

        if who.token is not None and tokens.is_stale(who.token, datetime.now(UTC)):
            task = asyncio.create_task(noted())
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    def forget(self, token: str) -> None:
        """Forget a token that is nobody's any more."""
        self._known.pop(_digest(token), None)

    def find(self, token: str) -> Caller | None:
        who, at = self._known.get(_digest(token), (None, 0.0))
        return who if time.monotonic() - at < _REMEMBERED else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


@dataclass(frozen=True)
class AtGate(Needs):
    """A dependency like `Needs`, for questions that are answered with the database down, too."""

    refusals = (*Needs.refusals, NoAnswerError)

    async def who(self, request: Request, desk: Surroundings) -> Caller:
        """Return who is asking; a program that was known lately where the database does not answer."""
        token = bearer_token(request)
        if token is None:
            return await super().who(request, desk)

        def read(session: Session) -> Caller:
            now = datetime.now(UTC)
            return absences.standing_in(session, tokens.caller(session, token, now), now)

        known: KnownCallers = request.app.state.known_callers
        request.state.session = None
        try:
            who = await desk.gates.ask(read)
        except UnknownTokenError:
            known.forget(token)
            raise
        except NoAnswerError:
            remembered = known.find(token)
            if remembered is None:
                raise
            who = remembered
        else:
            known.remember(token, who)
            known.note_use(desk.engine, who)
        request.state.caller = who
        return who


def at_gate(permission: Permission) -> AtGate:
    return AtGate(permission)
