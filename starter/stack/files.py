"""The data folder of a stack, and the JSON files in it."""

import json
import os
from pathlib import Path

from runtime.files import as_root, ensure_private_dir
from starter.stack.errors import StackError


def ensure_data_dir(path: Path) -> Path:
    """Create the data folder and its missing parents, and return it resolved.

    A folder made here has mode 0700, or 0711 for root (so that the account of PostgreSQL can pass through it,
    though not list it). A folder that exists keeps its mode.

    Raises:
        StackError: it can't be created, or it is no folder.
    """
    path = path.expanduser().absolute()
    try:
        for folder in (*reversed(path.parents), path):
            if not folder.exists():
                ensure_private_dir(folder, 0o711 if as_root() else 0o700)
    except OSError as error:
        raise StackError(f"The data folder {path} can't be created: {error.strerror or error}.") from error
    if not path.is_dir():
        raise StackError(f"The data folder {path} is not a folder.")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise StackError(f"The data folder {path} belongs to another user; choose another one with --data-dir.")
    return path.resolve()


def read_json(path: Path) -> dict[str, object]:
    """Return the object in a JSON file; empty where there is no such file.

    Raises:
        StackError: the file holds something else.
    """
    try:
        loaded = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StackError(f"{path} can't be read: {error}. Move it away and try again.") from error
    if not isinstance(loaded, dict):
        raise StackError(f"{path} can't be read: it holds no JSON object. Move it away and try again.")
    return loaded
