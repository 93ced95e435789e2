"""Texts and ids that we compose ourselves, within what carries them: a signal, a row, a line of the record.

What people and senders type is checked at the door and refused. What we make of it has no author to refuse: it is cut.
"""

from hashlib import sha256

LONGEST_REASON = 10_000
"""Characters of a reason in a signal (`workflows.contract`)."""
LONGEST_ID = 200
"""Characters of a signal's id there."""
_NAMED = 10
_CUT = "…"
_DIGEST = 32


def reason(text: str) -> str:
    """Return a reason that every signal takes: whole, or cut with an ellipsis."""
    return text if len(text) <= LONGEST_REASON else text[: LONGEST_REASON - len(_CUT)] + _CUT


def identity(*parts: object) -> str:
    """Return one id made of parts, the same for the same ones. Where it would be too long a digest replaces its end."""
    whole = "/".join(map(str, parts))
    if len(whole) <= LONGEST_ID:
        return whole
    return f"{whole[: LONGEST_ID - _DIGEST - 1]}#{sha256(whole.encode()).hexdigest()[:_DIGEST]}"


def some(items: list[str], what: str) -> list[str]:
    """Return the first few of many, and how many more there are: nobody reads four hundred invoices in a line."""
    more = len(items) - _NAMED
    return items if more <= 1 else [*items[:_NAMED], f"{_CUT} and {more} more {what}"]
