"""Who is asking at a gate: programs are still known for a while when the database cannot say who they are."""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from fastapi import Request
from sqlalchemy.orm import Session

from credit.permissions import Permission
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

    def remember(self, token: str, who: Caller) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[_digest(token)] = who, time.monotonic()

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
        request.state.caller = who
        return who


def at_gate(permission: Permission) -> AtGate:
    return AtGate(permission)
