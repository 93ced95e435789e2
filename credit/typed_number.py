"""A number as a person types it. What could mean two things is refused: nobody guesses what a comma was for."""

import re
from decimal import Decimal

_NUMBER = re.compile(r"-?([0-9]{1,30}|[0-9]{1,3}(,[0-9]{3}){1,9})(\.[0-9]{1,30})?")
"""`Decimal` reads more: digits of other scripts, `1_000`, `1E2`, `NaN`."""


def typed_number(text: str) -> Decimal:
    """Return `1234.5`, or `1,234.5` with a comma for every three digits, as a number.

    Raises:
        ValueError: it is neither; the text says what to type.
    """
    typed = text.strip()
    if not _NUMBER.fullmatch(typed):
        raise ValueError("give a number, with a point for decimals: 1250.50 or 1,250.50")
    return Decimal(typed.replace(",", ""))
