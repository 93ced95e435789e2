"""Lists are built row by row: one that cannot be read is said to be so, and takes none of the others down."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy.exc import SQLAlchemyError

Row = TypeVar("Row")
Built = TypeVar("Built")
StandIn = TypeVar("StandIn")

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Unreadable:
    """What stands in a list for a row that cannot be read."""

    name: str


def build(
    rows: Iterable[Row], one: Callable[[Row], Built], stand_in: Callable[[Row], StandIn]
) -> list[Built | StandIn]:
    """Return what `one` makes of each row, and of a row that it fails on what `stand_in` makes, which must not fail.

    Raises:
        SQLAlchemyError: the database failed, and not a row.
    """
    found: list[Built | StandIn] = []
    for row in rows:
        try:
            found.append(one(row))
        except SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 (whatever is wrong with it)
            instead = stand_in(row)
            _log.error("a row cannot be shown", row=str(instead)[:500], exc_info=error)
            found.append(instead)
    return found


def parted(found: Iterable[Built | Unreadable]) -> tuple[list[Built], list[str]]:
    """Return what could be built, and the names of the rows that could not."""
    good: list[Built] = []
    bad: list[str] = []
    for one in found:
        if isinstance(one, Unreadable):
            bad.append(one.name)
        else:
            good.append(one)
    return good, bad
