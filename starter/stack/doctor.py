"""Look at every service the system depends on: is it there, which version, what is wrong, and how is it mended."""

import asyncio
import json
import shutil
import smtplib
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from db import migrate, roles
from netsuite.client import Credentials, NetSuiteClient
from netsuite.errors import AuthenticationRefused, NetSuiteError
from runtime.settings import Settings
from runtime.temporal import SearchAttributeError, check_search_attributes, connect
from services.netsuite import certificate
from starter.stack import temporal_cli
from starter.stack.errors import CommandMissingError, StackError

_LIMIT = 5.0  # seconds, for each service
_DISK_NEEDED = 1024**3  # bytes

_START = "Start the stack with `hold up --detach`, or name the service that is meant: "


@dataclass(frozen=True)
class Check:
    """What was found out about one service. `problem` and `remedy` are for a person, None where all is well.

    A problem of one that is `ok` stops nothing.
    """

    name: str
    ok: bool
    version: str | None = None
    problem: str | None = None
    remedy: str | None = None


class _Unwell(Exception):  # noqa: N818 (what was found, not a failure of the check)
    """What is wrong with a service, and how it is mended."""

    def __init__(self, problem: object, remedy: str, version: str | None = None, *, works: bool = False) -> None:
        super().__init__(str(problem))
        self.remedy, self.version, self.works = remedy, version, works


def diagnose(settings: Settings) -> list[Check]:
    """Look at each service these settings name; takes some seconds for each that does not answer. Never raises."""
    looks: list[tuple[str, Callable[[Settings], str]]] = [
        ("postgres", _postgres),
        ("database-roles", _database_roles),
        ("temporal-cli", _temporal_cli),
        ("temporal", _temporal),
        ("search-attributes", _search_attributes),
        ("netsuite", _netsuite),
        ("netsuite-certificate", _certificate),
        ("smtp", _smtp),
        ("worker", _worker),
        ("disk", _disk),
        ("eligibility", _eligibility),
    ]
    return [_guarded(name, look, settings) for name, look in looks]


def _guarded(name: str, look: Callable[[Settings], str], settings: Settings) -> Check:
    try:
        return Check(name, ok=True, version=look(settings))
    except _Unwell as unwell:
        return Check(name, ok=unwell.works, version=unwell.version, problem=str(unwell), remedy=unwell.remedy)
    except Exception as error:  # noqa: BLE001 - a diagnosis that breaks off helps nobody
        return Check(name, ok=False, problem=f"The check itself failed: {error!r}", remedy="Report this as a fault.")


def _eligibility(settings: Settings) -> str:
    """Tell what customers are answered while the database is away: a choice, and nothing wrong either way."""
    answer = f"while the database is away: {settings.eligibility_when_down}"
    return f"{answer} (HOLD_ELIGIBILITY_WHEN_DOWN)"


def _postgres(settings: Settings) -> str:
    url = settings.database_url.get_secret_value()
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": int(_LIMIT)})
    try:
        with engine.connect() as connection:
            version = str(connection.execute(text("SHOW server_version")).scalar_one())
        revision, head = migrate.current(url), migrate.head()
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        remedy = f"{_START}HOLD_DATABASE_URL."
        if isinstance(getattr(error, "orig", None), InsufficientPrivilege):
            remedy = "Run `python -m db.migrate` as the tables' owner (HOLD_DATABASE_OWNER_URL): it lets others work."
        raise _Unwell(cause, remedy) from error
    if revision != head:
        problem = f"The schema is at {revision or 'nothing yet'}; this version needs {head}."
        remedy = "`hold up` brings its own database up to date; for another one run `python -m db.migrate`."
        raise _Unwell(problem, remedy, version)
    return f"{version}, schema {revision}"


def _database_roles(settings: Settings) -> str:
    """See whether what works could also alter the record; where nobody made other roles it goes on as it did."""
    engine = create_engine(
        settings.database_url.get_secret_value(), poolclass=NullPool, connect_args={"connect_timeout": int(_LIMIT)}
    )
    try:
        with engine.connect() as connection:
            name = connection.scalar(text("SELECT current_user"))
            owner = roles.is_owner(connection)
    except SQLAlchemyError as error:
        raise _Unwell("No answer.", "Mend `postgres` first.") from error
    if owner:
        problem = f"HOLD_DATABASE_URL signs in as {name}, who owns the tables and could rewrite what was decided."
        remedy = (
            f"As the server's administrator: CREATE ROLE {roles.WORK} LOGIN PASSWORD '…'; CREATE ROLE {roles.READ} "
            f"LOGIN PASSWORD '…'; then run `python -m db.migrate` with HOLD_DATABASE_OWNER_URL naming {name}, which "
            f"lets them work and read, and name {roles.WORK} in HOLD_DATABASE_URL."
        )
        raise _Unwell(problem, remedy, works=True)
    return f"works as {name}, who owns nothing"


def _temporal_cli(_settings: Settings) -> str:
    try:
        program = temporal_cli.find()
    except CommandMissingError as error:
        raise _Unwell(error, "Mend TEMPORAL_CLI, or unset it.") from error
    if program is None:
        remedy = "`python -m starter.stack.temporal_cli` gets it (some minutes, once), and so does `hold up`."
        raise _Unwell("There is no Temporal CLI on PATH or in the cache.", remedy)
    run = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=_LIMIT)
    return f"{run.stdout.strip().removeprefix('temporal version ')} ({program})"


def _temporal(settings: Settings) -> str:
    """Ask with the CLI, which honours Temporal's own variables; without one, see only whether the port answers."""
    remedy = f"{_START}TEMPORAL_ADDRESS (and TEMPORAL_NAMESPACE, TEMPORAL_TLS_… and TEMPORAL_API_KEY)."
    config = ClientConfig.load_client_connect_config()  # as the worker does: Temporal's own variables come first
    address = config.get("target_host") or settings.temporal_address
    try:
        program = temporal_cli.find()
    except CommandMissingError:
        program = None
    try:
        if program is None:
            _connect(address)
            return "unknown: there is no Temporal CLI to ask with"
        version = json.loads(_ask(program, address, "operator", "cluster", "system"))["serverVersion"]
        namespace = config.get("namespace") or settings.temporal_namespace
        _ask(program, address, "operator", "namespace", "describe", "--namespace", namespace)
    except StackError as error:
        raise _Unwell(error, remedy) from error
    return str(version)


def _search_attributes(settings: Settings) -> str:
    """See what a worker sees at its start, and add nothing."""

    async def look() -> None:
        await check_search_attributes(await connect(settings))

    try:
        asyncio.run(asyncio.wait_for(look(), _LIMIT))
    except SearchAttributeError as error:
        problem, _, remedy = str(error).partition("\n")
        raise _Unwell(problem, remedy or "Workers do not start before that.") from error
    except (RuntimeError, RPCError, TimeoutError) as error:
        raise _Unwell(str(error) or "No answer.", "Mend `temporal` first.") from error
    return "all are there"


def _ask(program: Path, address: str, *command: str) -> str:
    options = ["--address", address, "--output", "json"]
    try:
        run = subprocess.run([program, *command, *options], check=False, capture_output=True, text=True, timeout=_LIMIT)
    except subprocess.TimeoutExpired:
        raise StackError(f"{address} did not answer within {_LIMIT:g} s.") from None
    if run.returncode != 0:
        said = (run.stderr.strip().splitlines() or ["no answer"])[-1]
        raise StackError(f"{address}: {said.partition('msg=')[2] or said}")
    return run.stdout


def _connect(address: str) -> None:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_LIMIT).close()
    except (OSError, ValueError) as error:
        raise StackError(f"{address}: {error}") from error


def _netsuite(settings: Settings) -> str:
    key = settings.netsuite_private_key_file
    if key is None:
        needed = "HOLD_NETSUITE_URL, HOLD_NETSUITE_CLIENT_ID, HOLD_NETSUITE_CERTIFICATE_ID and "
        raise _Unwell("No private key is named to sign in with.", f"{_START}{needed}HOLD_NETSUITE_PRIVATE_KEY_FILE.")
    try:
        credentials = Credentials(
            client_id=settings.netsuite_client_id,
            certificate_id=settings.netsuite_certificate_id,
            private_key_pem=key.read_text(),
            algorithm=settings.netsuite_algorithm,
        )
        with NetSuiteClient(settings.netsuite_url, credentials, timeout=httpx.Timeout(_LIMIT)) as client:
            client.probe()
    except (OSError, ValueError) as error:
        raise _Unwell(error, "Mend HOLD_NETSUITE_PRIVATE_KEY_FILE.") from error
    except AuthenticationRefused as error:
        remedy = "Compare client id, certificate id, key and algorithm with the integration record in NetSuite."
        raise _Unwell(error, remedy) from error
    except NetSuiteError as error:
        raise _Unwell(error, f"{_START}HOLD_NETSUITE_URL.") from error
    return f"signed in at {settings.netsuite_url}"


def _certificate(settings: Settings) -> str:
    expires = settings.netsuite_certificate_expires
    problem = certificate.warning(expires, datetime.now(UTC))
    if problem is not None:
        remedy = (
            "Upload a new certificate in NetSuite (OAuth 2.0 client credentials), then set the HOLD_NETSUITE_… lines."
        )
        raise _Unwell(problem, remedy, f"ends {expires}")
    return f"ends {expires}" if expires else "unknown: HOLD_NETSUITE_CERTIFICATE_EXPIRES"


def _smtp(settings: Settings) -> str:
    server = smtplib.SMTP(timeout=_LIMIT)
    try:
        code, banner = server.connect(settings.smtp_host, settings.smtp_port)
    except (OSError, smtplib.SMTPException) as error:
        problem = f"{settings.smtp_host}:{settings.smtp_port}: {error}"
        raise _Unwell(problem, f"{_START}HOLD_SMTP_HOST and HOLD_SMTP_PORT.") from error
    finally:
        server.close()
    said = banner.decode(errors="replace")
    if code != 220:  # noqa: PLR2004 - "service ready"
        raise _Unwell(f"It greets with {code} {said}", "Ask whoever runs the mail server.")
    return said


def _worker(settings: Settings) -> str:
    url = f"http://{settings.worker_health_host}:{settings.worker_health_port}/readyz"
    try:
        answer = httpx.get(url, timeout=_LIMIT, trust_env=False)
    except httpx.HTTPError as error:
        remedy = "Start the stack with `hold up --detach`, or a worker of its own with `python -m worker`."
        raise _Unwell(f"{url}: {error}", remedy) from error
    if not answer.is_success:
        problem = f"It runs but is not ready: {answer.text[:500].strip()}"
        raise _Unwell(problem, "Mend what else is wrong here; then read its log.")
    return f"ready (HTTP {answer.status_code})"


def _disk(settings: Settings) -> str:
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    amount = f"{free / 1024**3:.1f} GiB free in {folder}"
    if free < _DISK_NEEDED:
        raise _Unwell(f"Only {amount}.", "Make room: at least 1 GiB.", amount)
    return amount
