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
from services.people import passwords, people

LOGIN = "mike"
PASSWORD_FILE = "first-password.txt"  # noqa: S105 (a file's name)


def ensure_first_admin(database_url: str, password_file: Path | None = None) -> str | None:
    """Make the first admin where there is no user yet, or a new password where nobody used the one in the file in time.

    Args:
        database_url: `postgresql+psycopg://…`.
        password_file: where the one-time password is written (mode 0600) before it counts; what it tells is removed
            where that is his password no longer.

    Returns:
        The one-time password that was made, this once; None where none was needed.
    """
    engine = create_engine(database_url, poolclass=NullPool)
    with transaction(engine) as session:
        act = Act(session, OwnActor.HOLD_UP, datetime.now(UTC))
        if users.nobody_yet(session):
            password = people.create(act, LOGIN, Role.ADMIN, name=LOGIN.title())
        elif password_file is None or (anew := _anew(act, password_file)) is None:
            return None
        else:
            password = anew
        if password_file is not None:
            write_private(password_file, password + "\n")
    return password


def _anew(act: Act, password_file: Path) -> str | None:
    """Replace the password of the file where nobody used it in time."""
    if not password_file.exists():
        return None
    user = users.by_login(act.session, LOGIN)
    if not passwords.matches(password_file.read_text().strip(), user.password_hash if user else None):
        password_file.unlink(missing_ok=True)
        return None
    return people.reset_password(act, LOGIN) if user and users.one_time_is_over(user, act.now) else None


def where_it_is(password_file: Path) -> str:
    """Say what to sign in with."""
    return (
        f"Sign in to the desk as {LOGIN} with the one-time password in {password_file}. It works once and for a day; "
        "then `hold up --detach` makes a new one."
    )


def forget_first_password(data_dir: Path, used: str) -> None:
    """Remove the file with the first admin's one-time password, where that is the password that was used."""
    file = data_dir / PASSWORD_FILE
    with suppress(FileNotFoundError):
        if file.read_text().strip() == used:
            file.unlink()
