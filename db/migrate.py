"""Bring a database to the schema this code expects, and its roles to what they may do there: `python -m db.migrate`.

It signs in by `HOLD_DATABASE_OWNER_URL`; where that is not set, by `HOLD_DATABASE_URL`.
"""

import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from db import roles

_MIGRATIONS = Path(__file__).parent / "migrations"
_NOT_THE_OWNER = "only the owner of the tables can migrate them: name it in HOLD_DATABASE_OWNER_URL"
_LOCK = 0x686F6C64  # "hold": one upgrade at a time, whoever starts it


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = database_url
    return config


def upgrade(database_url: str) -> None:
    """Upgrade to the newest revision, if need be, and grant each role what it may do: all in one transaction.

    Safe to call from many processes.

    Raises:
        PermissionError: the URL signs in a role that does not own the tables.
    """
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        connection.commit()
        try:
            config = _config(database_url)
            config.attributes["connection"] = connection
            with connection.begin():
                if roles.is_owner(connection) is False:
                    raise PermissionError(_NOT_THE_OWNER)
                command.upgrade(config, "head")
                roles.grant(connection)
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _LOCK})
            connection.commit()


def current(database_url: str) -> str | None:
    """Return the revision the database is at; None for an empty one."""
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """Return the newest revision this code has."""
    revision = ScriptDirectory.from_config(_config("")).get_current_head()
    if revision is None:
        msg = f"no migrations found in {_MIGRATIONS}"
        raise RuntimeError(msg)
    return revision


if __name__ == "__main__":
    upgrade(os.environ.get("HOLD_DATABASE_OWNER_URL") or os.environ["HOLD_DATABASE_URL"])
