"""What all answers share: each is a typed model, built once by the service it comes from and printed as JSON."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer

Document = dict[str, Any]
"""An answer as JSON."""

Time = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC)), Field(examples=["2027-03-01T09:00:00Z"])]
"""ISO 8601 UTC, with `Z`."""
Amount = Annotated[
    Decimal, PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str), Field(examples=["40000.00"])
]
"""A string with two decimals."""
CustomerId = Annotated[str, Field(examples=["1012"])]
CustomerName = Annotated[str, Field(examples=["Harbour Foods Ltd"])]
Login = Annotated[str, Field(examples=["mike"])]
Currency = Annotated[str, Field(examples=["USD"])]


class Answer(BaseModel):
    """What a service answers. Answers may gain members: a client ignores what it does not know."""

    model_config = ConfigDict(use_attribute_docstrings=True, serialize_by_alias=True)

    @classmethod
    def of_row(cls, row: object, **members: Any) -> Self:
        """Return the answer about `row`: its attributes of the members' names, except for `members` that are given."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields if name not in members}, **members)

    def document(self) -> Document:
        """Return it as JSON."""
        return self.model_dump(mode="json")


def utc(at: datetime | None) -> str | None:
    """Return a time as ISO 8601 with `Z`."""
    return at.isoformat().replace("+00:00", "Z") if at else None
