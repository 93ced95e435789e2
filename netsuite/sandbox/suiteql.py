"""``POST /services/rest/query/v1/suiteql``: a few of NetSuite's tables, refused where NetSuite refuses.

The rules of Oracle's help, section_158394344595 and section_156414087576: ``Prefer: transient``, a limit of 1 to 1,000,
an offset that is a multiple of it, 100,000 rows at most. Tables and columns are those of the Records Catalog, in SQLite
as views; whatever is not one of them is refused, and so is SQL that SuiteQL has not, such as ``LIMIT``.
"""

import re
import sqlite3
from datetime import date
from http import HTTPStatus
from typing import Any, NamedTuple, NoReturn

from netsuite.sandbox.problems import Refusal

SUITEQL_PATH = "/services/rest/query/v1/suiteql"
MOST_ROWS = 100_000
PAGE_LIMIT = 1000

_CUSTOMER = {
    "entityid": "companyName",
    "companyname": "companyName",
    "email": "email",
    "creditholdoverride": "creditHoldOverride",
    "creditlimit": "creditLimit",
    "currency": "currency",
    "parent": "parent",
    "salesrep": "salesRep",
    "terms": "terms",
}
_TRANSACTION = {
    "type": "type",
    "tranid": "tranId",
    "entity": "entity",
    "duedate": "dueDate",
    "trandate": "tranDate",
    "currency": "currency",
    "foreignamountunpaid": "unpaid",
    "foreignpaymentamountunused": "unused",
    "voided": "voided",
    "posting": "posting",
}
_EMPLOYEE = {"entityid": "entityId", "email": "email"}
_DATES = frozenset({"duedate", "trandate"})


def _columns(fields: dict[str, str]) -> str:
    return ", ".join(f"fields ->> '{field}' AS {column}" for column, field in fields.items())


VIEWS = f"""
CREATE TABLE IF NOT EXISTS records (
    kind TEXT, id TEXT, fields TEXT NOT NULL, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TEMP VIEW customer AS
    SELECT id, external_id AS externalid, {_columns(_CUSTOMER)}, 'F' AS isinactive FROM customers;
CREATE TEMP VIEW "transaction" AS SELECT id, {_columns(_TRANSACTION)} FROM records WHERE kind = 'transaction';
CREATE TEMP VIEW employee AS SELECT id, {_columns(_EMPLOYEE)} FROM records WHERE kind = 'employee';
CREATE TEMP VIEW currency AS
    SELECT DISTINCT fields ->> 'currency' AS id, fields ->> 'currency' AS symbol
    FROM (SELECT fields FROM records WHERE kind = 'transaction' UNION ALL SELECT fields FROM customers);
"""  # noqa: S608 (our own column names)
_TABLES = frozenset({"customer", "transaction", "employee", "currency"})

_FUNCTIONS = frozenset({"coalesce", "count", "sum", "min", "max", "upper", "lower", "to_char", "->>"})
_STRINGS = re.compile(r"'(?:[^']|'')*'")
_TABLE = re.compile(r"\b(from|join)\s+([\w.\"]+)", re.IGNORECASE)
_STRANGE = re.compile(r"\b(limit|offset|pragma|attach|glob)\b|;|\"|`|\[", re.IGNORECASE)
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE})


class Asked(NamedTuple):
    """One question: the query and the page of it that is wanted."""

    query: str
    limit: int
    offset: int


def asked(body: dict[str, Any], parameters: dict[str, str], prefer: str | None) -> Asked:
    """What a request asks for.

    Raises:
        Refusal: 400, as NetSuite words it.
    """
    if "transient" not in (prefer or "").lower():
        detail = "Required header 'Prefer' is missing or has an invalid value. Set it to 'transient'."
        raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_HEADER", detail, header="Prefer")
    stray = next((name for name in parameters if name not in {"limit", "offset"}), None)
    if stray is not None:
        _invalid(f"Invalid query parameter name '{stray}'.", stray)
    limit, offset = _whole(parameters, "limit", PAGE_LIMIT), _whole(parameters, "offset", 0)
    if not 1 <= limit <= PAGE_LIMIT:
        _invalid(f"The limit must be between 1 and {PAGE_LIMIT}.", "limit")
    if offset % limit:
        _invalid("The offset must be divisible by the limit.", "offset")
    if offset + limit > MOST_ROWS:
        _invalid(f"No more than {MOST_ROWS} results of a query can be read.", "offset")
    query = body.get("q")
    if not isinstance(query, str) or set(body) != {"q"}:
        detail = "Error while accessing a resource. The body must be an object with the query as 'q'."
        raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_CONTENT", detail, path="q")
    return Asked(query, limit, offset)


def answer(db: sqlite3.Connection, question: Asked) -> dict[str, Any]:
    """The page, as NetSuite gives it: every value a string, a null left out.

    Raises:
        Refusal: 400, the query is not one that NetSuite would run.
    """
    query = _checked(question.query)
    db.set_authorizer(_authorize)
    try:
        total = int(db.execute(f"SELECT count(*) FROM ({query})").fetchone()[0])  # noqa: S608 - it is what is served
        cursor = db.execute(f"SELECT * FROM ({query}) LIMIT ? OFFSET ?", (question.limit, question.offset))  # noqa: S608
        names = [column[0].lower() for column in cursor.description]
        rows = cursor.fetchall()
    except sqlite3.Error as error:
        _unsearchable(_reason(str(error)))
    finally:
        db.set_authorizer(None)
    items: list[dict[str, Any]] = [{"links": [], **_item(names, row)} for row in rows]
    more = question.offset + len(items) < min(total, MOST_ROWS)
    return {
        "links": [],
        "count": len(items),
        "hasMore": more,
        "items": items,
        "offset": question.offset,
        "totalResults": total,
    }


def to_char(value: str | None, form: str) -> str | None:
    """Oracle's ``TO_CHAR`` of a date, in the one form that cannot be misread."""
    if form != "YYYY-MM-DD":
        raise ValueError(f"the sandbox knows TO_CHAR with 'YYYY-MM-DD' only, not {form!r}")
    return value


def _item(names: list[str], row: tuple[Any, ...]) -> dict[str, str]:
    values = dict(zip(names, row, strict=True))
    return {name: _shown(name, value) for name, value in values.items() if value is not None}


def _shown(name: str, value: object) -> str:
    """The value as text; a bare date in the account's own form, which for most is the American one."""
    if name in _DATES:
        day = date.fromisoformat(str(value))
        return f"{day.month}/{day.day}/{day.year}"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _checked(query: str) -> str:
    """The query with the one table whose name SQLite keeps for itself quoted.

    Raises:
        Refusal: it names a table there is not, or is not plain SuiteQL.
    """
    bare = _STRINGS.sub("''", query)
    strange = _STRANGE.search(bare)
    if strange is not None or not bare.lstrip().lower().startswith("select"):
        _unsearchable(f"Search error occurred: Invalid or unsupported search near '{strange and strange.group()}'.")
    for _, name in _TABLE.findall(bare):
        if name.lower() not in _TABLES:
            _unsearchable(f"Invalid search type: {name}.")
    return re.sub(r"\b(from|join)\s+transaction\b", r'\1 "transaction"', query, flags=re.IGNORECASE)


def _authorize(action: int, table: str | None, name: str | None, _: str | None, view: str | None) -> int:
    if action not in _ALLOWED:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (name or "").lower() not in _FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and table in {"customers", "records"} and view not in _TABLES:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def _reason(error: str) -> str:
    column = error.removeprefix("no such column: ")
    if column != error:
        return f"Search error occurred: Unknown identifier '{column}'."
    return f"Search error occurred: Invalid or unsupported search ({error})."


def _unsearchable(reason: str) -> NoReturn:
    detail = f"Invalid search query. Detailed unprocessed description follows. {reason}"
    raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_PARAMETER", detail, query="q")


def _whole(parameters: dict[str, str], name: str, default: int) -> int:
    given = parameters.get(name, str(default))
    if not (given.isascii() and given.isdigit()):
        _invalid(f"The {name} must be a whole number.", name)
    return int(given[:12])


def _invalid(detail: str, parameter: str) -> NoReturn:
    raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_PARAMETER", detail, query=parameter)
