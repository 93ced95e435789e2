"""The filter above a list, as its page's address carries it. Nothing of it is dropped or guessed at.

Where something makes no sense, the list is not shown, the field keeps what was typed and says what to type instead.
"""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode

from credit.typed_number import typed_number
from db.errors import NotFoundError
from desk.pages.common import typed_day

T = TypeVar("T")


class Filter:
    """The fields of one list's filter; an empty field means all."""

    def __init__(self, **typed: str) -> None:
        self.typed = {name: text.strip() for name, text in typed.items()}
        self.wrong: dict[str, str] = {}
        """Field -> what to type instead."""

    @property
    def given(self) -> dict[str, str]:
        return {name: text for name, text in self.typed.items() if text}

    @property
    def status(self) -> HTTPStatus:
        return HTTPStatus.UNPROCESSABLE_ENTITY if self.wrong else HTTPStatus.OK

    def address(self, path: str, **changes: str | None) -> str:
        """Return the list's address with this filter, changed."""
        given = {name: value for name, value in (self.given | changes).items() if value}
        return f"{path}?{urlencode(given)}" if given else path

    def read(self, name: str, meaning: Callable[[str], T]) -> T | None:
        """Return what a field means; None where it is empty, or makes no sense, which is noted."""
        text = self.typed[name]
        if not text:
            return None
        try:
            return meaning(text)
        except NotFoundError as error:
            self.wrong[name] = error.said
        except ValueError as error:
            self.wrong[name] = str(error)
        return None

    def one_of(self, name: str, offered: Iterable[T]) -> T | None:
        """Return which of those offered was chosen, by the name that its address has."""
        by_name = {str(one): one for one in offered}

        def chosen(text: str) -> T:
            if text not in by_name:
                raise ValueError(f"{text!r} is none of those offered: choose one")
            return by_name[text]

        return self.read(name, chosen)

    def day(self, name: str) -> date | None:
        return self.read(name, typed_day)

    def amount(self, name: str) -> Decimal | None:
        return self.read(name, typed_number)
