"""Every command of `hold`, as the program itself lists them."""

from collections.abc import Iterator
from typing import Any

import typer

from starter.cli import app

LOCAL = {"up", "down", "status", "doctor", "ar import", "demo outage"}
"""What is about the stack or the database of the machine it runs on, and asks no desk."""


def commands(group: Any = None, path: str = "") -> Iterator[tuple[str, Any]]:
    """By the words that call them."""
    for name, command in (group or typer.main.get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command
