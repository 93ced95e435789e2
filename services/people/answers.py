"""What is answered about people, their absences and API tokens, and about who is calling."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import PlainSerializer

from credit.permissions import Permission
from db import models
from db.people import tokens
from db.people.tokens import Caller
from services.answers import Answer, Login, Time

Stamp = Annotated[datetime, PlainSerializer(datetime.isoformat, return_type=str)]
"""A time as these answers have always given it: ISO 8601 UTC, with `+00:00`."""
UserRole = Literal["viewer", "requester", "approver", "admin"]
TokenRole = Literal["sender", UserRole]
"""A sender may post events (`/api/events/…`) and nothing else."""


class Me(Answer):
    """Who is calling, and what they may do."""

    name: Login
    role: TokenRole
    permissions: list[Permission]
    token: str | None
    """The name of the token that was shown; null in a browser."""
    expires_at: Stamp | None
    """When that token ends."""

    @classmethod
    def of(cls, who: Caller) -> Self:
        """Show a caller."""
        permissions = [permission for permission in Permission if who.may(permission)]
        token, ends = (who.token.name, who.token.expires_at) if who.token else (None, None)
        return cls.of_row(who, role=who.role.label, permissions=permissions, token=token, expires_at=ends)


class User(Answer):
    """Somebody who may sign in."""

    login: Login
    name: str
    email: str | None
    role: UserRole
    signs_in_with: Literal["provider", "password", "nothing"]
    """Nothing: only by tokens, until an admin gives a password."""
    one_time_password: bool
    """Whether the password must be changed before anything else."""
    created_at: Stamp
    disabled_at: Stamp | None

    @classmethod
    def of(cls, row: models.User) -> Self:
        """Show a user."""
        with_what = "provider" if row.oidc_subject else "password" if row.password_hash else "nothing"
        return cls.of_row(row, signs_in_with=with_what)


class Users(Answer):
    """Everybody, by login."""

    users: list[User]


class NewPassword(Answer):
    """A one-time password, shown this once."""

    login: Login
    one_time_password: str


class NewAccount(NewPassword):
    """A local account that was made."""

    role: UserRole


class SignedOut(Answer):
    """Whose sessions ended."""

    login: Login
    sessions_ended: int


class Token(Answer):
    """What may be known of an API token."""

    name: str
    role: TokenRole
    """The most it may; a person's token may never more than the person."""
    owner: Login | None
    """For whom it acts; null for a service's, which acts in its own name and decides nothing."""
    scope: list[str] | None
    """All that it may; null for whatever its role may."""
    created_at: Stamp
    expires_at: Stamp
    last_used_at: Stamp | None
    """To the minute."""
    revoked_at: Stamp | None

    @classmethod
    def of(cls, row: models.ApiToken) -> Self:
        """Show a token."""
        return cls.of_row(row, owner=row.owner.login if row.owner else None)


class Tokens(Answer):
    """The API tokens, by name."""

    tokens: list[Token]


class MadeToken(Answer):
    """An API token, shown this once."""

    name: str
    role: TokenRole
    token: str
    owner: Login | None
    expires_at: Stamp
    scope: list[str] | None
    new_person: bool
    """Whether its owner was made with it: somebody without a password, who can sign in once he is given one."""
    replaced: bool
    """Whether one of the same name worked until now."""

    @classmethod
    def of(cls, made: tokens.Made) -> Self:
        """Show a token that was made."""
        known = Token.of(made.row)
        return cls.of_row(known, token=made.token, new_person=made.new_person, replaced=made.replaced)


class DeviceCode(Answer):
    """What a program shows a person, and asks with; the names are those of RFC 8628, section 3.2."""

    device_code: str
    """For `/api/device-tokens`; nobody else may learn it."""
    user_code: str
    verification_uri: str
    """Where a signed-in person types the user code."""
    verification_uri_complete: str
    """The same, with the code in it."""
    expires_in: int
    """Seconds."""
    interval: int
    """Seconds between two questions, at least."""


class DeviceToken(Answer):
    """An API token of the person who confirmed, shown this once; the names are those of RFC 6749, section 5.1."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (no password)
    expires_in: int
    """Seconds."""


class Absence(Answer):
    """Who is away, who stands in, and for how long."""

    id: UUID
    login: Login
    delegate: Login
    starts_at: Time
    ends_at: Time
    """The first moment that does not count any more."""
    ended_at: Time | None
    """When somebody ended it before."""
    state: Literal["planned", "lasting", "over"]
    reason: str
    created_by: Login
    created_at: Time

    @classmethod
    def of(cls, row: models.Absence, now: datetime) -> Self:
        """Show an absence as it stands now."""
        ends = row.ended_at or row.ends_at
        return cls.of_row(row, state="over" if ends <= now else "lasting" if row.starts_at <= now else "planned")


class Absences(Answer):
    """Absences, the first to start first."""

    absences: list[Absence]
