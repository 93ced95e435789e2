"""API tokens: who calls, and what they may do."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.audit_entries.people import TokenCreated, TokenRevoked
from credit.permissions import DELEGATED, TOKENS_ONLY, Permission, Role, may
from db import audit
from db.act import Act
from db.errors import BadInputError, NotAllowedError, UnknownTokenError, UnknownTokenNameError
from db.models import ApiToken

_MAX_NAME = 100
"""Characters of a token's name."""


@dataclass(frozen=True)
class Caller:
    name: str
    role: Role
    stands_in: Role | None = None
    """The highest role among the absent people for whom the caller stands in; it counts for `DELEGATED` alone."""
    signed_in: bool = False
    """Whether a browser's session says who calls, and no token."""

    def may(self, permission: Permission) -> bool:
        """Whether the caller's role reaches, or for what is delegated an absent person's. A sender is lent nothing."""
        if self.signed_in and permission in TOKENS_ONLY:
            return False
        lends = permission in DELEGATED and self.role is not Role.SENDER and self.stands_in is not None
        return may(self.role, permission) or (lends and may(self.stands_in or self.role, permission))

    def require(self, permission: Permission) -> None:
        """Refuse a caller whose role does not reach.

        Raises:
            NotAllowedError: it does not.
        """
        if not self.may(permission):
            raise NotAllowedError(self.name, self.role, permission)


def listed(session: Session) -> Sequence[ApiToken]:
    """Return all tokens, by name; those in use first."""
    return session.scalars(select(ApiToken).order_by(ApiToken.revoked_at.is_not(None), ApiToken.name)).all()


def create(act: Act, *, name: str, role: Role) -> str:
    """Make a token and return it: the only time it can be read. A token of the same name is replaced.

    Raises:
        BadInputError: the name is empty or too long.
    """
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise BadInputError(f"a token's name has 1 to {_MAX_NAME} printable characters, not {name!r}")
    token = f"hold_{secrets.token_urlsafe(32)}"
    row = act.session.scalars(select(ApiToken).where(ApiToken.name == name).with_for_update()).one_or_none()
    if row is None:
        act.session.add(ApiToken(name=name, role=role.label, sha256=_digest(token), created_at=act.now))
    else:
        row.role, row.sha256, row.created_at, row.revoked_at = role.label, _digest(token), act.now, None
    act.note(audit.SYSTEM, TokenCreated(name=name, role=role.label))
    return token


def revoke(act: Act, *, name: str) -> ApiToken:
    """Make a token useless; one that is already stays as it is.

    Raises:
        UnknownTokenNameError: there is none of this name.
    """
    row = act.session.scalars(select(ApiToken).where(ApiToken.name == name).with_for_update()).one_or_none()
    if row is None:
        raise UnknownTokenNameError(name)
    if row.revoked_at is None:
        row.revoked_at = act.now
        act.note(audit.SYSTEM, TokenRevoked(name=name))
    return row


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
