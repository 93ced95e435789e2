"""Whom the provider sends: found by issuer and subject, made at the first sign-in, given the role of his groups."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from credit.actors import OwnActor
from credit.mail_text import clean_address
from credit.permissions import Role
from credit.plain_text import kept
from db.act import Act
from db.models import User
from db.people import users
from desk.sign_in.errors import SignInRefusedError
from desk.sign_in.oidc import Claims
from runtime.settings import Settings


def role_of(claims: Claims, settings: Settings) -> Role | None:
    """Return the highest role that the claim's values map to; None where none does."""
    said = claims.get(settings.oidc_role_claim, [])
    values = said if isinstance(said, list) else [said]
    roles = [Role[settings.oidc_roles[value].upper()] for value in map(str, values) if value in settings.oidc_roles]
    return max(roles, default=None)


def _left_out(claims: Claims, claim: str) -> bool:
    """Whether the provider says that the claim is had elsewhere: OpenID Connect Core 5.6.2, Entra's groups overage."""
    elsewhere = claims.get("_claim_names")
    return claim not in claims and ((isinstance(elsewhere, dict) and claim in elsewhere) or "hasgroups" in claims)


def person(session: Session, claims: Claims, settings: Settings) -> User:
    """Return who this is, with today's role, name and address.

    Raises:
        SignInRefusedError: none of his groups gives a role, they were left out, or he is disabled here.
    """
    act = Act(session, OwnActor.PROVIDER, datetime.now(UTC))
    issuer, subject = settings.oidc_issuer, str(claims["sub"])
    role = role_of(claims, settings)
    if role is None and _left_out(claims, settings.oidc_role_claim):
        raise SignInRefusedError(
            "you are in more groups than your provider puts into a token, so it named none of them. Ask an admin to "
            "have it send only groups assigned to this application, or application roles instead (HOLD_OIDC_ROLE_CLAIM)"
        )
    if role is None:
        raise SignInRefusedError("the provider knows you, but none of your groups gives you a role here: ask an admin")
    name, email = kept(str(claims.get("name") or ""))[:200], _email(claims)
    user = users.by_subject(session, issuer, subject)
    if user is None:
        wanted = (str(claims.get("preferred_username") or ""), email or "")
        login = users.free_login(session, wanted)
        return users.create(act, login=login, role=role, name=name, email=email, subject=(issuer, subject))
    if user.disabled_at is not None:
        raise SignInRefusedError("you were disabled here: ask an admin")
    users.set_contact(act, user, name=name or None, email=email)
    users.set_role(act, user, role)
    return user


def _email(claims: Claims) -> str | None:
    """Return the address notifications go to: one the provider vouches for, and mail can be sent to."""
    if not claims.get("email") or not claims.get("email_verified", True):
        return None
    try:
        return clean_address(str(claims["email"]))
    except ValueError:
        return None  # whoever the provider sends may sign in all the same
