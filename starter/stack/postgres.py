"""A real PostgreSQL on 127.0.0.1, private to its owner: password authentication everywhere, even on its own socket."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from db.roles import READ, WORK
from runtime.files import secret
from starter.stack.account import Account, service_account
from starter.stack.errors import StackError
from starter.stack.launch import Launch
from starter.stack.pg_files import cluster_folder, programs
from starter.stack.processes import Identity, descendants, end

OWNER = "holds"
"""The role that owns the databases, and only migrates them. Neither it nor those that work and read are superusers."""

_SUPERUSER = "postgres"
_PASSWORDS = {
    _SUPERUSER: "postgres-admin.password",
    OWNER: "postgres.password",
    WORK: "postgres-work.password",
    READ: "postgres-read.password",
}
"""Role -> the file of the data folder that holds its password."""
_SOCKET_PATH_LIMIT = 107
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "password_encryption": "scram-sha-256",
}


class Postgres:
    """One PostgreSQL cluster in the data folder.

    Args:
        data_dir: An existing folder. It keeps a password for each role (`_PASSWORDS`; files of mode 0600), and
            `postgres`: the cluster's folder or a link to it (see `pg_files`).
        port: The TCP port on 127.0.0.1.
        durable: False switches `fsync` off, and lets a password cost little: only for tests, a power cut may then lose
            the cluster (a crash does not).
    """

    def __init__(self, data_dir: Path, port: int, *, durable: bool = True) -> None:
        self.data_dir = data_dir
        self.port = port
        self.durable = durable

    @cached_property
    def _account(self) -> Account:
        return service_account()

    @cached_property
    def _programs(self) -> Path:
        return programs(self._account)

    @cached_property
    def _cluster(self) -> Path:
        return cluster_folder(self._account, self.data_dir)

    def ensure_initialised(self) -> None:
        """Create the cluster where there is none: UTF-8, PostgreSQL's built-in C.UTF-8 locale, checksums, UTC.

        Raises:
            StackError: it can't be created, or it was made by another major version of PostgreSQL.
        """
        data = self._cluster / "data"
        if not data.exists():
            self._initialise(data)
        made_by = (data / "PG_VERSION").read_text().strip()
        run_by = self._run("postgres", "--version").split()[-1].partition(".")[0]
        if made_by != run_by:
            raise StackError(
                f"The database in {self._cluster} was made by PostgreSQL {made_by} and can't be read by {run_by}. "
                f"Dump it with the programs of {made_by} and load the dump into a new data folder."
            )

    def _initialise(self, data: Path) -> None:
        half_made = data.with_name("data.new")  # a name of its own, so that an interrupted initdb is begun again
        shutil.rmtree(half_made, ignore_errors=True)
        password = self._cluster / "initial.password"
        password.unlink(missing_ok=True)
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(self._password(_SUPERUSER))
        self._account.own(password)
        try:
            self._run(
                "initdb",
                f"--pgdata={half_made}",
                f"--username={_SUPERUSER}",
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--no-instructions",
                *([] if self.durable else ["--no-sync"]),
            )
        finally:
            password.unlink(missing_ok=True)
        half_made.rename(data)

    def _run(self, program: str, *arguments: str) -> str:
        launch = self._launch(program, *arguments)
        run = subprocess.run(
            launch.argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **launch.arguments()
        )
        if run.returncode != 0:
            raise StackError(f"PostgreSQL's {program} failed:\n{run.stdout.strip()}")
        return run.stdout

    def _launch(self, program: str, *arguments: str) -> Launch:
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}  # and none of the caller's PG… variables
        return Launch(
            argv=(str(self._programs / program), *arguments),
            env=environment,
            cwd=self._cluster,
            user=self._account.user,
            group=self._account.group,
        )

    def command(self) -> Launch:
        """Return how the server is started. SIGINT stops it in good order, SIGTERM waits for its clients first.

        Raises:
            StackError: the cluster's folder can't be reached any more.
        """
        sockets = self._cluster / "socket"
        if not sockets.exists():
            sockets.mkdir(mode=0o700)
            self._account.own(sockets)
        quoted = str(sockets).replace('"', '""')
        fits = len(os.fsencode(sockets)) + len("/.s.PGSQL.65535") <= _SOCKET_PATH_LIMIT
        settings = {
            **_SETTINGS,
            "port": str(self.port),
            "unix_socket_directories": f'"{quoted}"' if fits else "",  # too long for a socket: TCP alone
        }
        if not self.durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "scram_iterations": "1"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        launch = self._launch("postgres", "-D", str(self._cluster / "data"), *options)
        return replace(launch, cwd=self._cluster / "data")

    def processes(self) -> list[Identity]:
        """Return every living process of this cluster's server, back ends included, as far as this user may look."""
        if not (self.data_dir / "postgres").exists():
            return []
        data = str((self.data_dir / "postgres").resolve() / "data")
        found = []
        for process in psutil.process_iter():
            try:
                if process.name() != "postgres":
                    continue
                try:
                    ours = process.cwd() == data
                except psutil.AccessDenied:  # another account's: its command line is open to all
                    ours = data in process.cmdline()
            except psutil.Error:
                continue
            if ours and (identity := Identity.of(process.pid)) is not None:
                found.append(identity)
        return found

    def clear_leftovers(self) -> None:
        """End what is left of an earlier server on this cluster; drop its lock file if the pid is a stranger's now."""
        remaining = self.processes()
        for process in remaining:
            if not any(process in descendants(other) for other in remaining):  # the server itself, or an orphan
                end(process, gentle=signal.SIGINT, within=15.0)
        lock = (self.data_dir / "postgres").resolve() / "data" / "postmaster.pid"
        with suppress(FileNotFoundError, ValueError, IndexError):
            pid = int(lock.read_text().splitlines()[0])
            if Identity.of(pid) is not None:
                lock.unlink()  # the server would take the stranger for its own predecessor and refuse to start

    def url(self, database: str, role: str = WORK) -> str:
        """Return the SQLAlchemy URL (psycopg 3) of a database for a role, its password included."""
        return f"postgresql+psycopg://{role}:{self._password(role)}@127.0.0.1:{self.port}/{database}"

    def _password(self, role: str) -> str:
        return secret(self.data_dir / _PASSWORDS[role])

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=_SUPERUSER,
            password=self._password(_SUPERUSER),
            dbname="postgres",
            connect_timeout=10,
            autocommit=True,
        )

    def ready(self) -> bool:
        try:
            with self._connect() as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create the database where it is missing, owned by the role `holds`; a new one can be the copy of another.

        The roles are made with it. What they may do in it, its migration says (`db.roles`).

        Raises:
            psycopg.Error: the server can't be reached, or the template is in use.
        """
        with self._connect() as connection:
            self._ensure_roles(connection)
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
                query = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
                if template is not None:
                    query += sql.SQL(" TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(template))
                connection.execute(query)

    def _ensure_roles(self, connection: psycopg.Connection) -> None:
        known: dict[str, bool] = dict(connection.execute("SELECT rolname, rolcreatedb FROM pg_roles").fetchall())
        if known.get(OWNER):  # made by a version that gave it more than it needs
            connection.execute(sql.SQL("ALTER ROLE {} NOCREATEDB").format(sql.Identifier(OWNER)))
        for role in _PASSWORDS.keys() - known.keys():
            password = self._password(role).encode()
            hashed = connection.pgconn.encrypt_password(password, role.encode(), b"scram-sha-256").decode()
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):  # another was quicker
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed))
                )

    def drop_database(self, name: str) -> None:
        """Drop the database with its connections; do nothing where there is none."""
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def destroy(self) -> None:
        """Stop what runs on the cluster and delete it for good, wherever it lies, with its passwords."""
        link = self.data_dir / "postgres"
        if link.exists():
            self.clear_leftovers()
            shutil.rmtree(link.resolve())
        if link.is_symlink():
            link.unlink()
        for name in _PASSWORDS.values():
            (self.data_dir / name).unlink(missing_ok=True)
        self.__dict__.pop("_cluster", None)
