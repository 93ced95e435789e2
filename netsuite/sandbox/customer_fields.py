"""The customer record's fields: which there are, what they take, and how a PATCH is merged. Pure; no I/O.

The names are those of the REST API Browser 2026.1. A PATCH leaves omitted fields as they are, and ``null`` deletes one
(Oracle's help, section_1545142173). Enumerations are taken as an object or as a bare id (section_1545142146).
"""

from dataclasses import dataclass
from typing import Any

from netsuite.sandbox.problems import Refusal

HOLD_FIELD = "creditHoldOverride"
HOLD_NAMES = {"AUTO": "Auto", "ON": "On", "OFF": "Off"}
DEFAULTS: dict[str, Any] = {HOLD_FIELD: "AUTO", "overdueBalance": 0.0, "daysOverdue": 0, "balance": 0.0}

_TEXT = frozenset({"companyName", "email", "comments", "phone"})
_NUMBERS = frozenset({"creditLimit"})
WRITABLE = _TEXT | _NUMBERS | {HOLD_FIELD}
READ_ONLY = frozenset({"id", "externalId", "overdueBalance", "daysOverdue", "balance", "lastModifiedDate"})
KNOWN = WRITABLE | READ_ONLY
_MODES = frozenset({"error", "warning", "ignore"})


@dataclass(frozen=True, slots=True)
class Validation:
    """How strictly to read a body: whether an unknown name, and an unusable value, is an error or is passed over."""

    names: bool
    values: bool


def validation(name_header: str | None, value_header: str | None) -> Validation:
    """The two ``X-NetSuite-Property...Validation`` headers.

    Without the first, a PATCH passes over unknown names: that is the trap a client must not step into.

    Raises:
        Refusal: 400, a header that is not Error, Warning or Ignore.
    """
    headers = {
        "X-NetSuite-PropertyNameValidation": (name_header or "Warning").lower(),
        "X-NetSuite-PropertyValueValidation": (value_header or "Error").lower(),
    }
    for header, mode in headers.items():
        if mode not in _MODES:
            raise Refusal(400, "INVALID_HEADER", f"Invalid value of header {header}.", header=header)
    names, values = headers.values()
    return Validation(names=names == "error", values=values == "error")


def merged(record: dict[str, Any], changes: dict[str, Any], rules: Validation) -> dict[str, Any]:
    """``record`` with ``changes`` made.

    Raises:
        Refusal: 400 INVALID_CONTENT with ``o:errorPath``, or USER_ERROR where a mandatory field would be deleted.
    """
    result = dict(record)
    for name, value in changes.items():
        if name not in WRITABLE:
            if rules.names or name in KNOWN:
                raise _invalid_name(name)
            continue
        if value is None:
            _delete(result, name)
            continue
        try:
            result[name] = _read(name, value)
        except Refusal:
            if rules.values:
                raise
    return result


def shown(customer: dict[str, Any], fields: str | None, *, simple_enums: bool) -> dict[str, Any]:
    """The record as a GET answers it: everything, or only ``fields`` (comma separated) and the id.

    Raises:
        Refusal: 400, a field there is not.
    """
    wanted = [name.strip() for name in fields.split(",")] if fields is not None else sorted(KNOWN)
    unknown = next((name for name in wanted if name not in KNOWN), None)
    if unknown is not None:
        raise Refusal(400, "INVALID_PARAMETER", f"Field '{unknown}' does not exist.", query="fields")
    answer = {name: customer[name] for name in wanted if customer.get(name) is not None}
    if HOLD_FIELD in answer and not simple_enums:
        answer[HOLD_FIELD] = {"id": answer[HOLD_FIELD], "refName": HOLD_NAMES[answer[HOLD_FIELD]]}
    return {"id": customer["id"]} | answer


def hold_id(value: object) -> str:
    """The id in an enumeration value: ``{"id": "ON"}``, ``{"refName": "On"}``, or the bare ``"ON"``.

    Raises:
        Refusal: 400 INVALID_CONTENT, anything but AUTO, ON and OFF.
    """
    if isinstance(value, dict):
        stray = next((key for key in value if key not in {"id", "refName"}), None)
        if stray is not None:
            raise _invalid_name(f"{HOLD_FIELD}.{stray}")
        by_name = {name: key for key, name in HOLD_NAMES.items()}
        value = value.get("id", by_name.get(str(value.get("refName"))))
    if isinstance(value, str) and value in HOLD_NAMES:
        return value
    raise _invalid_value(HOLD_FIELD)


def _delete(record: dict[str, Any], name: str) -> None:
    if name == "companyName":
        raise Refusal(400, "USER_ERROR", "Please enter value(s) for: Company Name", path=name)
    record.pop(name, None)
    if name in DEFAULTS:
        record[name] = DEFAULTS[name]


def _read(name: str, value: object) -> object:
    if name == HOLD_FIELD:
        return hold_id(value)
    if name in _TEXT and isinstance(value, str):
        return value
    if name in _NUMBERS and isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise _invalid_value(name)


def _invalid_name(name: str) -> Refusal:
    reason = "read-only" if name in READ_ONLY else "unknown"
    detail = f"Error while accessing a resource. The property '{name}' is {reason} for the record type 'customer'."
    return Refusal(400, "INVALID_CONTENT", detail, path=name)


def _invalid_value(name: str) -> Refusal:
    detail = f"Error while accessing a resource. You have entered an Invalid Field Value for the field: {name}."
    return Refusal(400, "INVALID_CONTENT", detail, path=name)
