"""Why a command ends without what was asked for: refused (exit 1), or not to be had now (exit 3)."""

from typing import Any

REFUSED, UNREACHABLE = 1, 3


class CommandError(Exception):
    """A command cannot do what was asked; the text says why, and what to do."""


class RefusedError(CommandError):
    """What was asked was refused.

    Args:
        detail: Why, and what to do.
        code: The desk's name of it, for programs.
        members: What else the desk said about it.
    """

    def __init__(self, detail: str, code: str = "refused", members: dict[str, Any] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.members = members or {}


class UnreachableError(CommandError):
    """A service cannot be reached, or cannot work now. The text begins with which."""
