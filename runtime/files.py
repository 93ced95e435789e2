"""Folders and files of the data folder: private from the first moment, whole or not there at all."""

import os
import secrets
from pathlib import Path


def as_root() -> bool:
    return os.geteuid() == 0


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


def secret(path: Path) -> str:
    """Return the secret kept in this file (mode 0600); the first call makes one of 192 random bits."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        write_private(path, secrets.token_urlsafe(24) + "\n")
        return path.read_text().strip()
