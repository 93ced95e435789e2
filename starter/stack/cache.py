"""The project's cache: programs that are got once and shared by every clone and every data folder."""

import os
from pathlib import Path

from runtime.files import as_root

SYSTEM = Path("/var/cache/service-holds")


def cache_dir() -> Path:
    """Return `$HOLD_CACHE_DIR`, else `/var/cache/service-holds` for root, else `service-holds` in XDG's cache home."""
    named = os.environ.get("HOLD_CACHE_DIR")
    if named:
        return Path(named).expanduser().absolute()
    if as_root():
        return SYSTEM
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "service-holds"


def cached_program(name: str) -> list[Path]:
    """Return where a cached program may lie, best first: our own cache, then the one root filled for all users."""
    places = [cache_dir() / "bin" / name]
    if not os.environ.get("HOLD_CACHE_DIR") and cache_dir() != SYSTEM:
        places.append(SYSTEM / "bin" / name)
    return places
