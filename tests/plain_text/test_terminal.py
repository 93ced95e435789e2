"""Tables in a terminal of any width, and piped: whole columns go, by name; no number is ever cut."""

import io
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from starter.cli import message_pages, output, pages
from starter.cli.output import Column, Page, SafeConsole, facts, filled, print_page, print_table, table

NOW = datetime(2026, 11, 27, tzinfo=UTC)
EVIL = "evil \x1b]0;title\x07\x1b[2J [red]x[/] \u202eekim\u202c \x9b1m \r\x00"
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def held(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "customer_id": f"{1000 + number}",
        "customer_name": f"Quarter Wizard Freight & Logistics GmbH {number}",
        "status": "in_force",
        "waiting_on": "approver",
        "facts": {"total_open": "1238750.50", "days_overdue": 132 + 117 * number},
        "due_at": NOW.isoformat(),
        "proposed_at": (datetime.now(UTC) - timedelta(days=20)).isoformat(),
    } | changes


def on_screen(printed: output.Table, width: int, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """What a terminal of this width shows, without colours, and what is said on stderr."""
    said = io.StringIO()
    monkeypatch.setattr(output, "err", SafeConsole(file=said, width=500, markup=False))
    screen = SafeConsole(file=Screen(), width=width, markup=False, highlight=False, color_system=None)
    print_table(printed, to=screen)
    return screen.file.getvalue(), said.getvalue()  # type: ignore[attr-defined]  # a StringIO


@pytest.mark.parametrize("width", [200, 120, 80, 72, 60, 50, 40, 20])
def test_the_list_of_holds_is_whole_or_says_what_it_left_out(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, said = on_screen(filled(pages.COLUMNS, [held(0), held(1)]), width, monkeypatch)
    header, *lines = shown.splitlines()
    assert all(len(line.rstrip()) <= width for line in lines) or width < 32
    whole = {"Overdue": ("132 d", "249 d"), "Open": ("1,238,750.50",), "Due": ("27 Nov",), "Age": ("20 d",)}
    for name, values in whole.items():
        dropped = re.search(rf"\b{name}\b", said)
        assert bool(dropped) != bool(re.search(rf"\b{name}\b", header)), (name, header, said)
        assert dropped or all(value in shown for value in values), (name, shown)
    assert "Open" in header
    assert "Overdue" in header
    assert bool(said) == (width <= 80)


def test_piped_it_is_tab_separated_with_a_header_and_whole() -> None:
    pipe = SafeConsole(file=io.StringIO(), markup=False)
    print_table(filled(pages.COLUMNS, [held(0, customer_name="Two\tparts\nand \\ more")]), to=pipe)
    header, row, end = pipe.file.getvalue().split("\n")  # type: ignore[attr-defined]
    assert header.split("\t") == ["Customer", "Name", "Status", "Waiting on", "Open", "Overdue", "Due", "Age"]
    assert row.split("\t")[:2] == ["1000", "Two\\tparts\\nand \\\\ more"]
    assert row.split("\t")[4:] == ["1,238,750.50", "132 d", "27 Nov", "20 d"]
    assert end == ""


def test_a_page_piped_has_no_frame_and_no_padding() -> None:
    pipe = SafeConsole(file=io.StringIO(), markup=False)
    head, rows = facts(), table("A", Column("B", number=True))
    head.add("Why", "a reason that is long " * 20)
    rows.add("x", "1")
    print_page(Page(Text(" A title "), [head, Text("! a warning"), rows]), to=pipe)
    said = pipe.file.getvalue()  # type: ignore[attr-defined]
    assert said == f"A title\n\nWhy\t{'a reason that is long ' * 20}\n! a warning\n\nA\tB\nx\t1\n"


@pytest.mark.parametrize("width", [120, 60, 30])
def test_a_page_on_a_screen_loses_no_word(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "err", SafeConsole(file=io.StringIO(), width=500, markup=False))
    screen = SafeConsole(file=Screen(), width=width, markup=False, highlight=False, color_system=None)
    rows = table("When (UTC)", Column("What", wraps=14), Column("Why", wraps=14))
    rows.add("2026-11-27 10:00", "hold_proposed", "one two three four five six seven")
    print_page(Page(Text(" A title "), [rows]), to=screen)
    said = screen.file.getvalue()  # type: ignore[attr-defined]
    assert [word for row in rows.rows for cell in row for word in str(cell).split() if word not in said] == []


def message(**changes: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("approved_by", "send_after", "sent_at", "delivery_error", "claimed_by"))
    given = {"id": "1", "kind": "customer_notice", "status": "sent", "recipient": EVIL, "subject": EVIL, "body": EVIL}
    return empty | given | {"customer_name": EVIL, "format": "text", "revision": 1, "delivery_error": EVIL} | changes


@pytest.mark.parametrize("terminal", [False, True])
def test_what_is_stored_cannot_act_on_a_terminal(terminal: bool) -> None:  # noqa: FBT001
    file = Screen() if terminal else io.StringIO()
    screen = SafeConsole(file=file, width=80, markup=False, highlight=False, color_system=None)
    print_table(filled(pages.COLUMNS, [held(0, customer_name=EVIL, customer_id=EVIL, status=EVIL)]), to=screen)
    print_table(filled(message_pages.COLUMNS, [message()]), to=screen)
    print_page(message_pages.message(message()), to=screen)
    screen.print(EVIL)
    screen.print(Text.assemble(("refused: ", "red"), EVIL))
    said = file.getvalue()
    assert not ACTING.search(said.replace("\n", "")), ACTING.findall(said)
    assert "[red]x[/]" in said
    assert "\\x1b[2J" in said.replace("\\\\", "\\")
    assert "\\u202e" in said.replace("\\\\", "\\")


def test_json_is_exact_and_acts_on_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"reason": EVIL})
    said = capsys.readouterr().out
    assert not ACTING.search(said)
    assert json.loads(said) == {"reason": EVIL}


def test_nobody_writes_markup_that_no_console_reads() -> None:
    starter = Path(output.__file__).parents[1]
    marked_up = [str(file) for file in starter.rglob("*.py") if re.search(r"\[/(\w*)\]", file.read_text())]
    assert marked_up == []
