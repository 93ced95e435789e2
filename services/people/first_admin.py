"""The first person of a new database: an admin with a password made at random, to be changed at the first sign-in."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from credit.actors import OwnActor
from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.people import users
from runtime.files import write_private
from services.people import passwords

LOGIN = "mike"
PASSWORD_FILE = "first-password.txt"  # noqa: S105 (a file's name)


def ensure_first_admin(database_url: str, password_file: Path | None = None) -> str | None:
    """Make the first admin where there is no user yet.

    Args:
        database_url: `postgresql+psycopg://…`.
        password_file: where the one-time password is written (mode 0600) before the user is there for good.

    Returns:
        The one-time password, this once; None where somebody is there already.
    """
    engine = create_engine(database_url, poolclass=NullPool)
    with transaction(engine) as session:
        if not users.nobody_yet(session):
            return None
        password = passwords.one_time()
        users.create(
            Act(session, OwnActor.HOLD_UP, datetime.now(UTC)),
            login=LOGIN,
            name=LOGIN.title(),
            role=Role.ADMIN,
            password_hash=passwords.hashed(password),
        )
        if password_file is not None:
            write_private(password_file, password + "\n")
    return password


def forget_first_password(data_dir: Path, changed: str) -> None:
    """Remove the file with the first admin's one-time password, where that is the password that was changed."""
    file = data_dir / PASSWORD_FILE
    with suppress(FileNotFoundError):
        if file.read_text().strip() == changed:
            file.unlink()
