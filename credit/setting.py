"""How a value of the policy is known to people: its words, its group and what it is typed in.

All of it stands at the field. The form, the list of changes and the API's schema read it there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo


class Unit(Enum):
    """What a value is typed in, and how it stands behind the field. It is an annotation of the field's type."""

    AMOUNT = ""
    COUNT = "disputes"
    DAYS_LATE = "days overdue"
    PERCENT = "%"
    MINUTES = "minutes"
    DAYS = "days"
    CURRENCY = "code"
    YES = "yes"
    NAME = "name"
    TIME_ZONE = "time zone"
    WEEKDAYS = "Mon … Sun"
    ADDRESSES = "one a line"
    DATES = "one a line, like 2027-12-24"

    @property
    def is_number(self) -> bool:
        """Whether digits are typed."""
        return self in _NUMBERS

    @property
    def is_list(self) -> bool:
        """Whether it takes several lines."""
        return self in (Unit.ADDRESSES, Unit.DATES)


_NUMBERS = (Unit.AMOUNT, Unit.COUNT, Unit.DAYS_LATE, Unit.PERCENT, Unit.MINUTES, Unit.DAYS)


def setting(default: Any, group: str, label: str, explanation: str, *, positive: bool = False) -> Any:
    """Return a field with its words for people.

    Args:
        default: what counts until somebody changes it.
        group: the heading it stands under.
        label: its name, without a colon.
        explanation: what it does, in whole sentences.
        positive: whether 0 makes no sense.
    """
    extra: dict[str, Any] = {"group": group} | ({"positive": True} if positive else {})
    return Field(default, title=label, description=explanation, json_schema_extra=extra)


@dataclass(frozen=True)
class Setting:
    """One value, as its field describes it."""

    name: str
    """`calendar.holidays`: the field of a field."""
    group: str
    label: str
    explanation: str
    unit: Unit
    optional: bool
    positive: bool

    def of(self, values: BaseModel) -> Any:
        """Return its value."""
        value: Any = values
        for part in self.name.split("."):
            value = getattr(value, part)
        return value


def settings_of(model: type[BaseModel]) -> dict[str, Setting]:
    """Return a model's settings by name, in the order of its fields; those of a model in it at its place.

    Raises:
        TypeError: a field has no words or no unit.
    """
    return {setting.name: setting for setting in _settings(model)}


def _settings(model: type[BaseModel], within: str = "") -> Iterator[Setting]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _settings(kind, f"{within}{name}.")
        else:
            yield _setting(f"{within}{name}", field)


def _setting(name: str, field: FieldInfo) -> Setting:
    units = [mark for mark in field.metadata if isinstance(mark, Unit)]
    extra = field.json_schema_extra
    if len(units) != 1 or not isinstance(extra, dict) or not (field.title and field.description):
        raise TypeError(f"{name}: make it with setting(), and annotate its type with one Unit")
    return Setting(
        name=name,
        group=str(extra["group"]),
        label=field.title,
        explanation=field.description,
        unit=units[0],
        optional=type(None) in get_args(field.annotation),
        positive="positive" in extra,
    )
