"""SuiteQL over REST: one page of rows, the walk through all of them, and how to read what comes back.

``POST /services/rest/query/v1/suiteql?limit=1000`` with ``Prefer: transient`` (Oracle's help, section_158394344595).
A page has 1,000 rows at most and a query 100,000, so a walk never uses ``offset``: it asks for the rows behind the last
key it saw. Every value arrives as a string, and a null not at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from netsuite.errors import UnexpectedAnswer
from netsuite.records import CreditHoldOverride

SUITEQL_PATH = "/services/rest/query/v1/suiteql"
PAGE_LIMIT = 1000
"""The most rows of one page."""

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a query's rows.

    Attributes:
        rows: column name in lower case to value; a null is left out.
        has_more: whether rows follow.
    """

    rows: list[Row]
    has_more: bool


class Queries(Protocol):
    """What can ask NetSuite: :class:`netsuite.client.NetSuiteClient`."""

    def suiteql(self, query: str, *, limit: int = PAGE_LIMIT) -> Page:
        """Ask for the first ``limit`` rows."""
        ...


def page(answer: object) -> Page:
    """The page in a parsed JSON ``answer``.

    Raises:
        UnexpectedAnswer: it is not one.
    """
    items = answer.get("items") if isinstance(answer, dict) else None
    more = answer.get("hasMore") if isinstance(answer, dict) else None
    if not isinstance(items, list) or not isinstance(more, bool) or not all(isinstance(item, dict) for item in items):
        raise UnexpectedAnswer("SuiteQL was answered with something that is not a page of rows")
    return Page([_row(item) for item in items], more)


def _row(item: dict[str, object]) -> Row:
    return {name.lower(): str(value) for name, value in item.items() if name != "links" and value is not None}


def text(value: str) -> str:
    """``value`` as a SuiteQL literal. An id may be compared as text: SuiteQL converts."""
    return "'" + value.replace("'", "''") + "'"


def one_of(column: str, values: Iterable[str]) -> str:
    """A condition: ``column`` is one of ``values``, 1,000 at most."""
    return f"{column} IN ({', '.join(text(value) for value in values)})"


def page_after(client: Queries, select: str, where: str, key: str, after: str | None) -> Page:
    """The rows of ``select`` behind ``after``, in the order of ``key``: a unique column that is selected as ``id``."""
    behind = f" AND {key} > {text(after)}" if after is not None else ""
    return client.suiteql(f"{select} WHERE {where}{behind} ORDER BY {key}")


def walk(client: Queries, select: str, where: str, key: str) -> Iterator[Row]:
    """Every row, page by page, one request at a time.

    Raises:
        UnexpectedAnswer: a page that is said not to be the last one has no rows.
        NetSuiteError: anything else that NetSuite or the network does.
    """
    after = None
    while True:
        found = page_after(client, select, where, key, after)
        yield from found.rows
        if not found.has_more:
            return
        if not found.rows:
            raise UnexpectedAnswer("SuiteQL says that rows follow, and gives none")
        after = found.rows[-1]["id"]


def hold_value(value: str | None) -> CreditHoldOverride | None:
    """The hold that a ``creditholdoverride`` column means; None where it cannot be told.

    What SuiteQL answers there is not documented: the ids of the record API are understood, and the "T" of its boolean
    form, which means OFF. Its "F" is AUTO or ON, which only the record itself tells.
    """
    given = (value or "").strip().upper().lstrip("_")
    if given == "T":
        return CreditHoldOverride.OFF
    return CreditHoldOverride(given) if given in CreditHoldOverride.__members__ else None
