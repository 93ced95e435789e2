"""What every audit entry is: a name, a detail that is stored as it is typed here, and a sentence for people."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import new_class
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer

Moment = Annotated[datetime, PlainSerializer(datetime.isoformat)]
"""Stored as `2026-11-02T09:30:00+00:00`, an offset and not a `Z` behind it."""
Money = Annotated[Decimal, PlainSerializer(lambda amount: f"{amount:.2f}")]
"""Stored with two digits behind the point."""


class Entry(BaseModel):
    """One kind of thing that happened.

    The stored detail is what is exported and hashed: names and values are a contract with outside programs. A field
    with a default is left out of it where it has that value; a field without one is always there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    action: ClassVar[str]
    """The name it is stored, searched and exported by."""
    what: ClassVar[str]
    """What happened, a sentence without its subject: all that is said where a detail cannot be read."""
    said: ClassVar[str] = ""
    """The same with what the detail adds, each by its name in braces; left out where it adds nothing."""

    @classmethod
    def of_action(cls, action: str, what: str, said: str = "") -> type[Self]:
        """Return a kind of entry that has no fields of its own."""
        members = {"action": action, "what": what, "said": said}
        return new_class(action, (cls,), exec_body=lambda body: body.update(members, __module__=cls.__module__))

    def sentence(self) -> str:
        """Return what happened, with what the detail adds."""
        return self.said.format_map(self) or self.what

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def detail(self) -> dict[str, Any]:
        """Return what is stored of it, as JSON has it."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def read(cls, detail: Mapping[str, Any]) -> Self:
        """Read a stored detail; what does not belong to it, such as what a newer version added, is left out.

        Raises:
            ValidationError: something that belongs to it is missing, or is no such thing.
        """
        any_name = cls.model_config.get("extra") == "allow"
        known = {name: value for name, value in detail.items() if any_name or name in cls.model_fields}
        return cls.model_validate(known)


class Explained(Entry):
    """What somebody or something gave a reason for."""

    why: str


class ByPerson(Explained):
    """What a person did, maybe for somebody who is away."""

    on_behalf_of: list[str] = []
