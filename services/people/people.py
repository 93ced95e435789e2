"""What admins do with people and tokens: the one authority behind the CLI, the API and the pages.

What takes an `Act` is done in an admin's name, and audited.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from credit.permissions import Role
from db.act import Act
from db.errors import BadInputError, LoginTakenError
from db.people import tokens, users
from db.people.tokens import Caller
from services.people import answers, passwords


def listed(session: Session) -> answers.Users:
    """Return everybody, by login."""
    return answers.Users(users=[answers.User.of(row) for row in users.listed(session)])


def create(act: Act, login: str, role: Role, *, name: str = "", email: str | None = None) -> str:
    """Make a local account and return its one-time password: the only time it can be read.

    Raises:
        BadInputError: the login can't be one, or the e-mail address is none.
        LoginTakenError: somebody has it already, or a service acts under that name.
    """
    if users.taken(act.session, login.strip().lower()):
        raise LoginTakenError(login.strip().lower())
    password = passwords.one_time()
    users.create(act, login=login, role=role, name=name, email=email, password_hash=passwords.hashed(password))
    return password


def reset_password(act: Act, login: str) -> str:
    """Replace a password by a one-time one and return it, once; all sessions of the user end.

    Raises:
        UnknownUserError: nobody has this login.
    """
    password = passwords.one_time()
    password_hash = passwords.hashed(password)  # slow: before the user is locked
    users.set_password(act, users.get(act.session, login), password_hash, one_time=True)
    return password


def change(
    act: Act,
    login: str,
    *,
    role: Role | None = None,
    disabled: bool | None = None,
    name: str | None = None,
    email: str | None = None,
) -> answers.User:
    """Change what is not None of a user: role, being shut out, name, e-mail; it counts from his next request on.

    Raises:
        UnknownUserError: nobody has this login.
        BadInputError: `email` is not one e-mail address (empty: none).
        LastAdminError: it is the last admin.
    """
    user = users.get(act.session, login)
    if disabled or (role is not None and role is not Role.ADMIN):
        users.keep_an_admin(act.session, user)
    users.set_contact(act, user, name=name, email=email)
    if role is not None:
        users.set_role(act, user, role)
    if disabled is not None:
        (users.disable if disabled else users.enable)(act, user)
    return answers.User.of(user)


def sign_out(act: Act, login: str, *, only: UUID | None = None) -> int:
    """End all sessions of a user, or only one; returns how many there were.

    Raises:
        UnknownUserError: nobody has this login.
    """
    return users.sign_out(act, users.get(act.session, login), only=only)


def listed_tokens(session: Session) -> answers.Tokens:
    """Return the API tokens, by name; never the tokens themselves."""
    return answers.Tokens(tokens=[answers.Token.of(row) for row in tokens.listed(session)])


def create_token(
    act: Act,
    name: str,
    role: Role,
    *,
    owner: str | None = None,
    service: bool = False,
    days: int | None = None,
    scope: Collection[str] | None = None,
    replace: bool = True,
) -> answers.MadeToken:
    """Make an API token: the only time it can be read.

    Args:
        name: what it is called.
        role: the most that it may.
        owner: the login of who owns it; by default the person whose login is the name, made where there is nobody.
        service: whether nobody owns it; a sender's always is.
        days: how long it works; by default 90 for a person's, 366 for a service's.
        scope: all that it may, in the words of `Permission`; None for all that its role may.
        replace: whether one of the same name stops working.

    Raises:
        BadInputError, UnknownUserError, TokenInUseError: as `db.people.tokens.create`.
    """
    lasts = None if days is None else timedelta(days=min(max(days, 0), tokens.AT_MOST.days + 1))  # whatever was typed
    made = tokens.create(
        act, name=name, role=role, owner=owner, service=service, expires_in=lasts, scope=scope, replace=replace
    )
    return answers.MadeToken.of(made)


def revoke_own_token(act: Act, who: Caller) -> answers.Token:
    """Make the person's token useless by which he calls.

    Raises:
        BadInputError: he calls by none, or it is a service's.
    """
    if who.token is None:
        raise BadInputError("this ends an API token: a browser signs out at /sign-out")
    if who.token.is_service:
        raise BadInputError("nobody owns this token: an admin revokes it, `hold token revoke`")
    return revoke_token(act, who.token.name)


def revoke_token(act: Act, name: str) -> answers.Token:
    """Make a token useless, at once.

    Raises:
        UnknownTokenNameError: there is none of this name.
    """
    return answers.Token.of(tokens.revoke(act, name=name))
