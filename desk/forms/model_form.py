"""A form made from a model whose fields are settings: every value as the text of its field, and back again."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from credit.mail_text import clean_address
from credit.setting import LENGTHS, Setting, Unit, settings_of
from credit.typed_number import typed_number
from credit.validation import what_is_wrong

M = TypeVar("M", bound=BaseModel)

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class BadFieldsError(ValueError):
    """Values that make no sense: field -> what to do."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {problem}" for name, problem in problems.items()))
        self.problems = problems


class ModelForm(Generic[M]):
    def __init__(self, model: type[M]) -> None:
        self.settings = settings_of(model)
        self.groups: dict[str, list[Setting]] = {}
        """Heading -> its settings, both in the order of the fields."""
        for setting in self.settings.values():
            self.groups.setdefault(setting.group, []).append(setting)
        self._model = model

    def typed(self, values: M) -> dict[str, str]:
        """Return the values as the fields show them; a tick is `yes` or nothing."""
        return {name: _shown(setting.of(values), setting.unit) for name, setting in self.settings.items()}

    def parsed(self, fields: Mapping[str, str], before: M | None = None) -> M:
        """Return the values that were typed. What is as it was `before` is not asked about again.

        Raises:
            BadFieldsError: some of them make no sense; all of these are told.
        """
        values: dict[str, Any] = {}
        problems: dict[str, str] = {}
        for name, setting in self.settings.items():
            *group, last = name.split(".")
            into = values.setdefault(group[0], {}) if group else values
            try:
                value = _value(fields.get(name, "").strip(), setting)
                wrong = None if before is not None and setting.of(before) == value else setting.wrong(value)
            except ValueError as error:
                wrong = str(error)
            if wrong:
                problems[name] = wrong
            else:
                into[last] = value
        try:
            found = self._model.model_validate(values)  # what was refused is left out: the rest is judged all the same
        except ValidationError as error:
            problems |= {self._field(one["loc"]): what_is_wrong(one) for one in error.errors()}
        if problems:
            raise BadFieldsError(problems)
        return found

    def _field(self, location: tuple[int | str, ...]) -> str:
        """Return the field in which a refused value was typed."""
        dotted = ".".join(str(part) for part in location)
        return next((name for name in self.settings if dotted == name or dotted.startswith(f"{name}.")), dotted)


# --- out ---------------------------------------------------------------------------------------------------------


def _shown(value: Any, unit: Unit) -> str:
    if value is None:
        return ""
    if unit is Unit.YES:
        return "yes" if value else ""
    if unit is Unit.WEEKDAYS:
        return " ".join(_WEEKDAYS[day] for day in sorted(value))
    if unit.is_list:
        return "\n".join(str(one) for one in (sorted(value) if unit is Unit.DATES else value))
    if unit in LENGTHS:
        return _plain(Decimal(str(value / LENGTHS[unit])))
    if unit is Unit.PERCENT:
        return _plain(value * 100)
    return _plain(value) if isinstance(value, Decimal) else str(value)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


# --- in ----------------------------------------------------------------------------------------------------------


def _value(text: str, setting: Setting) -> object:
    if not text and setting.optional:
        return None
    if not setting.unit.is_number:
        return _WORDS[setting.unit](text)
    number = typed_number(text)
    if setting.unit in (Unit.DAYS_LATE, Unit.COUNT):
        if number != int(number):
            raise ValueError("give whole days" if setting.unit is Unit.DAYS_LATE else "give a whole number")
        return int(number)
    if setting.unit is Unit.PERCENT:
        return number / 100
    if setting.unit not in LENGTHS:
        return number
    if number > setting.most:
        raise ValueError(setting.range)
    return timedelta(seconds=float(number) * LENGTHS[setting.unit].total_seconds())


def _name(text: str) -> str:
    if not text:
        raise ValueError("give a name")
    return text


def _weekdays(text: str) -> list[int]:
    days = text.replace(",", " ").split()
    unknown = [day for day in days if day[:3].capitalize() not in _WEEKDAYS]
    if unknown or not days:
        raise ValueError(f"{unknown[0]!r} is no weekday: give Mon to Sun" if unknown else "give one day at least")
    return sorted({_WEEKDAYS.index(day[:3].capitalize()) for day in days})


def _addresses(text: str) -> list[str]:
    return [clean_address(one) for one in text.replace(",", " ").split()]


def _dates(text: str) -> list[date]:
    return sorted({_date(one) for one in text.replace(",", " ").split()})


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no day: write it as 2027-12-24") from None


_WORDS: dict[Unit, Callable[[str], object]] = {
    Unit.YES: lambda text: text == "yes",
    Unit.CURRENCY: str.upper,
    Unit.NAME: _name,
    Unit.TIME_ZONE: _name,
    Unit.WEEKDAYS: _weekdays,
    Unit.ADDRESSES: _addresses,
    Unit.DATES: _dates,
}
"""How what is no number is read."""
