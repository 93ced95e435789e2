"""People who sign in to the desk, their sessions, and what protects both."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from db.models.base import Base, JsonObject, Secret, Stamp, Uuid


class User(Base):
    """A person. `login` is the name that is written down; it never passes to somebody else."""

    __tablename__ = "users"

    id: Mapped[Uuid]
    login: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    email: Mapped[str | None]
    """Where notifications go."""
    role: Mapped[str]
    password_hash: Mapped[Secret | None]
    """Argon2id; null for who signs in with OpenID Connect only."""
    one_time_password: Mapped[bool] = mapped_column(default=False, server_default="false")
    """Whether the password was made by the system and must be changed at the first sign-in."""
    one_time_until: Mapped[datetime | None]
    """Until when a one-time password opens a session: past as soon as it opened one. Null: it opens none."""
    oidc_issuer: Mapped[str | None]
    oidc_subject: Mapped[str | None]
    created_at: Mapped[Stamp]
    disabled_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("role IN ('viewer', 'requester', 'approver', 'admin')", name="role_known"),
        CheckConstraint("login <> '' AND login = lower(login)", name="login_lower_case"),
        CheckConstraint("(oidc_issuer IS NULL) = (oidc_subject IS NULL)", name="oidc_whole"),
        UniqueConstraint("oidc_issuer", "oidc_subject"),
    )


class UserSession(Base):
    """One signed-in browser. Only the SHA-256 of its cookie is kept."""

    __tablename__ = "user_sessions"

    id: Mapped[Uuid]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    sha256: Mapped[Secret] = mapped_column(unique=True)
    csrf_token: Mapped[Secret]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    """The absolute end; the idle end moves with `last_seen_at`."""
    revoked_at: Mapped[datetime | None]
    address: Mapped[str]
    user_agent: Mapped[str]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)

    __table_args__ = (Index("ix_user_sessions_user_id", "user_id"), Index("ix_user_sessions_expires_at", "expires_at"))


class ApiToken(Base):
    """A key by which a program calls: for the person who owns it, or, a service's, for nobody. Its SHA-256 is kept."""

    __tablename__ = "api_tokens"

    id: Mapped[Uuid]
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    """The most it may do; it never may more than its owner."""
    sha256: Mapped[Secret] = mapped_column(unique=True)
    owner_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Null for a service's, which acts in its own name."""
    scope: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    """Values of `Permission`, all that it may; null for whatever its role may."""
    created_at: Mapped[Stamp]
    expires_at: Mapped[datetime] = mapped_column(server_default=text("now() + interval '90 days'"))
    last_used_at: Mapped[datetime | None]
    """To the minute."""
    revoked_at: Mapped[datetime | None]

    owner: Mapped[User | None] = relationship(lazy="joined")

    __table_args__ = (
        CheckConstraint("role IN ('sender', 'viewer', 'requester', 'approver', 'admin')", name="role_known"),
        CheckConstraint("role <> 'sender' OR owner_id IS NULL", name="sender_is_nobodys"),
        Index("ix_api_tokens_owner_id", "owner_id"),
    )


class SignInFailure(Base):
    """A failed sign-in: what the throttle counts."""

    __tablename__ = "sign_in_failures"

    id: Mapped[Uuid]
    login: Mapped[str]
    address: Mapped[str]
    device: Mapped[str | None]
    """SHA-256 of the device's cookie, where it was one that this login is known on."""
    at: Mapped[datetime]

    __table_args__ = (
        Index("ix_sign_in_failures_login", "login", "at"),
        Index("ix_sign_in_failures_address", "address", "at"),
    )


class KnownDevice(Base):
    """A browser that a person signed in from with a password. Only the SHA-256 of its cookie is kept."""

    __tablename__ = "known_devices"

    sha256: Mapped[Secret] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    seen_at: Mapped[datetime]
    """When the person last signed in from it."""

    __table_args__ = (Index("ix_known_devices_user_id", "user_id"), Index("ix_known_devices_seen_at", "seen_at"))


class DeviceCode(Base):
    """A program that waits for somebody to confirm, at the desk, that it may act for him (RFC 8628)."""

    __tablename__ = "device_codes"

    id: Mapped[Uuid]
    device_sha256: Mapped[Secret] = mapped_column(unique=True)
    """Of the code that the program asks with."""
    user_sha256: Mapped[Secret] = mapped_column(unique=True)
    """Of the code that a person reads off it."""
    client_name: Mapped[str]
    """What the program calls itself and its machine."""
    address: Mapped[str]
    token_lifetime: Mapped[timedelta]
    """How long the token lasts from the moment it is handed out."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    polled_at: Mapped[datetime | None]
    confirmed: Mapped[bool | None]
    """What the person answered; null while nobody has."""
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    """Who answered."""

    user: Mapped[User | None] = relationship()

    __table_args__ = (
        CheckConstraint("(confirmed IS NULL) = (user_id IS NULL)", name="answered_by_somebody"),
        Index("ix_device_codes_address", "address"),
        Index("ix_device_codes_expires_at", "expires_at"),
        Index("ix_device_codes_user_id", "user_id"),
    )


class IdempotencyKey(Base):
    """The first answer to a POST that carried an `Idempotency-Key`; the same key gets it again."""

    __tablename__ = "idempotency_keys"

    caller: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request_sha256: Mapped[str]
    """Of method, path and body: the same key for something else is refused."""
    status: Mapped[int | None]
    """Null while the first request is under way."""
    headers: Mapped[JsonObject | None]
    body: Mapped[Secret | None]
    """The answer to who made a token holds it."""
    effect_at: Mapped[datetime | None]
    """When the first request had written something: committed with it."""
    created_at: Mapped[datetime]

    __table_args__ = (Index("ix_idempotency_keys_created_at", "created_at"),)
