"""The NetSuite client of the account that the settings name."""

from sqlalchemy import Engine

from db import session_locks
from netsuite import suiteql
from netsuite.client import Credentials, NetSuiteClient
from netsuite.errors import NetSuiteAwayError, TransientError
from netsuite.suiteql import Page, Queries
from runtime.settings import Settings


def netsuite_client(settings: Settings) -> NetSuiteClient:
    """Return the client of the account that `settings` names.

    Raises:
        NetSuiteAwayError: no private key is configured.
    """
    if settings.netsuite_private_key_file is None:
        msg = "HOLD_NETSUITE_PRIVATE_KEY_FILE is not set: name the PEM file of the integration's certificate"
        raise NetSuiteAwayError(msg)
    credentials = Credentials(
        client_id=settings.netsuite_client_id,
        certificate_id=settings.netsuite_certificate_id,
        private_key_pem=settings.netsuite_private_key_file.read_text(),
        algorithm=settings.netsuite_algorithm,
    )
    return NetSuiteClient(settings.netsuite_url, credentials)


class InTurn:
    """A client whose queries count among the account's calls at once, over all processes."""

    def __init__(self, client: Queries, engine: Engine, concurrency: int) -> None:
        self._client = client
        self._engine = engine
        self._calls = session_locks.netsuite_calls(concurrency)

    def suiteql(self, query: str, *, limit: int = suiteql.PAGE_LIMIT) -> Page:
        """Ask once one of the calls is free.

        Raises:
            TransientError: none was for a minute, or as the client does.
        """
        try:
            with session_locks.in_turn(self._engine, self._calls):
                return self._client.suiteql(query, limit=limit)
        except session_locks.NoTurnError as error:
            raise TransientError("all calls of NetSuite at once are in use") from error
