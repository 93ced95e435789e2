"""Why a form was refused, in the words of who filled it in."""

from typing import Any

from fastapi.exceptions import RequestValidationError

from credit.validation import all_that_is_wrong, what_is_wrong
from desk.forms.sent import CARRIED, Refusal
from desk.plain_input import PROBLEM


def of_fields(error: RequestValidationError) -> Refusal:
    """Return what is wrong with which field of a form, and all of it in one sentence."""
    told = [_said(one) for one in error.errors()]
    return Refusal(all_that_is_wrong(told), {str(one["loc"][-1]): what_is_wrong(one) for one in told if one["loc"]})


def _said(error: dict[str, Any]) -> dict[str, Any]:
    """Return the error, in other words for a field that nobody types."""
    if error["loc"][-1] not in CARRIED or error["type"] == PROBLEM:
        return error
    return {"type": "carried", "loc": (), "msg": "the page does not fit any more: load it again"}
