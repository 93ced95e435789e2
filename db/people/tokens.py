"""API tokens: who calls, and what they may do.

A token acts for the person who owns it, and may what both it and its owner may at that moment. One that nobody owns is
a service's: it acts in its own name, and does nothing for which a person answers (`PERSONS_ONLY`).
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from credit.actors import OPERATOR_TOKEN, reads_as_the_system
from credit.audit_entries.people import TokenCreated, TokenRenewed, TokenRevoked
from credit.permissions import DELEGATED, PERSONS_ONLY, TOKENS_ONLY, Permission, Role, may, typed_permission
from db import audit
from db.act import Act
from db.errors import (
    BadInputError,
    NotAllowedError,
    OutOfScopeError,
    OwnerDisabledError,
    PersonNeededError,
    TokenExpiredError,
    TokenInUseError,
    UnknownTokenError,
    UnknownTokenNameError,
)
from db.models import ApiToken, User
from db.people import users
from db.people.digests import digest

PERSONS_LAST = timedelta(days=90)
"""How long a person's token works where nothing else was asked for."""
AT_MOST = timedelta(days=366)
"""The longest that any token works, and a service's where nothing else was asked for."""

MAX_NAME = 100
"""Characters of a token's name."""
_USED_STEPS = timedelta(minutes=1)
"""`last_used_at` is written at most this often, so that a request costs no write of its own."""


class ShownToken(NamedTuple):
    """The token that a caller showed."""

    name: str
    sha256: str
    at_most: Role | None
    """What it was made for, where that is less than its owner may: absent people lend it no more than that."""
    is_service: bool
    scope: frozenset[Permission] | None
    expires_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class Caller:
    name: str
    """A person's login, whether a browser or a token of his calls; a service's token's name."""
    role: Role
    stands_in: Role | None = None
    """The highest role among the absent people for whom the caller stands in; it counts for `DELEGATED` alone."""
    signed_in: bool = False
    """Whether a browser's session says who calls, and no token."""
    token: ShownToken | None = None

    def may(self, permission: Permission) -> bool:
        """Whether the caller's role reaches, or for what is delegated an absent person's. A sender is lent nothing."""
        return self._refusal(permission) is None

    def require(self, permission: Permission) -> None:
        """Refuse a caller whose role does not reach.

        Raises:
            NotAllowedError: it does not; PersonNeededError, where a service asks for what a person answers for, and
                OutOfScopeError, where the token was made for less.
        """
        refusal = self._refusal(permission)
        if refusal is not None:
            raise refusal

    def _refusal(self, permission: Permission) -> NotAllowedError | None:
        lends = permission in DELEGATED and self.role is not Role.SENDER and self.stands_in is not None
        reaches = may(self.role, permission) or (lends and may(self.stands_in or self.role, permission))
        if not reaches or (self.signed_in and permission in TOKENS_ONLY):
            return NotAllowedError(self._said, self.role, permission)
        if self.token and self.token.is_service and permission in PERSONS_ONLY:
            return PersonNeededError(self.name, permission)
        if self.token and self.token.scope is not None and permission not in self.token.scope:
            return OutOfScopeError(self.token.name, permission, self.token.scope)
        return None

    @property
    def _said(self) -> str:
        if self.token is None or self.token.name == self.name:
            return self.name
        return f"the token {self.token.name} of {self.name}"


class Made(NamedTuple):
    """A token that was made."""

    token: str
    """The only time it can be read."""
    row: ApiToken
    new_person: bool
    """Whether its owner was made with it: a person without a password, who can't sign in until he is given one."""
    replaced: bool
    """Whether one of the same name worked until now."""


def listed(session: Session) -> Sequence[ApiToken]:
    """Return all tokens, by name; those in use first."""
    return session.scalars(select(ApiToken).order_by(ApiToken.revoked_at.is_not(None), ApiToken.name)).all()


def create(
    act: Act,
    *,
    name: str,
    role: Role,
    owner: str | None = None,
    service: bool = False,
    expires_in: timedelta | None = None,
    scope: Collection[str] | None = None,
    replace: bool = True,
) -> Made:
    """Make a token.

    Args:
        name: what the token is called, and a service acts under.
        role: the most that it may.
        owner: the login of who owns it. Without one, and where it is no service's, that is the person whose login is
            the name; where there is nobody, such a person is made, with this role and no password.
        service: whether nobody owns it; senders' tokens are always services'.
        expires_in: how long it works, `AT_MOST` at most; `PERSONS_LAST` or, for services, `AT_MOST` by default.
        scope: all that it may (`typed_permission`); None for all that its role may.
        replace: whether it may take the place of one of the same name that still works.

    Raises:
        BadInputError: the name is empty, too long, the system's or a person's (for a service); it has an owner and is a
            service's; the owner is disabled or may less; it would work too long; or the scope is more than the role.
        UnknownUserError: nobody has the owner's login.
        TokenInUseError: there is one of the same name, not to be replaced.
    """
    service = service or (role is Role.SENDER and owner is None)
    _require_name(act.session, name, service=service)
    if owner is not None and service:
        raise BadInputError("a service's token has no owner: give an owner, or make it a service's")
    if owner is not None and role is Role.SENDER:
        raise BadInputError("a sender is a program, which has no owner: leave the owner out")
    row = _locked(act.session, name)
    if not replace and _works(row, act.now):
        raise TokenInUseError(name)
    person, new_person = (None, False) if service else _owner(act, row, name, role, owner)
    made = _put(act, row, name, role, person, _lasts(service, expires_in), _scope(role, scope, service=service))
    return made._replace(new_person=new_person)


def create_for_operator(act: Act, owner: User) -> Made:
    """Make the token of the embedded stack's operator, whose name nobody else's can have."""
    row = _locked(act.session, OPERATOR_TOKEN)
    return _put(act, row, OPERATOR_TOKEN, Role.ADMIN, owner, AT_MOST, None)


def _require_name(session: Session, name: str, *, service: bool) -> None:
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise BadInputError(f"a token's name has 1 to {MAX_NAME} printable characters, not {name!r}")
    if reads_as_the_system(name):
        raise BadInputError(f"{name!r} would read as the system's own doing in the record: take another name")
    if service and users.by_login(session, name) is not None:
        raise BadInputError(f"{name!r} is a person's login, and a service acts under its own name: take another one")


def _owner(act: Act, row: ApiToken | None, name: str, role: Role, login: str | None) -> tuple[User, bool]:
    """Return who is to own a token, locked, and whether that is a new person."""
    if login is not None:
        person: User | None = users.get(act.session, login)
    else:
        person = users.by_login(act.session, name, lock=True) or (row.owner if row else None)
    if person is None:
        own = name.strip().lower()
        new = own if users.LOGIN.fullmatch(own) else users.free_login(act.session, [name])
        return users.create(act, login=new, role=role, name="" if new == own else name.strip()), True
    if person.disabled_at is not None:
        raise BadInputError(f"{person.login} is disabled, and no token of his or hers works: take another owner")
    if role > Role[person.role.upper()]:
        if users.can_sign_in(person):
            raise BadInputError(
                f"{person.login} is {person.role}, and no token of his or hers may more: take that role, or first "
                f"change the person's, `hold user role {person.login} {role.label}`"
            )
        users.set_role(act, person, role)
    return person, False


def _lasts(service: bool, asked: timedelta | None) -> timedelta:  # noqa: FBT001
    lasts = asked if asked is not None else AT_MOST if service else PERSONS_LAST
    if not timedelta(0) < lasts <= AT_MOST:
        raise BadInputError(f"a token works for 1 to {AT_MOST.days} days, not {lasts.days}")
    return lasts


def _scope(role: Role, typed: Collection[str] | None, *, service: bool) -> list[str] | None:
    if typed is None:
        return None
    if not typed:
        raise BadInputError("name at least one permission, or leave the scope out")
    try:
        scope = {typed_permission(one) for one in typed}
    except ValueError as error:
        raise BadInputError(str(error)) from error
    for permission in scope:
        if not (may(role, permission) or (permission in DELEGATED and role is not Role.SENDER)):
            raise BadInputError(f"no {role.label} may {permission}: leave that out of the scope, or take another role")
        if service and permission in PERSONS_ONLY:
            raise BadInputError(f"no service's token may {permission}: leave that out, or give the token an owner")
    return sorted(scope)


def _put(
    act: Act, row: ApiToken | None, name: str, role: Role, owner: User | None, lasts: timedelta, scope: list[str] | None
) -> Made:
    token = f"hold_{secrets.token_urlsafe(32)}"
    replaced = _works(row, act.now)
    if row is None:
        row = ApiToken(name=name)
        act.session.add(row)
    row.role, row.owner, row.scope, row.sha256 = role.label, owner, scope, digest(token)
    row.created_at, row.expires_at, row.last_used_at, row.revoked_at = act.now, act.now + lasts, None, None
    act.session.flush()
    login = owner.login if owner else None
    act.note(
        audit.SYSTEM,
        TokenCreated(name=name, role=role.label, owner=login, expires_at=row.expires_at, scope=scope),
    )
    return Made(token, row, new_person=False, replaced=replaced)


def _works(row: ApiToken | None, now: datetime) -> bool:
    return row is not None and row.revoked_at is None and row.expires_at > now


def renew(act: Act, row: ApiToken, owner: User) -> None:
    """Have a token work for as long as any may, for this owner."""
    row.owner, row.expires_at = owner, act.now + AT_MOST
    act.note(audit.SYSTEM, TokenRenewed(name=row.name, owner=owner.login, expires_at=row.expires_at))


def revoke(act: Act, *, name: str) -> ApiToken:
    """Make a token useless; one that is already stays as it is.

    Raises:
        UnknownTokenNameError: there is none of this name.
    """
    row = _locked(act.session, name)
    if row is None:
        raise UnknownTokenNameError(name)
    if row.revoked_at is None:
        row.revoked_at = act.now
        act.note(audit.SYSTEM, TokenRevoked(name=name))
    return row


def find(session: Session, token: str) -> ApiToken | None:
    """Return a token that was not revoked; it may have expired."""
    query = select(ApiToken).where(ApiToken.sha256 == digest(token), ApiToken.revoked_at.is_(None))
    return session.scalars(query).one_or_none()


def caller(session: Session, token: str, now: datetime) -> Caller:
    """Return whose token this is: the person who owns it, or the service.

    Raises:
        UnknownTokenError: nobody's, or it was revoked.
        TokenExpiredError: it worked long enough.
        OwnerDisabledError: its owner may not come in.
    """
    row = find(session, token)
    if row is None:
        raise UnknownTokenError
    if now >= row.expires_at:
        raise TokenExpiredError(row.name, row.expires_at)
    role, owner = Role[row.role.upper()], row.owner
    owners = Role[owner.role.upper()] if owner else role
    if owner and owner.disabled_at is not None:
        raise OwnerDisabledError(row.name, owner.login)
    at_most = role if role < owners else None
    shown = ShownToken(row.name, row.sha256, at_most, owner is None, scope_of(row), row.expires_at, row.last_used_at)
    return Caller(owner.login if owner else row.name, min(role, owners), token=shown)


def scope_of(row: ApiToken) -> frozenset[Permission] | None:
    """Return all that a token may; what a newer version stored and this one doesn't know is left out."""
    if row.scope is None:
        return None
    return frozenset(one for one in Permission if one in row.scope or one is Permission.KNOW_ONESELF)


def is_stale(token: ShownToken, now: datetime) -> bool:
    """Whether a use is to be noted: the last that was is not of this minute."""
    return token.last_used_at is None or now - token.last_used_at >= _USED_STEPS


def used(session: Session, who: Caller, now: datetime) -> None:
    """Note that the caller's token was used just now."""
    if who.token is None or not is_stale(who.token, now):
        return
    stale = or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= now - _USED_STEPS)
    session.execute(
        update(ApiToken)
        .where(ApiToken.sha256 == who.token.sha256, stale)
        .values(last_used_at=now)
        .execution_options(synchronize_session=False)
    )


def _locked(session: Session, name: str) -> ApiToken | None:
    query = select(ApiToken).where(ApiToken.name == name).with_for_update(of=ApiToken)
    return session.scalars(query).one_or_none()
