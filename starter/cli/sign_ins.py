"""Sign-ins kept on this machine: for each desk a file of mode 0600 in the user's configuration folder (XDG)."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote

from runtime.files import write_private
from starter.cli.errors import RefusedError


@dataclass(frozen=True)
class SignIn:
    token: str
    name: str
    """Who signed in: a person's login, or the name of a program's token."""


def read(desk_url: str) -> SignIn | None:
    """Return the sign-in at this desk; None where there is none.

    Raises:
        RefusedError: its file cannot be read.
    """
    file = _file(desk_url)
    try:
        kept = json.loads(file.read_text())
        return SignIn(str(kept["token"]), str(kept["name"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = f"{file} cannot be read ({error}): `hold sign-in` makes it anew, `hold sign-out` forgets it"
        raise RefusedError(why, "sign_in_unreadable") from error


def keep(desk_url: str, sign_in: SignIn) -> None:
    """Keep a sign-in, in the place of the one before.

    Raises:
        RefusedError: it cannot be written.
    """
    file = _file(desk_url)
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(file, json.dumps(asdict(sign_in)) + "\n")
    except OSError as error:
        raise RefusedError(f"signed in, but it cannot be kept: {error}", "sign_in_not_kept") from error


def forget(desk_url: str) -> bool:
    """Forget the sign-in at this desk; returns whether there was one."""
    try:
        _file(desk_url).unlink()
    except FileNotFoundError:
        return False
    return True


def _file(desk_url: str) -> Path:
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "hold" / f"{quote(desk_url.rstrip('/'), safe='')}.json"
