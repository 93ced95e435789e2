"""People: made, changed, never deleted, for the record names them. Each change is audited."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain, count
from uuid import UUID

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.orm import Session

from credit.actors import reads_as_the_system
from credit.audit_entries.people import (
    PasswordChanged,
    PasswordReset,
    SessionsEnded,
    UserCreated,
    UserDisabled,
    UserEmailChanged,
    UserEnabled,
    UserNameChanged,
    UserRoleChanged,
)
from credit.mail_text import clean_address
from credit.permissions import OF_PEOPLE, Role
from db import audit
from db.act import Act
from db.errors import BadInputError, LastAdminError, LoginTakenError, UnknownUserError
from db.models import ApiToken, User
from db.people import sessions, sign_ins

LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
"""What may be a login: it stands in addresses and in the record."""
ONE_TIME_LASTS = timedelta(hours=24)
"""How long after it was made a one-time password opens the one session that it is for."""


def listed(session: Session) -> Sequence[User]:
    return session.scalars(select(User).order_by(User.login)).all()


def nobody_yet(session: Session) -> bool:
    """Whether there is no user at all. Whoever asks first keeps others waiting until the transaction ends."""
    session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
    return not session.scalar(select(exists().where(User.id.is_not(None))))


def by_login(session: Session, login: str, *, lock: bool = False) -> User | None:
    """Return who signs in under this name, written in any case."""
    query = select(User).where(User.login == login.strip().lower())
    return session.scalars(query.with_for_update() if lock else query).one_or_none()


def get(session: Session, login: str) -> User:
    """Return who signs in under this name, locked until the transaction ends.

    Raises:
        UnknownUserError: nobody does.
    """
    user = by_login(session, login, lock=True)
    if user is None:
        raise UnknownUserError(login)
    return user


def by_subject(session: Session, issuer: str, subject: str) -> User | None:
    """Return whom an OpenID Connect provider knows under this subject."""
    query = select(User).where(User.oidc_issuer == issuer, User.oidc_subject == subject)
    return session.scalars(query.with_for_update()).one_or_none()


def create(
    act: Act,
    *,
    login: str,
    role: Role,
    name: str = "",
    email: str | None = None,
    password_hash: str | None = None,
    subject: tuple[str, str] | None = None,
) -> User:
    """Make a user: with a one-time password's hash, or known to a provider as `subject` (issuer, subject).

    Raises:
        BadInputError: see `LOGIN`; it reads as the system's; `email` is not one e-mail address; or the role is not one
            of people.
        LoginTakenError: somebody has it already.
    """
    login, email = login.strip().lower(), _address(email)
    if not LOGIN.fullmatch(login):
        raise BadInputError(f"{login!r} can't be a login: take up to 100 of a-z, 0-9 and . _ @ + -")
    if reads_as_the_system(login):
        raise BadInputError(f"{login!r} would read as the system's own doing in the record: take another login")
    _of_people(role)
    act.session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
    if by_login(act.session, login) is not None:
        raise LoginTakenError(login)
    issuer, known_as = subject or (None, None)
    user = User(
        login=login,
        name=name.strip(),
        email=email,
        role=role.label,
        password_hash=password_hash,
        one_time_password=password_hash is not None,
        one_time_until=None if password_hash is None else act.now + ONE_TIME_LASTS,
        oidc_issuer=issuer,
        oidc_subject=known_as,
        created_at=act.now,
    )
    act.session.add(user)
    act.session.flush()
    act.note(audit.SYSTEM, UserCreated(login=login, role=role.label))
    return user


def _address(email: str | None) -> str | None:
    try:
        return clean_address(email) if email and email.strip() else None
    except ValueError as error:
        raise BadInputError(str(error)) from error


def _of_people(role: Role) -> None:
    if role not in OF_PEOPLE:
        raise BadInputError(f"{role.label} is a role of programs: make them a token")


def free_login(session: Session, wanted: Iterable[str]) -> str:
    """Return the first of the wanted logins that nobody has and that may be one, else one with a number behind it."""
    cleaned = (re.sub(r"[^a-z0-9._@+-]+", "", login.lower()).lstrip("._@+-")[:90] for login in wanted)
    logins = [login for login in cleaned if login and not reads_as_the_system(login)] or ["user"]
    numbered = (f"{logins[0]}-{number}" for number in count(2))
    return next(login for login in chain(logins, numbered) if not taken(session, login))


def can_sign_in(user: User) -> bool:
    """Whether a browser may let this person in; who is made with a token can only after he got a password."""
    return user.password_hash is not None or user.oidc_subject is not None


def keep_an_admin(session: Session, but: User) -> None:
    """Refuse where nobody but this user is an admin who can sign in; no other change can come between.

    Raises:
        LastAdminError: so it is.
    """
    session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
    can = or_(User.password_hash.is_not(None), User.oidc_subject.is_not(None))
    others = exists().where(User.role == Role.ADMIN.label, User.disabled_at.is_(None), User.id != but.id, can)
    if but.role == Role.ADMIN.label and not session.scalar(select(others)):
        raise LastAdminError(but.login)


def set_role(act: Act, user: User, role: Role) -> None:
    """Give a locked user another role; it counts from his next request on.

    Raises:
        BadInputError: it is not one of people.
    """
    _of_people(role)
    if user.role == role.label:
        return
    entry = UserRoleChanged(login=user.login, before=user.role, after=role.label)
    user.role = role.label
    act.note(audit.SYSTEM, entry)


def set_contact(act: Act, user: User, *, name: str | None = None, email: str | None = None) -> None:
    """Give a locked user another name or e-mail address: None leaves it as it is, an empty text takes it away.

    Raises:
        BadInputError: `email` is not one e-mail address.
    """
    name, address = user.name if name is None else name.strip(), user.email if email is None else _address(email)
    if name != user.name:
        act.note(audit.SYSTEM, UserNameChanged(login=user.login, before=user.name, after=name))
    if address != user.email:
        act.note(audit.SYSTEM, UserEmailChanged(login=user.login, before=user.email, after=address))
    user.name, user.email = name, address


def disable(act: Act, user: User) -> None:
    """Shut a locked user out, at once, and end his sessions."""
    if user.disabled_at is not None:
        return
    user.disabled_at = act.now
    sessions.revoke(act.session, act.now, user_id=user.id)
    act.note(audit.SYSTEM, UserDisabled(login=user.login))


def enable(act: Act, user: User) -> None:
    if user.disabled_at is not None:
        user.disabled_at = None
        act.note(audit.SYSTEM, UserEnabled(login=user.login))


def set_password(act: Act, user: User, password_hash: str, *, one_time: bool) -> None:
    """Give a locked user a password; all his sessions end, and no device is known any more."""
    user.password_hash, user.one_time_password = password_hash, one_time
    user.one_time_until = act.now + ONE_TIME_LASTS if one_time else None
    sessions.revoke(act.session, act.now, user_id=user.id)
    sign_ins.forget_devices(act.session, user.id)
    kind = PasswordReset if one_time else PasswordChanged
    act.note(audit.SYSTEM, kind(login=user.login))


def one_time_is_over(user: User, now: datetime) -> bool:
    """Whether the password is a one-time one that opens no session (any more): it opened one, or is too old."""
    return user.one_time_password and (user.one_time_until is None or user.one_time_until <= now)


def use_one_time(user: User, now: datetime) -> None:
    """Let a locked user's one-time password, where he has one, have opened its session."""
    if user.one_time_password:
        user.one_time_until = now


def sign_out(act: Act, user: User, *, only: UUID | None = None) -> int:
    """End all sessions of a user, or only one; returns how many there were."""
    ended = sessions.revoke(act.session, act.now, user_id=user.id, only=only)
    act.note(audit.SYSTEM, SessionsEnded(login=user.login, sessions=ended))
    return ended


def taken(session: Session, login: str) -> bool:
    """Whether a person's or a service's deeds are written down under this name already."""
    service = exists().where(func.lower(ApiToken.name) == login, ApiToken.owner_id.is_(None))
    return bool(session.scalar(select(or_(exists().where(User.login == login), service))))
