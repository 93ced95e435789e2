"""What every command starts from: settings, the database, the policy, and who is asking."""

import weakref
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr
from sqlalchemy import Engine

from credit.permissions import Permission
from credit.policy import Policy
from db import policies
from db.engine import make_engine, transaction
from db.errors import RefusedError
from db.people import absences, tokens
from db.people.tokens import Caller
from runtime.settings import Settings
from services.people.operator_token import TOKEN_FILE
from starter.cli.desk_client import DeskClient
from starter.cli.direct import Direct

if TYPE_CHECKING:  # Temporal's library takes a quarter of a second to load: only where it is used
    from services.freight.profiles import Profiles
    from services.holds.operations import Operations
    from services.messages.operations import MessageOperations


class NoTokenError(RefusedError):
    """There is no token to act under."""

    code = "no_token"


class Context:
    """One command's surroundings, made as far as they are needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def engine(self) -> Engine:
        """The database; opened at first use."""
        engine = make_engine(self.settings.database_url.get_secret_value(), pool_size=4)
        weakref.finalize(self, engine.dispose)  # a command has no end of its own to close it at
        return engine

    @cached_property
    def caller(self) -> Caller:
        """Who is asking: the owner of `HOLD_TOKEN`, or of the embedded stack's token file.

        Raises:
            NoTokenError: no token is at hand.
            UnknownTokenError: the database does not know it.
        """
        with transaction(self.engine) as session:
            session.connection()  # where nothing runs, say that, not that the token is missing
            known = tokens.caller(session, self._token().get_secret_value())
            return absences.standing_in(session, known, datetime.now(UTC))

    def _token(self) -> SecretStr:
        if self.settings.token is not None:
            return self.settings.token
        file = self.settings.data_dir / TOKEN_FILE
        try:
            return SecretStr(file.read_text().strip())
        except OSError as error:
            msg = f"no token: set HOLD_TOKEN, or name a running stack's data folder ({file}: {error.strerror})"
            raise NoTokenError(msg) from error

    @property
    def actor(self) -> str:
        """The name that is written down."""
        return self.caller.name

    def require(self, permission: Permission) -> None:
        """Refuse a caller whose role does not reach.

        Raises:
            NotAllowedError: it does not.
        """
        self.caller.require(permission)

    def policy(self) -> Policy:
        """Return the policy in force."""
        with transaction(self.engine) as session:
            return policies.current(session)[1]

    @cached_property
    def desk(self) -> DeskClient | Direct:
        """The one authority: the desk where one is configured, the database and Temporal otherwise.

        Raises:
            NoTokenError: no token is at hand.
        """
        if self.settings.desk_url:
            return DeskClient(self.settings.desk_url, self._token().get_secret_value())
        return Direct(self.engine, self.caller, self.operations, self.message_operations, self.profiles)

    async def operations(self) -> "Operations":
        """Connect to Temporal.

        Raises:
            RuntimeError: it cannot be reached.
        """
        from runtime.temporal import connect  # noqa: PLC0415
        from services.holds.operations import Operations  # noqa: PLC0415

        return Operations(self.engine, await connect(self.settings), self.settings.task_queue)

    async def message_operations(self) -> "MessageOperations":
        """Connect to Temporal.

        Raises:
            RuntimeError: it cannot be reached.
        """
        from runtime.temporal import connect  # noqa: PLC0415
        from services.messages.operations import MessageOperations  # noqa: PLC0415

        return MessageOperations(self.engine, await connect(self.settings))

    async def profiles(self) -> "Profiles":
        """Return accounting profiles; Temporal is only asked where a service hold's release is."""
        from runtime.temporal import connect  # noqa: PLC0415
        from services.freight.credit_hold import CreditHoldOperations  # noqa: PLC0415
        from services.freight.profiles import Profiles  # noqa: PLC0415
        from services.holds.outcomes import OutcomeOperations  # noqa: PLC0415

        client = await connect(self.settings, lazy=True)
        outcomes = OutcomeOperations(self.engine, client, self.settings.task_queue)
        return Profiles(self.engine, CreditHoldOperations(self.engine, outcomes))


_data_dir: list[str] = []


def use_data_dir(path: str | None) -> None:
    """Remember the data folder named by `--data-dir`, for the commands that follow."""
    _data_dir[:] = [path] if path else []


def open_context() -> Context:
    """Return the context of this command."""
    return Context(Settings(data_dir=Path(_data_dir[0])) if _data_dir else Settings())
