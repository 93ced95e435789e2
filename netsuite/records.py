"""The customer record as this project needs it, and how to read it from NetSuite's JSON.

Field names are those of the REST API Browser (record ``customer``). There is no field ``credit_hold``: the hold is
``creditHoldOverride``.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from netsuite.errors import UnexpectedAnswer


class CreditHoldOverride(StrEnum):
    """NetSuite's *Hold* on a customer.

    ``AUTO``: the credit limit and the account's preferences decide. ``ON``: held, whatever limit and balance say.
    ``OFF``: exempt from *every* credit hold, also later ones, so a release restores what was there before and never
    writes ``OFF`` of its own accord (Oracle's help, section_N1080144).
    """

    AUTO = "AUTO"
    ON = "ON"
    OFF = "OFF"


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """What NetSuite says of one customer.

    Attributes:
        netsuite_id: the internal id NetSuite answered with, or the id asked for where the answer has none.
        credit_hold_override: the hold.
        company_name: None for a person, or where the role may not see it.
        overdue_balance: in the customer's currency; None where the role may not see it.
        days_overdue: whole days; None where nothing is overdue or the role may not see it.
        last_modified: an aware time; None where the role may not see it.
    """

    netsuite_id: str
    credit_hold_override: CreditHoldOverride
    company_name: str | None = None
    overdue_balance: Decimal | None = None
    days_overdue: int | None = None
    last_modified: datetime | None = None


CUSTOMER_FIELDS = ("creditHoldOverride", "overdueBalance", "daysOverdue", "lastModifiedDate", "companyName")
"""The fields :func:`customer_record` reads, for ``?fields=``."""


def customer_record(answer: object, *, asked: str) -> CustomerRecord:
    """The record in a parsed JSON ``answer`` (numbers as :class:`~decimal.Decimal`) to a question about id ``asked``.

    Raises:
        UnexpectedAnswer: not an object, no ``creditHoldOverride`` (a role can lack the field), or an unreadable value.
    """
    if not isinstance(answer, dict):
        raise UnexpectedAnswer(f"Customer {asked}: NetSuite answered with something that is not a record")
    if "creditHoldOverride" not in answer:
        raise UnexpectedAnswer(
            f"Customer {asked}: the answer has no creditHoldOverride; the integration's role may lack the field"
        )
    try:
        return CustomerRecord(
            netsuite_id=str(answer.get("id") or asked),
            credit_hold_override=credit_hold_override(answer["creditHoldOverride"]),
            company_name=_optional(str, answer.get("companyName")),
            overdue_balance=_optional(_amount, answer.get("overdueBalance")),
            days_overdue=_optional(int, answer.get("daysOverdue")),
            last_modified=_optional(_instant, answer.get("lastModifiedDate")),
        )
    except (ValueError, TypeError, InvalidOperation) as error:
        raise UnexpectedAnswer(f"Customer {asked}: a field cannot be read: {error}") from error


def credit_hold_override(value: object) -> CreditHoldOverride:
    """The hold in ``value``: an object ``{"id": "ON", "refName": "On"}``, or the bare id of ``?simpleEnumFormat=true``.

    Raises:
        ValueError: anything but AUTO, ON or OFF.
    """
    found = value.get("id") if isinstance(value, dict) else value
    try:
        return CreditHoldOverride(str(found))
    except ValueError:
        raise ValueError(f"creditHoldOverride is {found!r}, not AUTO, ON or OFF") from None


def _optional(read: Any, value: object) -> Any:
    return None if value is None else read(value)


def _amount(value: object) -> Decimal:
    amount = Decimal(str(value))
    if not amount.is_finite():
        raise ValueError(f"{value!r} is not an amount")
    return amount


def _instant(value: object) -> datetime:
    instant = datetime.fromisoformat(str(value))
    if instant.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone")
    return instant
