"""That whoever changes something says why."""

from credit import reason
from db.errors import BadInputError


def needs_reason(text: str) -> str:
    """Return the reason without the space around it.

    Raises:
        BadInputError: there is none.
    """
    try:
        return reason.given(text)
    except ValueError as error:
        raise BadInputError(str(error)) from error
