"""What pydantic found wrong with what was typed or sent, in words."""

from collections.abc import Iterable, Mapping
from typing import Any


def what_is_wrong(error: Mapping[str, Any]) -> str:
    """Return the words for one of `errors()`: a rule of ours speaks for itself, without pydantic's "Value error"."""
    return str(error["msg"]).removeprefix("Value error, ")


def all_that_is_wrong(errors: Iterable[Mapping[str, Any]]) -> str:
    """Return them in one sentence, each with its place: `policy.calendar: …; note: …`."""
    return "; ".join(f"{place_of(error)}: {what_is_wrong(error)}" for error in errors)


def place_of(error: Mapping[str, Any]) -> str:
    """Return where it is wrong, such as `body.note`."""
    return ".".join(map(str, error["loc"]))
