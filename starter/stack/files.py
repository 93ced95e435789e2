"""Folders and files of the data folder: private from the first moment, whole or not there at all."""

import json
import os
import secrets
from pathlib import Path

from starter.stack.errors import StackError


def as_root() -> bool:
    """Tell whether this process runs as root."""
    return os.geteuid() == 0


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


def ensure_private_dir(path: Path, mode: int = 0o700) -> Path:
    """Create one folder with exactly this mode (its parent exists); leave an existing one as it is."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        return path
    path.chmod(mode)
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 in one step: a reader sees the old text or the new one, also after a crash."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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


def secret(path: Path) -> str:
    """Return the secret kept in this file (mode 0600); the first call makes one of 192 random bits."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        write_private(path, secrets.token_urlsafe(24) + "\n")
        return path.read_text().strip()
