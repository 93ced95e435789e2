"""Look at every service the system depends on: is it there, which version, what is wrong, and how is it mended."""

import asyncio
import json
import shutil
import smtplib
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from db import migrate
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
    """What was found out about one service. `problem` and `remedy` are for a person, None where all is well."""

    name: str
    ok: bool
    version: str | None = None
    problem: str | None = None
    remedy: str | None = None


def diagnose(settings: Settings) -> list[Check]:
    """Look at each service these settings name; takes some seconds for each that does not answer. Never raises."""
    looks: list[tuple[str, Callable[[Settings], Check]]] = [
        ("postgres", _postgres),
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


def _guarded(name: str, look: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return look(settings)
    except Exception as error:  # noqa: BLE001 - a diagnosis that breaks off helps nobody
        return Check(name, ok=False, problem=f"The check itself failed: {error!r}", remedy="Report this as a fault.")


def _eligibility(settings: Settings) -> Check:
    """Tell what customers are answered while the database is away: a choice, and nothing wrong either way."""
    answer = f"while the database is away: {settings.eligibility_when_down}"
    return Check("eligibility", ok=True, version=f"{answer} (HOLD_ELIGIBILITY_WHEN_DOWN)")


def _postgres(settings: Settings) -> Check:
    name = "postgres"
    url = settings.database_url.get_secret_value()
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": int(_LIMIT)})
    try:
        with engine.connect() as connection:
            version = str(connection.execute(text("SHOW server_version")).scalar_one())
        revision, head = migrate.current(url), migrate.head()
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return Check(name, ok=False, problem=cause, remedy=f"{_START}HOLD_DATABASE_URL.")
    if revision != head:
        return Check(
            name,
            ok=False,
            version=version,
            problem=f"The schema is at {revision or 'nothing yet'}; this version needs {head}.",
            remedy="`hold up` brings its own database up to date; for another one run `alembic upgrade head`.",
        )
    return Check(name, ok=True, version=f"{version}, schema {revision}")


def _temporal_cli(_settings: Settings) -> Check:
    name = "temporal-cli"
    try:
        program = temporal_cli.find()
    except CommandMissingError as error:
        return Check(name, ok=False, problem=str(error), remedy="Mend TEMPORAL_CLI, or unset it.")
    if program is None:
        return Check(
            name,
            ok=False,
            problem="There is no Temporal CLI on PATH or in the cache.",
            remedy="`python -m starter.stack.temporal_cli` gets it (some minutes, once), and so does `hold up`.",
        )
    run = subprocess.run([program, "--version"], check=False, capture_output=True, text=True, timeout=_LIMIT)
    return Check(name, ok=True, version=f"{run.stdout.strip().removeprefix('temporal version ')} ({program})")


def _temporal(settings: Settings) -> Check:
    """Ask with the CLI, which honours Temporal's own variables; without one, see only whether the port answers."""
    name = "temporal"
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
            return Check(name, ok=True, version="unknown: there is no Temporal CLI to ask with")
        version = json.loads(_ask(program, address, "operator", "cluster", "system"))["serverVersion"]
        namespace = config.get("namespace") or settings.temporal_namespace
        _ask(program, address, "operator", "namespace", "describe", "--namespace", namespace)
    except StackError as error:
        return Check(name, ok=False, problem=str(error), remedy=remedy)
    return Check(name, ok=True, version=version)


def _search_attributes(settings: Settings) -> Check:
    """See what a worker sees at its start, and add nothing."""
    name = "search-attributes"

    async def look() -> None:
        await check_search_attributes(await connect(settings))

    try:
        asyncio.run(asyncio.wait_for(look(), _LIMIT))
    except SearchAttributeError as error:
        problem, _, remedy = str(error).partition("\n")
        return Check(name, ok=False, problem=problem, remedy=remedy or "Workers do not start before that.")
    except (RuntimeError, RPCError, TimeoutError) as error:
        return Check(name, ok=False, problem=str(error) or "No answer.", remedy="Mend `temporal` first.")
    return Check(name, ok=True, version="all are there")


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


def _netsuite(settings: Settings) -> Check:
    name = "netsuite"
    key = settings.netsuite_private_key_file
    if key is None:
        return Check(
            name,
            ok=False,
            problem="No private key is named to sign in with.",
            remedy=f"{_START}HOLD_NETSUITE_URL, HOLD_NETSUITE_CLIENT_ID, HOLD_NETSUITE_CERTIFICATE_ID and "
            "HOLD_NETSUITE_PRIVATE_KEY_FILE.",
        )
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
        return Check(name, ok=False, problem=str(error), remedy="Mend HOLD_NETSUITE_PRIVATE_KEY_FILE.")
    except AuthenticationRefused as error:
        remedy = "Compare client id, certificate id, key and algorithm with the integration record in NetSuite."
        return Check(name, ok=False, problem=str(error), remedy=remedy)
    except NetSuiteError as error:
        return Check(name, ok=False, problem=str(error), remedy=f"{_START}HOLD_NETSUITE_URL.")
    return Check(name, ok=True, version=f"signed in at {settings.netsuite_url}")


def _certificate(settings: Settings) -> Check:
    name = "netsuite-certificate"
    expires = settings.netsuite_certificate_expires
    problem = certificate.warning(expires, datetime.now(UTC))
    if problem is not None:
        remedy = (
            "Upload a new certificate in NetSuite (OAuth 2.0 client credentials), then set the HOLD_NETSUITE_… lines."
        )
        return Check(name, ok=False, version=f"ends {expires}", problem=problem, remedy=remedy)
    return Check(name, ok=True, version=f"ends {expires}" if expires else "unknown: HOLD_NETSUITE_CERTIFICATE_EXPIRES")


def _smtp(settings: Settings) -> Check:
    name = "smtp"
    server = smtplib.SMTP(timeout=_LIMIT)
    try:
        code, banner = server.connect(settings.smtp_host, settings.smtp_port)
    except (OSError, smtplib.SMTPException) as error:
        problem = f"{settings.smtp_host}:{settings.smtp_port}: {error}"
        return Check(name, ok=False, problem=problem, remedy=f"{_START}HOLD_SMTP_HOST and HOLD_SMTP_PORT.")
    finally:
        server.close()
    said = banner.decode(errors="replace")
    if code != 220:  # noqa: PLR2004 - "service ready"
        return Check(
            name, ok=False, problem=f"It greets with {code} {said}", remedy="Ask whoever runs the mail server."
        )
    return Check(name, ok=True, version=said)


def _worker(settings: Settings) -> Check:
    name = "worker"
    url = f"http://{settings.worker_health_host}:{settings.worker_health_port}/readyz"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_LIMIT) as answer:
            return Check(name, ok=True, version=f"ready (HTTP {answer.status})")
    except urllib.error.HTTPError as error:
        with error:
            problem = f"It runs but is not ready: {error.read(500).decode(errors='replace').strip()}"
        return Check(name, ok=False, problem=problem, remedy="Mend what else is wrong here; then read its log.")
    except OSError as error:
        remedy = "Start the stack with `hold up --detach`, or a worker of its own with `python -m worker`."
        return Check(name, ok=False, problem=f"{url}: {error}", remedy=remedy)


def _disk(settings: Settings) -> Check:
    name = "disk"
    folder = settings.data_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    amount = f"{free / 1024**3:.1f} GiB free in {folder}"
    if free < _DISK_NEEDED:
        return Check(name, ok=False, version=amount, problem=f"Only {amount}.", remedy="Make room: at least 1 GiB.")
    return Check(name, ok=True, version=amount)
