"""Who may do what in the database: the owner migrates, `holds_work` works, `holds_read` looks.

The roles are the server's: its administrator makes them (README, "The database's roles"). What they may do is the
database's, and is said here once; every migration puts it in force anew, so that no table is forgotten. A role that is
not there is left out: where nobody made `holds_work`, the owner works too, and `hold doctor` says so.
"""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, Table, func, select, text

from db.models import Base, Credit, Customer, Invoice, InvoiceDispute
from db.models.base import AppendOnly

WORK = "holds_work"
"""Who the desk, the worker and the command line sign in as: reads and adds, and changes what is not append-only."""
READ = "holds_read"
"""Who reports, metrics and people with psql sign in as: reads, and no secrets."""

ANALYZED = ", ".join(model.__tablename__ for model in (Customer, Invoice, Credit, InvoiceDispute))
"""The tables whose statistics an import renews by itself."""

_VERSION = "alembic_version"
_MAINTAIN_SINCE = 170000


def append_only() -> list[str]:
    """Return the names of the tables whose rows are never changed nor removed."""
    models = (mapper.class_ for mapper in Base.registry.mappers)
    return sorted(model.__tablename__ for model in models if issubclass(model, AppendOnly) and issubclass(model, Base))


def grant(connection: Connection) -> None:
    """Let each role that there is do what it may, and no more. Only the owner can; the schema is the newest."""
    roles = set(connection.scalars(text("SELECT rolname FROM pg_roles WHERE rolname IN (:work, :read)"), _ROLES))
    if not roles:
        return
    quoted = connection.dialect.identifier_preparer.quote
    database = quoted(connection.scalar(select(func.current_database())) or "")
    analyzes = connection.scalar(text("SELECT current_setting('server_version_num')::int")) >= _MAINTAIN_SINCE
    tables = list(Base.metadata.sorted_tables)
    connection.execute(text(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC"))
    for role in roles:
        everything = _named([*(table.name for table in tables), _VERSION])
        connection.execute(text(f"REVOKE ALL ON {everything} FROM {role}"))
        connection.execute(text(f"GRANT CONNECT ON DATABASE {database} TO {role}"))
        for what in _read(tables) if role == READ else _work(tables, database, analyzes=analyzes):
            connection.execute(text(f"GRANT {what} TO {role}"))


_ROLES = {"work": WORK, "read": READ}


def _work(tables: list[Table], database: str, *, analyzes: bool) -> Iterator[str]:
    names = {table.name for table in tables}
    yield f"TEMPORARY ON DATABASE {database}"
    yield f"SELECT ON {_VERSION}"
    yield f"SELECT, INSERT ON {_named(names)}"
    yield f"UPDATE, DELETE ON {_named(names.difference(append_only()))}"
    yield f"USAGE ON SEQUENCE {_named(_sequences(tables))}"
    if analyzes:
        yield f"MAINTAIN ON {ANALYZED}"


def _read(tables: list[Table]) -> Iterator[str]:
    yield f"SELECT ON {_VERSION}"
    for table in tables:
        open_to_all = [column.name for column in table.columns if not column.info.get("secret")]
        columns = "" if len(open_to_all) == len(table.columns) else f" ({_named(open_to_all)})"
        yield f"SELECT{columns} ON {table.name}"


def _sequences(tables: list[Table]) -> Iterator[str]:
    for table in tables:
        if table.autoincrement_column is not None:
            yield f"{table.name}_{table.autoincrement_column.name}_seq"


def _named(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def is_owner(connection: Connection) -> bool | None:
    """Return whether who is signed in could alter the tables; None where there are none."""
    owns = "SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass(:version)"
    found: bool | None = connection.scalar(text(owns), {"version": _VERSION})
    return found
