"""How a number of things, and a stored name, are written in a sentence."""

from enum import StrEnum
from typing import Self


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return `1 invoice`, `3 invoices`, `2 disputes`; `many` where an s does not make the plural."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def words(name: str) -> str:
    """Return a stored name as words: `in_force` -> `in force`."""
    return name.replace("_", " ")


def sentence(text: str) -> str:
    """Return the words with a capital at their beginning; what follows keeps its capitals."""
    text = words(text)
    return text[:1].upper() + text[1:]


class Labelled(StrEnum):
    """Stored names, each with what people call it: its words, where nothing else stands beside it."""

    label: str

    def __new__(cls, name: str, label: str = "") -> Self:
        """Make a member of a stored name."""
        member = str.__new__(cls, name)
        member._value_, member.label = name, label or words(name)
        return member
