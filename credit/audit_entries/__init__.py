"""The audit trail's entries: of each kind what is stored, and what people read, beside each other.

A new kind is a class in its subject's module, and a line of `tests/audit/entries.json`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from credit.audit_entries import freight, holds, messages, netsuite, people, receivables, system
from credit.audit_entries.entry import Entry

_SUBJECTS = (freight, holds, messages, netsuite, people, receivables, system)


def _kinds() -> Iterator[type[Entry]]:
    for subject in _SUBJECTS:
        for kind in vars(subject).values():
            if isinstance(kind, type) and issubclass(kind, Entry) and hasattr(kind, "action"):
                yield kind


KINDS: Mapping[str, type[Entry]] = {kind.action: kind for kind in _kinds()}
"""Every kind of entry, by its action."""


class Told(NamedTuple):
    """A stored entry as people read it."""

    what: str
    """A sentence without its subject."""
    why: str
    """A reason or an error; empty where there is none."""
    on_behalf_of: list[str]
    """For whom the actor stood in."""


def read(action: str, detail: Any) -> Told:
    """Return a stored entry in words, whichever version wrote it: of what cannot be read, less is said."""
    known = detail if isinstance(detail, dict) else {}
    reasons = [known.get(name) for name in ("why", "error", "reason")]
    names = known.get("on_behalf_of")
    return Told(
        _sentence(action, known),
        next((reason for reason in reasons if isinstance(reason, str) and reason), ""),
        [name for name in names if isinstance(name, str)] if isinstance(names, list) else [],
    )


def _sentence(action: str, detail: Mapping[str, Any]) -> str:
    kind = KINDS.get(action)
    if kind is None:
        return action.replace("_", " ")
    try:
        return kind.read(detail).sentence()
    except (ValidationError, LookupError):
        return kind.what
