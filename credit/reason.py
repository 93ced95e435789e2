"""Why somebody does something, as it is kept in the record: one rule for pages, the API and the command line."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from credit.plain_text import plain

SAY_WHY = "say why: it is kept in the record"


def given(reason: str) -> str:
    """Return a reason without the space around it.

    Raises:
        ValueError: there is none.
    """
    if not reason.strip():
        raise ValueError(SAY_WHY)
    return reason.strip()


Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=2000),
    AfterValidator(plain),
    AfterValidator(given),
    Field(json_schema_extra={"minLength": 1}),
]
"""A reason that must be given."""
