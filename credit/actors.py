"""Who is written down where nobody acts: the system's own names, which no person and no token may have."""

import re
import unicodedata
from enum import StrEnum


class OwnActor(StrEnum):
    """A name under which the system's own doings are recorded. A record names it for ever: one never goes."""

    SYSTEM = "service-holds"
    SCHEDULE = "schedule"
    AUTO_RELEASE = "policy auto_release_on_payment"
    AUTO_APPLY = "auto-apply"
    SIGNED_EVENT = "webhook (signed)"
    PROVIDER = "provider"
    """The OpenID Connect provider, for whom it lets in."""
    HOLD_UP = "hold up"
    DEMO = "demo"
    MIGRATION = "migration"
    UNKNOWN = "unknown"
    """Nobody knows who: a stranger at the desk, or whoever wrote to Temporal."""


OPERATOR_TOKEN = "operator"  # noqa: S105 (its name)
"""The token of the embedded stack's operator. Before tokens had owners it acted under this name."""

_READ_ALIKE = ("system", "the system", "temporal", "netsuite", "webhook", OPERATOR_TOKEN)


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", name).casefold())


_RESERVED = frozenset(map(_letters, (*OwnActor, *_READ_ALIKE)))


def reads_as_the_system(name: str) -> bool:
    """Whether a name would be read as the system's, or a policy's, however it is spaced and capitalised."""
    return _letters(name) in _RESERVED or re.match(r"[\W_]*policy(?![^\W_])", name, re.IGNORECASE) is not None
