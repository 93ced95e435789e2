"""The local operator's token file of an embedded stack."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from credit.actors import OwnActor
from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.models import User
from db.people import tokens
from runtime.files import write_private
from services.people import first_admin

_ENOUGH = tokens.AT_MOST - timedelta(days=1)
"""A token that works for less is renewed: once a day at most."""


def ensure_operator_token(database_url: str, token_file: Path) -> None:
    """See to it that the file (mode 0600) has an admin's token that works for a year.

    It is the first admin's, or where that one is disabled, or no admin any more, another's (docs/decisions/0022).
    """
    engine = create_engine(database_url, poolclass=NullPool)
    with transaction(engine) as session:
        act, admin = Act(session, OwnActor.HOLD_UP, datetime.now(UTC)), _an_admin(session)
        row = tokens.find(session, token_file.read_text().strip()) if token_file.exists() else None
        if row is None:
            write_private(token_file, tokens.create_for_operator(act, admin).token + "\n")
        elif row.owner is not admin or row.expires_at < act.now + _ENOUGH:
            tokens.renew(act, row, admin)


def _an_admin(session: Session) -> User:
    """Return the first admin, else another one: somebody always is (`users.keep_an_admin`)."""
    admins = select(User).where(User.role == Role.ADMIN.label, User.disabled_at.is_(None))
    return session.scalars(admins.order_by(User.login != first_admin.LOGIN, User.created_at).limit(1)).one()
