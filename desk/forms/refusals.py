"""Why a form was refused, in the words of who filled it in."""

from collections.abc import Callable
from typing import Any

from fastapi.exceptions import RequestValidationError

from credit.validation import what_is_wrong
from desk.forms.sent import Refusal
from desk.plain_input import PROBLEM

_SAID: dict[str, Callable[[Any, dict[str, Any]], str]] = {
    "string_too_long": lambda value, limit: f"{len(str(value)):,} characters; {limit['max_length']:,} at most",
    "missing": lambda _, __: "fill this in",
    "enum": lambda _, __: "choose one of those offered",
    "literal_error": lambda _, __: "choose one of those offered",
}
"""Pydantic's type of an error -> what to do in a form, from the value and its limits."""
_OUR_RULES = frozenset({PROBLEM, "value_error"})


def of_fields(error: RequestValidationError) -> Refusal:
    """Return what is wrong with which field of a form, and all of it in one sentence."""
    fields = {str(one["loc"][-1]): _said(one) for one in error.errors()}
    told = "; ".join(f"{_name(field)}: {what}" for field, what in fields.items())
    return Refusal(told, fields)


def _said(error: dict[str, Any]) -> str:
    if error["type"] in _OUR_RULES:
        return what_is_wrong(error)
    say = _SAID.get(error["type"])
    return say(error.get("input"), error.get("ctx", {})) if say else "this makes no sense here: load the page again"


def _name(field: str) -> str:
    return field.replace("_", " ")
