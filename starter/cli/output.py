r"""What the CLI prints: data to stdout, words about it to stderr.

Everything goes through `console` and `err`, which show what people and other systems wrote and never interpret it: no
markup, and control characters as `\x1b`. What is printed to a terminal fits it; what is piped is tab-separated.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from rich.console import Console, Group, RenderableType
from rich.console import ConsoleOptions as Options
from rich.panel import Panel
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

from credit.plain_text import shown, shown_in_json
from credit.wording import counted

_GAP = 2
"""Columns of the terminal between two of a table."""
_PANEL = 4
"""Columns of the terminal that a panel's edges take."""
_WHOLE = 100_000
"""Columns where nobody looks: nothing is broken into lines."""
_TSV = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class SafeConsole(Console):
    """A console on which text cannot act: neither as markup nor as an escape sequence."""

    @property
    def fits(self) -> bool:
        """Whether somebody reads it on a screen, whose width counts."""
        return self.file.isatty()

    def print(self, *objects: Any, **how: Any) -> None:
        """Print, with the characters of text written out that a terminal would obey."""
        super().print(*(shown(one) if isinstance(one, str) else one for one in objects), **how)

    def render(self, renderable: RenderableType, options: Options | None = None) -> Iterable[Segment]:
        """Render likewise what is no string."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=shown(segment.text))


def _console(*, stderr: bool) -> SafeConsole:
    screen = (sys.stderr if stderr else sys.stdout).isatty()
    return SafeConsole(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not screen,
        width=None if screen else _WHOLE,
    )


console = _console(stderr=False)
err = _console(stderr=True)

Cell = str | Text | None


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: Its header.
        of: What stands in it: a member of the row's document, its times to the minute, or what makes it of that.
        number: Whether it is right-aligned. Never cut, like every column without `wraps`.
        wraps: The least width to which its texts may be broken into lines; None where they stay in one.
        drop: When it is left out where the terminal is too narrow: the highest first, 0 never.
    """

    name: str
    of: str | Callable[[Any], Cell] = ""
    number: bool = False
    wraps: int | None = None
    drop: int = 0

    def cell(self, document: Any) -> Cell:
        if not isinstance(self.of, str):
            return self.of(document)
        value = document[self.of]
        return minute(value) if value and self.of.endswith("_at") else "" if value is None else str(value)


@dataclass
class Table:
    columns: Sequence[Column]
    rows: list[list[Cell]] = field(default_factory=list)
    header: bool = True

    def add(self, *cells: Cell) -> None:
        """Add a row with a cell for each column."""
        self.rows.append([cell for cell, _ in zip(cells, self.columns, strict=True)])


@dataclass
class Page:
    """A title, and what stands under it: lines, and tables with an empty line before each."""

    title: Text
    parts: list[Text | Table] = field(default_factory=list)


def table(*columns: Column | str) -> Table:
    """Return an empty table. A column given by its name alone stays in one line and is never left out."""
    return Table([Column(one) if isinstance(one, str) else one for one in columns])


def filled(columns: Sequence[Column], documents: Iterable[Any]) -> Table:
    """Return a table with a row for each document."""
    return Table(columns, [[column.cell(document) for column in columns] for document in documents])


def facts() -> Table:
    """Return an empty table of names and what they are."""
    return Table([Column("name"), Column("value", wraps=20)], header=False)


def plural(count: int, one: str) -> str:
    """Return `no holds`, `1 hold`, `1,204 holds`."""
    return counted(count, one) if count else f"no {one}s"


def minute(at: str) -> str:
    """Return a time to the minute, without its zone: UTC."""
    return f"{datetime.fromisoformat(at):%Y-%m-%d %H:%M}"


def figure(amount: str | None) -> str:
    """Return an amount of money: `12,345.60`; empty where there is none."""
    return f"{Decimal(amount):,.2f}" if amount is not None else ""


def how_it_ended(row: Any) -> str:
    """Return when, by whom and why what was agreed ended before its last day; empty where it did not."""
    return f"{row['ended_at'][:10]} by {row['ended_by']}: {row['end_reason']}" if row["ended_at"] else ""


def print_table(printed: Table, *, to: SafeConsole = console) -> None:
    """Print a table: fitted to a terminal, saying what was left out; tab-separated and whole elsewhere."""
    if not to.fits:
        to.file.write(_tab_separated(printed))
        return
    made, needed, dropped = _fitted(printed, to.width)
    _as_wide(to, needed).print(made)
    _say_dropped(dropped)


def print_list(columns: Sequence[Column], documents: Sequence[Any], none: str = "") -> None:
    """Print documents as a table; where there are none, say so."""
    if documents:
        print_table(filled(columns, documents))
    elif none:
        err.print(none)


def print_page(page: Page, *, to: SafeConsole = console) -> None:
    """Print a page, likewise."""
    if not to.fits:
        to.file.write(f"{_tsv(page.title).strip()}\n")
        for part in page.parts:
            to.file.write(f"\n{_tab_separated(part)}" if isinstance(part, Table) else f"{shown(part.plain)}\n")
        return
    made: list[RenderableType] = []
    dropped: list[str] = []
    width = to.width
    for part in page.parts:
        if isinstance(part, Text):
            made.append(_safe(part))
            continue
        fitted, needed, left_out = _fitted(part, to.width - _PANEL)
        width = max(width, needed + _PANEL)
        made += [Text(), fitted] if made else [fitted]
        dropped += left_out
    panel = Panel(Group(*made), title=_safe(page.title), title_align="left", expand=False)
    _as_wide(to, width).print(panel)
    _say_dropped(dropped)


def say_unreadable(ids: list[str]) -> None:
    """Name the rows of a list that could not be shown, and took none of the others with them."""
    if ids:
        err.print(
            f"Not shown, since something of them cannot be read: {', '.join(ids)}. The log says what.", markup=False
        )


def print_json(document: Any) -> None:
    """Print one JSON document to stdout, exactly. Decimals, dates and ids become strings."""
    said = json.dumps(document, indent=2, default=str, ensure_ascii=False)
    sys.stdout.write(f"{shown_in_json(said)}\n")


def _as_wide(screen: SafeConsole, width: int) -> SafeConsole:
    """Return a console of this width: the terminal breaks what it cannot show in a line, and nothing is cut."""
    if width <= screen.width:
        return screen
    colours: Literal["auto"] | None = "auto" if screen.color_system else None
    return SafeConsole(
        file=screen.file,
        width=width,
        highlight=False,
        markup=False,
        emoji=False,
        force_terminal=screen.is_terminal,
        color_system=colours,
    )


def _say_dropped(dropped: Sequence[str]) -> None:
    if dropped:
        err.print(f"Left out, as the terminal is narrow: {', '.join(dropped)}. Piped, or with --json, it is all there.")


def _tab_separated(printed: Table) -> str:
    header: list[list[Cell]] = [[column.name for column in printed.columns]] if printed.header else []
    lines = ["\t".join(map(_tsv, row)) for row in header + printed.rows]
    return "".join(f"{line}\n" for line in lines)


def _tsv(cell: Cell) -> str:
    """Return a cell so that one row stays one line: breaks, tabs and backslashes are written out."""
    return shown(("" if cell is None else str(cell)).translate(_TSV))


def _fitted(printed: Table, width: int) -> tuple[RichTable, int, list[str]]:
    """Return a table that fits, the columns it takes, and the names of those that were left out for it.

    It takes more than `width` where even what is never left out does not fit: the terminal breaks its lines then.
    """
    rows = [[_safe(cell) for cell in row] for row in printed.rows]
    kept = list(range(len(printed.columns)))
    least = [_least(column, [row[at] for row in rows], printed.header) for at, column in enumerate(printed.columns)]
    dropped: list[int] = []
    while (needed := sum(least[at] for at in kept) + _GAP * (len(kept) - 1)) > width:
        droppable = [at for at in kept if printed.columns[at].drop]
        if not droppable:
            break
        goes = max(droppable, key=lambda at: printed.columns[at].drop)
        kept.remove(goes)
        dropped.append(goes)
    names = [printed.columns[at].name for at in sorted(dropped)]
    return _rich(printed, rows, kept, least), max(needed, width), names


def _least(column: Column, cells: Sequence[Text], header: bool) -> int:
    widest = max((cell.cell_len if column.wraps is None else _widest_line(cell) for cell in cells), default=0)
    whole = max(widest, len(column.name) if header else 0)
    return whole if column.wraps is None else min(whole, max(column.wraps, len(column.name) if header else 0))


def _widest_line(cell: Text) -> int:
    return max((line.cell_len for line in cell.split("\n")), default=0)


def _rich(printed: Table, rows: Sequence[Sequence[Text]], kept: Sequence[int], least: Sequence[int]) -> RichTable:
    made = RichTable(box=None, header_style="bold", pad_edge=False, show_header=printed.header, padding=(0, _GAP, 0, 0))
    for at in kept:
        column = printed.columns[at]
        made.add_column(
            column.name,
            justify="right" if column.number else "left",
            style="" if printed.header or at else "dim",
            no_wrap=column.wraps is None,
            overflow="fold",
            min_width=least[at],
        )
    for row in rows:
        made.add_row(*(row[at] for at in kept))
    return made


def _safe(cell: Cell) -> Text:
    """Return a cell as text whose width is what it takes on the screen."""
    if not isinstance(cell, Text):
        return Text(shown(cell or ""))
    return cell if shown(cell.plain) == cell.plain else Text(shown(cell.plain), cell.style)
