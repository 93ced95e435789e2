"""What is wrong with what was typed or sent, in the reader's words: no sentence of pydantic's reaches anybody."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from pydantic_core.core_schema import ErrorType

from credit.wording import counted, words

_FILL_IN = "fill this in"
_NUMBER = "give a number, with a point for decimals"
_WHOLE = "give a whole number"
_DAY = "give a day like 2027-03-31"
_TIME = "give a time with its zone, like 2027-03-31T09:00:00Z"
_LENGTH = "give a length of time like P14D for 14 days or PT15M for 15 minutes"

PATTERNS = {
    r"^[^\x00]*$": "it has a character that cannot be kept: type it anew",
    r"\S": _FILL_IN,
    "^[A-Z]{3}$": "give three capital letters, like USD",
    r"^[A-Za-z0-9][A-Za-z0-9._:-]*$": "use letters, digits and . _ : - only, a letter or digit first",
    r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,99}$": "use 100 letters, digits, spaces and . _ - at most, a letter or digit first",
    r"^[0-9a-f]{32}$": "this is of no file that was checked: check the file anew",
}
"""What a field's pattern asks for."""

_Say = Callable[[Any, Mapping[str, Any]], str]
_SAID: dict[str, str | _Say] = {
    "missing": _FILL_IN,
    "missing_argument": _FILL_IN,
    "extra_forbidden": "there is no such field here: leave it out, or check its spelling",
    "string_type": "give text",
    "string_unicode": "it has a character that cannot be kept: type it anew",
    "string_too_long": lambda value, limit: f"{counted(len(str(value)), 'character')}; {limit['max_length']:,} at most",
    "string_too_short": lambda _, limit: (
        _FILL_IN if limit["min_length"] == 1 else f"give {limit['min_length']} characters at least"
    ),
    "string_pattern_mismatch": lambda _, limit: PATTERNS.get(limit["pattern"], "this makes no sense here"),
    "too_long": lambda _, limit: f"give {limit['max_length']:,} at most",
    "too_short": lambda _, limit: f"give {limit['min_length']:,} at least",
    "greater_than": lambda _, limit: f"give more than {limit['gt']}",
    "greater_than_equal": lambda _, limit: f"give {limit['ge']} or more",
    "less_than": lambda _, limit: f"give less than {limit['lt']}",
    "less_than_equal": lambda _, limit: f"give {limit['le']} or less",
    "multiple_of": lambda _, limit: f"give a multiple of {limit['multiple_of']}",
    "decimal_max_digits": lambda _, limit: f"give {counted(limit['max_digits'], 'digit')} at most",
    "decimal_max_places": lambda _, limit: f"give {counted(limit['decimal_places'], 'digit')} behind the point at most",
    "decimal_whole_digits": lambda _, limit: f"give {counted(limit['whole_digits'], 'digit')} before the point at most",
    "finite_number": _NUMBER,
    "enum": lambda _, limit: _choose(limit["expected"]),
    "literal_error": lambda _, limit: _choose(limit["expected"]),
    "union_tag_invalid": lambda _, limit: _choose(limit["expected_tags"]),
    "union_tag_not_found": lambda _, limit: f"say the {words(limit['discriminator'].strip(chr(39)))}",
    "timezone_aware": _TIME,
    "list_type": "give a list",
    "dict_type": "give an object",
    "mapping_type": "give an object",
    "model_type": "give an object",
    "model_attributes_type": "give an object",
    "json_type": "give JSON",
}
"""Pydantic's type of an error -> what to do."""
_SAID_OF = {
    "bool": "give true or false",
    "int": _WHOLE,
    "float": _NUMBER,
    "decimal": _NUMBER,
    "date": _DAY,
    "datetime": _TIME,
    "timezone": _TIME,
    "time_delta": _LENGTH,
    "uuid": "this is no id: ids look like 0190a3c2-7b1e-7c4d-9f00-3a5b6c7d8e9f",
    "set": "give a list",
    "frozen_set": "give a list",
    "tuple": "give a list",
}
"""What was to be read -> what to give, whatever is wrong with it."""
_PYDANTICS = frozenset(get_args(ErrorType))
_OURS = {"value_error": "Value error, ", "assertion_error": "Assertion failed, "}
"""Rules of ours speak for themselves; pydantic puts this before them."""
_NOT_A_FIELD = re.compile(r"[^\w -]|^(body|query|path|header|cookie)$")


def what_is_wrong(error: Mapping[str, Any]) -> str:
    """Return the words for one of `errors()`: what to do about it."""
    kind = str(error["type"])
    if kind not in _PYDANTICS or kind in _OURS:
        return str(error["msg"]).removeprefix(_OURS.get(kind, ""))
    said = _SAID.get(kind)
    if said is None:
        read = next((read for read in sorted(_SAID_OF, key=len, reverse=True) if kind.startswith(f"{read}_")), "")
        said = _SAID_OF.get(read, "this makes no sense here")
    return said if isinstance(said, str) else said(error.get("input"), error.get("ctx", {}))


def all_that_is_wrong(errors: Iterable[Mapping[str, Any]]) -> str:
    """Return them in one sentence, each with its field in words: `calendar, holidays 1: …; note: …`."""
    told = (f"{name}: {what_is_wrong(one)}" if (name := name_of(one)) else what_is_wrong(one) for one in errors)
    return "; ".join(dict.fromkeys(told))


def name_of(error: Mapping[str, Any]) -> str:
    """Return the field in words: `customer id`, `lines 2, quantity`; empty for all that was sent."""
    parts: list[str] = []
    for number, part in enumerate(error["loc"]):
        if isinstance(part, int):
            parts[-1:] = [" ".join((*parts[-1:], str(part + 1)))]
        elif not _NOT_A_FIELD.search(part) or (number and part.isalpha()):
            parts.append(words(part))
    return ", ".join(parts)


def place_of(error: Mapping[str, Any]) -> str:
    """Return where it is wrong as programs know it: `body.note`."""
    return ".".join(map(str, error["loc"]))


def allowed_by(error: Mapping[str, Any]) -> list[str]:
    """Return the values that a program may send instead; none where they cannot be listed."""
    limit = error.get("ctx", {})
    return re.findall("'([^']*)'", str(limit.get("expected", limit.get("expected_tags", ""))))


def _choose(expected: str) -> str:
    return f"choose {words(expected.replace(chr(39), ''))}"
