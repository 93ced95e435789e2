"""How a value of the policy is known to people: its words, its group and what it is typed in.

All of it stands at the field. The form, the list of changes and the API's schema read it there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
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


_BOUNDS: dict[Unit, tuple[int, int]] = {
    Unit.AMOUNT: (0, 10**12),
    Unit.COUNT: (0, 1000),
    Unit.DAYS_LATE: (0, 3650),
    Unit.PERCENT: (0, 100),
    Unit.MINUTES: (0, 7 * 24 * 60),
    Unit.DAYS: (0, 730),
}
"""The least and the most that makes sense, where a setting says nothing narrower."""
_NUMBERS = frozenset(_BOUNDS)
LENGTHS = {Unit.MINUTES: timedelta(minutes=1), Unit.DAYS: timedelta(days=1)}
ANY_MINUTES, ANY_DAYS = 1 / 60, 1 / 86400
"""The least of a time that must pass, however short: a second."""
_FINEST = 6
"""Digits behind the point that a number may have."""


def setting(
    default: Any, group: str, label: str, explanation: str, *, least: float | None = None, most: float | None = None
) -> Any:
    """Return a field with its words for people.

    Args:
        default: what counts until somebody changes it.
        group: the heading it stands under.
        label: its name, without a colon.
        explanation: what it does, in whole sentences.
        least: the smallest number that makes sense, in the unit of its type; what is usual for the unit by default.
        most: the greatest, likewise.
    """
    bounds = {name: bound for name, bound in (("least", least), ("most", most)) if bound is not None}
    extra: dict[str, Any] = {"group": group} | bounds
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
    least: float
    most: float
    """What a number may be, in its unit."""

    def of(self, values: BaseModel) -> Any:
        """Return its value."""
        value: Any = values
        for part in self.name.split("."):
            value = getattr(value, part)
        return value

    def wrong(self, value: Any) -> str | None:
        """Return what to give instead of a value that was typed; None for one that makes sense."""
        if value is None or not self.unit.is_number:
            return None
        if not self.at(self.least) <= value <= self.at(self.most):
            return self.range
        if isinstance(value, Decimal) and -int(value.as_tuple().exponent) > _FINEST:
            return f"give {_FINEST} digits behind the point at most"
        return None

    def bounded(self, value: Any) -> Any:
        """Return a stored value, or the bound that it lies beyond. What is merely too short can be worked with."""
        if value is None or not self.unit.is_number:
            return value
        return max(self.at(0), min(value, self.at(self.most)))

    def at(self, number: float) -> Any:
        """Return a number of the unit as the field has it."""
        if self.unit in LENGTHS:
            return number * LENGTHS[self.unit]
        return Decimal(number) / 100 if self.unit is Unit.PERCENT else number

    @property
    def range(self) -> str:
        """What numbers it takes: `give 1 to 1,440 minutes`."""
        if self.unit not in LENGTHS:
            return f"give {self.least:,} to {self.most:,}"
        least = f"{self.least:,}" if self.least in (0, 1) else "1 second"
        return f"give {least} to {self.most:,} {self.unit.value}"


def out_of_bounds(values: BaseModel, before: BaseModel | None = None) -> dict[str, str]:
    """Return what is wrong with the numbers that were typed: name -> what to give.

    Args:
        values: what was typed.
        before: what is in force: it was typed already, maybe before the bounds were these.
    """
    found = {}
    for name, one in settings_of(type(values)).items():
        value = one.of(values)
        wrong = one.wrong(value) if before is None or one.of(before) != value else None
        if wrong:
            found[name] = wrong
    return found


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
    least, most = _BOUNDS.get(units[0], (0, 0))
    return Setting(
        name=name,
        group=str(extra["group"]),
        label=field.title,
        explanation=field.description,
        unit=units[0],
        optional=type(None) in get_args(field.annotation),
        least=extra.get("least", least),  # type: ignore[arg-type]  # JSON, as setting() wrote it
        most=extra.get("most", most),  # type: ignore[arg-type]
    )
