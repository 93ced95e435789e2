import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg import sql

import starter.stack
from db import migrate
from db.roles import READ, WORK
from starter.stack import pg_files
from starter.stack.account import Account, service_account
from starter.stack.errors import StackError
from starter.stack.files import ensure_data_dir
from starter.stack.postgres import OWNER, Postgres
from tests.stack.helpers import started, wait_until

ROOT = Path(starter.stack.__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root lends PostgreSQL an account")


def dsn(postgres: Postgres, database: str = "holds", role: str = OWNER) -> str:
    return postgres.url(database, role).replace("+psycopg", "")


def test_it_is_created_with_the_wanted_encoding_locale_and_clock(server: Postgres) -> None:
    with psycopg.connect(dsn(server, role=WORK)) as connection:
        row = connection.execute(
            "SELECT current_user, pg_encoding_to_char(encoding), datlocprovider, datlocale,"
            " current_setting('timezone'), current_setting('data_checksums'), current_setting('is_superuser')"
            " FROM pg_database WHERE datname = 'holds'"
        ).fetchone()
    assert row == (WORK, "UTF8", "b", "C.UTF-8", "UTC", "on", "off")


def test_no_connection_without_the_password_neither_by_tcp_nor_by_socket(server: Postgres) -> None:
    socket = (server.data_dir / "postgres").resolve() / "socket"
    for host in ("127.0.0.1", str(socket)):
        for password in ("", "wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(host=host, port=server.port, user="postgres", dbname="postgres", password=password)
    secret = (server.data_dir / "postgres.password").read_text().strip()
    by_socket = psycopg.connect(host=str(socket), port=server.port, user="holds", dbname="holds", password=secret)
    by_socket.close()


def test_it_listens_on_the_loopback_only_and_keeps_its_files_private(server: Postgres) -> None:
    processes = [psutil.Process(identity.pid) for identity in server.processes()]
    listening = [c.laddr for p in processes for c in p.net_connections("inet") if c.status == "LISTEN"]
    assert set(listening) == {("127.0.0.1", server.port)}
    folder = (server.data_dir / "postgres").resolve()
    for path in (folder, folder / "data", folder / "socket"):
        assert path.stat().st_mode & 0o777 == 0o700
    for name in ("postgres.password", "postgres-admin.password", "postgres-work.password", "postgres-read.password"):
        assert (server.data_dir / name).stat().st_mode & 0o777 == 0o600
    assert not list(folder.glob("*.password"))


def test_no_existing_folder_is_opened_to_others(tmp_path: Path, port: int) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    data_dir = ensure_data_dir(closed / "data")
    before = {folder: folder.stat().st_mode for folder in (closed, *closed.parents)}
    postgres = Postgres(data_dir, port, durable=False)
    try:
        postgres.ensure_initialised()
        with started(postgres, tmp_path / "log"):
            assert {folder: folder.stat().st_mode for folder in before} == before
    finally:
        postgres.destroy()


def test_a_killed_server_recovers_what_was_committed(cluster: Postgres, tmp_path: Path) -> None:
    with started(cluster, tmp_path / "log") as process:
        cluster.create_database("holds")
        with psycopg.connect(dsn(cluster)) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        process.kill()
        process.wait()
    cluster.clear_leftovers()
    with started(cluster, tmp_path / "log"), psycopg.connect(dsn(cluster)) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_lock_file_that_names_a_stranger_does_not_keep_it_from_starting(cluster: Postgres, tmp_path: Path) -> None:
    with started(cluster, tmp_path / "log") as process:
        process.kill()
        process.wait()
    lock = (tmp_path / "postgres").resolve() / "data" / "postmaster.pid"
    command = cluster.command()
    sleeper = subprocess.Popen(["sleep", "60"], user=command.user, group=command.group, extra_groups=None)
    try:
        lock.write_text("\n".join([str(sleeper.pid), *lock.read_text().splitlines()[1:]]) + "\n")
        cluster.clear_leftovers()
        assert sleeper.poll() is None
        with started(cluster, tmp_path / "log"):
            assert cluster.ready()
    finally:
        sleeper.kill()
        sleeper.wait()


def test_an_interrupted_creation_is_begun_again(tmp_path: Path, port: int) -> None:
    postgres = Postgres(tmp_path, port, durable=False)
    try:
        postgres.ensure_initialised()
        folder = (tmp_path / "postgres").resolve()
        (folder / "data").rename(folder / "data.new")
        (folder / "data.new" / "PG_VERSION").unlink()
        postgres.ensure_initialised()
        with started(postgres, tmp_path / "log"):
            assert postgres.ready()
    finally:
        postgres.destroy()


def test_databases_are_created_copied_and_dropped(server: Postgres) -> None:
    server.create_database("original")
    server.create_database("original")
    with psycopg.connect(dsn(server, "original")) as connection:
        connection.execute("CREATE TABLE kept ()")
    server.create_database("copy", template="original")
    with psycopg.connect(dsn(server, "copy")) as connection:
        connection.execute("SELECT FROM kept")
    server.drop_database("copy")
    server.drop_database("copy")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(dsn(server, "copy"))


def test_a_cluster_of_the_version_before_gets_the_roles_and_keeps_its_passwords(
    cluster: Postgres, tmp_path: Path
) -> None:
    """Its one role `holds` owned everything, worked, and could create databases."""
    with started(cluster, tmp_path / "log"):
        with cluster._connect() as admin:
            password = cluster._password(OWNER)
            admin.execute(sql.SQL("CREATE ROLE holds LOGIN CREATEDB PASSWORD {}").format(password))
            admin.execute("CREATE DATABASE holds OWNER holds")
        migrate.upgrade(cluster.url("holds", OWNER))

        cluster.create_database("holds")
        migrate.upgrade(cluster.url("holds", OWNER))

        assert (tmp_path / "postgres.password").read_text().strip() == password
        passwords = {path.read_text() for path in tmp_path.glob("postgres*.password")}
        assert len(passwords) == 4
        with psycopg.connect(dsn(cluster, role=WORK)) as connection:
            owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
            assert owners.fetchall() == [("holds",)]
            connection.execute("INSERT INTO customers (id, name, netsuite_id) VALUES ('1', 'One', '1')")
            able = "SELECT rolname FROM pg_roles WHERE (rolcreatedb OR rolcreaterole OR rolsuper) AND rolcanlogin"
            assert connection.execute(able).fetchall() == [("postgres",)]
        with psycopg.connect(dsn(cluster, role=READ)) as connection:
            assert connection.execute("SELECT name FROM customers").fetchall() == [("One",)]


def test_a_cluster_of_another_version_is_refused_in_words(cluster: Postgres, tmp_path: Path) -> None:
    ((tmp_path / "postgres").resolve() / "data" / "PG_VERSION").write_text("12\n")
    with pytest.raises(StackError, match="made by PostgreSQL 12"):
        cluster.ensure_initialised()


def test_destroying_leaves_nothing(tmp_path: Path, port: int) -> None:
    postgres = Postgres(tmp_path, port, durable=False)
    postgres.ensure_initialised()
    folder = (tmp_path / "postgres").resolve()
    with started(postgres, tmp_path / "log"):
        postgres.destroy()
        wait_until(lambda: not postgres.processes())
    assert not folder.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_a_path_too_long_for_a_socket_is_no_obstacle(tmp_path: Path, port: int) -> None:
    deep = ensure_data_dir(tmp_path / ("d" * 100))
    postgres = Postgres(deep, port, durable=False)
    try:
        postgres.ensure_initialised()
        with started(postgres, tmp_path / "log"):
            assert postgres.ready()
    finally:
        postgres.destroy()


@as_root
def test_programs_that_the_account_cannot_reach_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pg_files, "SHARED", Path("/var/tmp") / f"service-holds-test-{os.getpid()}")  # noqa: S108
    monkeypatch.setattr(pg_files, "_reachable", lambda _account, package: package.is_relative_to(pg_files.SHARED))
    try:
        first = pg_files.programs(service_account())
        assert first.is_relative_to(pg_files.SHARED)
        stamp = first.stat().st_ctime_ns
        assert pg_files.programs(service_account()) == first
        assert first.stat().st_ctime_ns == stamp
        assert service_account().may("-x", first / "postgres")
        subprocess.run([first / "initdb", "--version"], check=True, capture_output=True)
    finally:
        shutil.rmtree(pg_files.SHARED)


def interpreter_for(account: Account) -> list[str] | None:
    """Return how that account can run this code, None where it can't (a Python or a clone in a private HOME)."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        become = ["setpriv", f"--reuid={account.user}", f"--regid={account.group}", "--clear-groups", "env", "-i"]
        command = [*become, f"PYTHONPATH={':'.join([str(ROOT), *packages])}", "PYTHONDONTWRITEBYTECODE=1", python]
        probe = [*command, "-c", "import starter.stack.postgres"]
        if shutil.which("setpriv") and subprocess.run(probe, check=False, capture_output=True, cwd="/").returncode == 0:
            return command
    return None


@as_root
def test_an_ordinary_user_needs_nothing_outside_his_folder(port: int) -> None:
    account = service_account()
    command = interpreter_for(account)
    if command is None:
        pytest.skip("no Python or clone that an ordinary user could reach")
    home = Path("/var/tmp") / f"service-holds-home-{os.getpid()}"  # noqa: S108
    home.mkdir(mode=0o700)
    account.own(home)
    try:
        script = Path(__file__).with_name("ordinary_user.py").read_text()
        run = subprocess.run(
            [*command, "-c", script, str(home / "data"), str(port)],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
        )
        assert run.returncode == 0, run.stderr
        assert run.stdout.split() == ["ready", "inside"]
    finally:
        shutil.rmtree(home)
