"""What every command starts from: its settings, and the desk it asks."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runtime.settings import Settings
from starter.cli import sign_ins
from starter.cli.desk_client import DeskClient
from starter.cli.errors import RefusedError, UnreachableError

_data_dir: list[Path] = []
_NO_DESK = (
    "a service: no desk is known. Start the embedded stack with `hold up --detach`, or set HOLD_DESK_URL to where the "
    "desk is and HOLD_TOKEN to an API token"
)


def use_data_dir(path: str | None) -> None:
    """Remember the data folder named by `--data-dir`, for the command that follows."""
    _data_dir[:] = [Path(path)] if path else []


def read_settings() -> Settings:
    return Settings(data_dir=_data_dir[0]) if _data_dir else Settings()


@dataclass(frozen=True)
class Credential:
    """In whose name a command acts."""

    token: str
    kind: Literal["hold_token", "sign_in", "operator_token"]
    words: str
    ended: str = ""
    """What is said where the desk does not know the token (any more)."""


def open_desk(*, patient: bool = False) -> DeskClient:
    """Return the desk, asked in the name of the owner of the token at hand.

    Args:
        patient: Whether an answer may take any time.

    Raises:
        UnreachableError: no desk is known.
        RefusedError: no token is at hand.
    """
    return desk_of(read_settings(), patient=patient)


def desk_of(settings: Settings, *, patient: bool = False) -> DeskClient:
    """Return the desk of these settings; see `open_desk`."""
    if not settings.desk_url:
        raise UnreachableError(_NO_DESK)
    credential = credential_of(settings)
    return DeskClient(settings.desk_url, credential.token, patient=patient, ended=credential.ended)


def desk_url(named: str | None) -> str:
    """Return the address of the desk that an option names, or else the settings.

    Raises:
        UnreachableError: neither does.
        RefusedError: it is no address.
    """
    url = (named or read_settings().desk_url).rstrip("/")
    if not url:
        raise UnreachableError(_NO_DESK)
    if not url.startswith(("http://", "https://")):
        raise RefusedError(f"{url!r} is no address of a desk: write it like https://holds.example.com", "no_address")
    return url


def credential_of(settings: Settings) -> Credential:
    """Return what to act by: `HOLD_TOKEN`, else the sign-in kept for this desk, else the embedded stack's operator.

    Raises:
        RefusedError: there is none of them, or the sign-in cannot be read.
    """
    if settings.token is not None:
        return Credential(settings.token.get_secret_value(), "hold_token", "HOLD_TOKEN")
    kept = sign_ins.read(settings.desk_url) if settings.desk_url else None
    if kept is not None:
        ended = (
            f"the sign-in of {kept.name} at {settings.desk_url} has ended: `hold sign-in` begins another, "
            "`hold sign-out` forgets it"
        )
        return Credential(kept.token, "sign_in", "the sign-in kept here", ended)
    try:
        token = settings.token_file.read_text().strip()
    except OSError as error:
        where = f"{settings.token_file}: {error.strerror}"
        msg = f"no token: `hold sign-in`, set HOLD_TOKEN, or name a running stack's data folder ({where})"
        raise RefusedError(msg, "no_token") from error
    return Credential(token, "operator_token", f"the operator's token in {settings.token_file}")
