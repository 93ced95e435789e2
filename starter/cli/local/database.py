"""The database and Temporal, for the commands that work without a desk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from temporalio.service import RPCError

from credit.permissions import Permission
from db import errors
from db.engine import make_engine, transaction
from db.people import absences, tokens
from db.people.tokens import Caller
from runtime.settings import Settings
from starter.cli.context import credential_of
from starter.cli.errors import RefusedError, UnreachableError


@dataclass(frozen=True)
class Database:
    settings: Settings
    engine: Engine

    def caller(self, permission: Permission) -> Caller:
        """Return who is asking, and may.

        Raises:
            RefusedError: no token is at hand.
            db.errors.RefusedError: the token is not known, or its owner may not.
        """
        with transaction(self.engine) as session:
            session.connection()  # where nothing runs, say that, not that the token is missing
            now = datetime.now(UTC)
            known = tokens.caller(session, credential_of(self.settings).token, now)
            tokens.used(session, known, now)
            caller = absences.standing_in(session, known, now)
        caller.require(permission)
        return caller


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """Open the database, and tell what goes wrong with it, or with Temporal, as every command does.

    Raises:
        RefusedError: what was asked is refused.
        UnreachableError: the database, or Temporal, cannot be reached.
    """
    engine = make_engine(settings.database_url.get_secret_value(), pool_size=4)
    try:
        yield Database(settings, engine)
    except errors.RefusedError as error:
        raise RefusedError(str(error), error.code) from error
    except OperationalError as error:
        raise UnreachableError(f"the database: {error.orig}") from error
    except RPCError as error:
        raise UnreachableError(f"Temporal: {error}") from error
    finally:
        engine.dispose()
