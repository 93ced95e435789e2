"""What the CLI prints: data to stdout, words about it to stderr."""

import json
import sys
from typing import Any

from rich.console import Console

_PIPED_WIDTH = 160
"""Columns of a table that goes to a file or another program."""


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else _PIPED_WIDTH)


console = _console(stderr=False)
err = _console(stderr=True)


def say_unreadable(ids: list[str]) -> None:
    """Name the rows of a list that could not be shown, and took none of the others with them."""
    if ids:
        err.print(
            f"Not shown, since something of them cannot be read: {', '.join(ids)}. The log says what.", markup=False
        )


def print_json(document: Any) -> None:
    """Print one JSON document to stdout. Decimals, dates and ids become strings."""
    json.dump(document, sys.stdout, indent=2, default=str, ensure_ascii=False)
    sys.stdout.write("\n")
