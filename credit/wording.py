"""How a number of things, and a stored name, are written in a sentence."""

from datetime import timedelta
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


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span(length: timedelta) -> str:
    """Return a length of time in its largest unit that is not zero, rounded down: `3 d`, `5 h`, `12 min`, `40 s`."""
    return " ".join(long_span(length).split()[:2])


def long_span(length: timedelta) -> str:
    """Return a length of time with every unit that is not zero: `1 d 2 h`, `9 min 40 s`, `0 s`."""
    seconds, parts = max(int(length.total_seconds()), 0), []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts) or "0 s"


class Labelled(StrEnum):
    """Stored names, each with what people call it: its words, where nothing else stands beside it."""

    label: str

    def __new__(cls, name: str, label: str = "") -> Self:
        """Make a member of a stored name."""
        member = str.__new__(cls, name)
        member._value_, member.label = name, label or words(name)
        return member
