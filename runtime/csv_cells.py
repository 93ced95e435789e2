"""Cells of a CSV that people open in a spreadsheet."""

import re

from credit.plain_text import shown

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes a cell's text for a formula by; some do so for the wide forms as well."""

_LATER_CELL = re.compile(rf";(?=[\s\"\\]*[{re.escape(''.join(_FORMULA))}])")


def inert(cell: object) -> object:
    """Return the cell so that it acts nowhere.

    An apostrophe stands before what a spreadsheet would take for a formula, and what a terminal would obey is written
    out. Where a semicolon parts cells, one in the text begins a cell too.
    """
    if not isinstance(cell, str):
        return cell
    text = shown(cell)
    text = _LATER_CELL.sub(";'", text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
