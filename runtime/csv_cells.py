"""Cells of a CSV that people open in a spreadsheet."""

from credit.plain_text import shown

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes a cell's text for a formula by; some do so for the wide forms as well."""


def inert(cell: object) -> object:
    """Return the cell so that it acts nowhere.

    An apostrophe stands before what a spreadsheet would take for a formula, and what a terminal would obey is written
    out.
    """
    if not isinstance(cell, str):
        return cell
    text = shown(cell)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
