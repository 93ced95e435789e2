"""Accounting profiles, Credit Hold pages and organisations, asked of the desk."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

Document = dict[str, Any]
Ask = Callable[..., Document]
"""`(method, path, body, query)` -> the answer's document; raises what `DeskClient` raises."""


class DeskProfiles:
    """One desk's accounting profiles."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def show(self, customer_id: str) -> Document:
        """Return the accounting profile."""
        return self._ask("GET", f"{_customer(customer_id)}/accounting-profile")

    def set(self, customer_id: str, changes: Mapping[str, Any], *, reason: str) -> Document:
        """Change `credit_status`, `credit_limit`, or both; returns the profile."""
        limit = {"credit_limit": _text(changes["credit_limit"])} if "credit_limit" in changes else {}
        body = {**changes, **limit, "reason": reason}
        return self._ask("PUT", f"{_customer(customer_id)}/accounting-profile", body)

    def entries(self, customer_id: str) -> Document:
        """List the live entries of the Credit Hold page."""
        return self._ask("GET", _entries(customer_id))

    def block(self, customer_id: str, *, tariffs: Sequence[str] | None, note: str) -> Document:
        """Block these tariffs, or all for None; returns the entry."""
        return self._ask("POST", _entries(customer_id), {"tariffs": tariffs, "note": note})

    def unblock(self, customer_id: str, entry_id: str, *, reason: str) -> Document:
        """Delete an entry, or ask for the release of its service hold."""
        path = f"{_entries(customer_id)}/{quote(entry_id, safe='')}"
        return self._ask("DELETE", path, None, {"reason": reason})

    def organisations(self) -> Document:
        """List organisations with their settings."""
        return self._ask("GET", "/api/org-settings")

    def organisation(self, name: str) -> Document:
        """Return one organisation's settings."""
        return self._ask("GET", _organisation(name))

    def set_organisation(self, name: str, changes: Mapping[str, Any]) -> Document:
        """Change some settings of an organisation."""
        return self._ask("PUT", _organisation(name), dict(changes))


def _customer(customer_id: str) -> str:
    return f"/api/customers/{quote(customer_id, safe='')}"


def _entries(customer_id: str) -> str:
    return f"{_customer(customer_id)}/credit-hold-entries"


def _organisation(name: str) -> str:
    return f"/api/org-settings/{quote(name, safe='')}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)
