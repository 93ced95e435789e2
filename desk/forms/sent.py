"""What a form carried, and why it was refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

SECRETS = frozenset({"password", "old", "new", "repeated"})
"""Fields of passwords: never shown again."""

CSRF_FIELD = "csrf_token"

CARRIED = frozenset(
    {
        "again",
        "arrived",
        "claim_id",
        "customer",
        "evidence_seen",
        "expected",
        "next",
        "prior",
        "revision",
        "seen",
        "shown",
        "verdict",
    }
    | {"username", "version"}
)
"""Fields that a page fills in, not a person."""


@dataclass(frozen=True)
class Sent:
    """A form as it was sent to `action`, a path with its query, from the page `page` where that is known."""

    action: str
    fields: Sequence[tuple[str, str]]
    page: str = ""

    @classmethod
    def of(cls, action: str, body: bytes, page: str = "") -> "Sent":
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, encoding="utf-8", errors="replace")
        return cls(action, [(name, value) for name, value in pairs if name not in {CSRF_FIELD, *SECRETS}], page)

    @classmethod
    def of_kept(cls, text: str) -> "Sent | None":
        """Read what `kept` wrote; None where it is something else."""
        try:
            kept = _kept.validate_json(text)
        except ValidationError:
            return None
        if not kept.action.startswith("/") or kept.action.startswith("//"):
            return None  # not one of our own pages
        return cls(kept.action, [pair for pair in kept.fields if pair[0] not in {CSRF_FIELD, *SECRETS}], kept.page)

    def kept(self) -> str:
        """Write it as a text, for a field that carries it through a sign-in."""
        return _kept.dump_json(self).decode()

    def urlencoded(self) -> bytes:
        return urlencode(self.fields).encode()

    @property
    def values(self) -> dict[str, list[str]]:
        """Every field with all that was sent for it."""
        found: dict[str, list[str]] = {}
        for name, value in self.fields:
            found.setdefault(name, []).append(value)
        return found

    @property
    def words(self) -> list[tuple[str, str]]:
        """What a person typed or chose."""
        return [(name, value) for name, value in self.fields if name not in CARRIED and value.strip()]

    @property
    def carried(self) -> list[tuple[str, str]]:
        """What the page filled in."""
        return [(name, value) for name, value in self.fields if name in CARRIED]


_kept = TypeAdapter(Sent)


@dataclass(frozen=True)
class Refusal:
    """Why nothing was done, for a page that does not say so itself. `fields`: what is wrong with which."""

    problem: str
    fields: Mapping[str, str] = field(default_factory=dict)


def address(url: str) -> str:
    """Return a URL's path and query, decoded: two that differ in their escapes only are the same."""
    parts = urlsplit(url)
    return f"{unquote(parts.path)}?{unquote(parts.query)}" if parts.query else unquote(parts.path)
