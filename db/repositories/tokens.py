"""API tokens: who calls, and what they may do."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.errors import UnknownTokenError
from db.models import ApiToken
from db.repositories import audit


class Role(IntEnum):
    """What a caller may do; each role may do what the ones below it may."""

    VIEWER = 1
    REQUESTER = 2
    APPROVER = 3
    ADMIN = 4


@dataclass(frozen=True)
class Caller:
    """Who is calling."""

    name: str
    role: Role


def create(session: Session, *, name: str, role: Role, actor: str, at: datetime) -> str:
    """Make a token and return it: the only time it can be read. A token of the same name is replaced."""
    token = f"hold_{secrets.token_urlsafe(32)}"
    row = session.scalars(select(ApiToken).where(ApiToken.name == name).with_for_update()).one_or_none()
    if row is None:
        session.add(ApiToken(name=name, role=role.name.lower(), sha256=_digest(token), created_at=at))
    else:
        row.role, row.sha256, row.created_at, row.revoked_at = role.name.lower(), _digest(token), at, None
    detail = {"name": name, "role": role.name.lower()}
    audit.append(session, chain=audit.SYSTEM, actor=actor, action="token_created", at=at, detail=detail)
    return token


def caller(session: Session, token: str) -> Caller:
    """Return whose token this is.

    Raises:
        UnknownTokenError: nobody's, or it was revoked.
    """
    query = select(ApiToken).where(ApiToken.sha256 == _digest(token), ApiToken.revoked_at.is_(None))
    row = session.scalars(query).one_or_none()
    if row is None:
        raise UnknownTokenError
    return Caller(row.name, Role[row.role.upper()])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
