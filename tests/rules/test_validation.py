"""What is wrong with what was sent is said in our words, whatever it is."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from credit.states import HoldStatus
from credit.validation import PATTERNS, all_that_is_wrong, allowed_by, what_is_wrong
from tests.desk.server import first_app


class Line(BaseModel):
    unit_price: Decimal


class Sent(BaseModel):
    model_config = {"extra": "forbid"}
    hold_status: HoldStatus = HoldStatus.PROPOSED
    order_lines: list[Line] = []
    due_date: date | None = None
    wait_for: Annotated[timedelta, Field(le=timedelta(days=2))] = timedelta(0)
    hold_id: UUID | None = None
    short: Annotated[str, Field(max_length=3)] = ""
    what: Literal["in_force", "released"] = "released"


def errors_of(**sent: Any) -> list[Any]:
    with pytest.raises(ValidationError) as found:
        TypeAdapter(Sent).validate_python(sent)
    return found.value.errors()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (
            {"hold_status": "gone"},
            "hold status: choose proposed, applying, in force, releasing, released, declined, expired or withdrawn",
        ),
        ({"order_lines": [{"unit_price": 1}, {}]}, "order lines 2, unit price: fill this in"),
        ({"due_date": "soon"}, "due date: give a day like 2027-03-31"),
        ({"wait_for": "P3D"}, "wait for: give 2 days or less"),
        ({"hold_id": "banana"}, "hold id: this is no id: ids look like 0190a3c2-7b1e-7c4d-9f00-3a5b6c7d8e9f"),
        ({"short": "four"}, "short: 4 characters; 3 at most"),
        ({"odd_one": 1}, "odd one: there is no such field here: leave it out, or check its spelling"),
        ({"what": "x", "short": 3}, "short: give text; what: choose in force or released"),
    ],
)
def test_it_is_said_in_words_and_all_of_it(sent: dict[str, Any], said: str) -> None:
    assert all_that_is_wrong(errors_of(**sent)) == said


def test_programs_are_told_the_values_as_they_are_sent() -> None:
    [error] = errors_of(what="x")
    assert allowed_by(error) == ["in_force", "released"]


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_no_sentence_of_pydantic_s_reaches_anybody(kind: str) -> None:
    limits = dict.fromkeys(("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "max_digits"), 2)
    limits |= dict.fromkeys(("decimal_places", "whole_digits"), 2)
    words = dict.fromkeys(("pattern", "expected", "expected_tags", "discriminator"), "'in_force'")
    said = what_is_wrong({"type": kind, "msg": "ours", "input": "x", "ctx": limits | words})
    assert said == "ours" if kind in {"value_error", "assertion_error"} else "in_force" not in said
    assert not re.search("[Ii]nput|should|pattern", said)


def test_every_pattern_of_the_api_has_words() -> None:
    def patterns(document: Any) -> set[str]:
        if isinstance(document, dict):
            own = {document["pattern"]} if isinstance(document.get("pattern"), str) else set()
            return own.union(*map(patterns, document.values()))
        return set().union(*map(patterns, document)) if isinstance(document, list) else set()

    found = patterns(first_app().openapi())
    assert len(found) > 3
    assert found - PATTERNS.keys() == set()
