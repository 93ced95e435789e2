"""Cells of a CSV that people open in a spreadsheet."""

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""What a spreadsheet takes a cell's text for a formula by; some do so for the wide forms as well."""


def inert(cell: object) -> object:
    """Return the cell so that no spreadsheet runs it: an apostrophe stands before what looks like a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(_FORMULA) else cell
