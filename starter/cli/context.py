"""What every command starts from: its settings, and the desk it asks."""

from pathlib import Path

from runtime.settings import Settings
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


def open_desk(*, patient: bool = False) -> DeskClient:
    """Return the desk, asked in the name of the owner of the token at hand.

    Args:
        patient: Whether an answer may take any time.

    Raises:
        UnreachableError: no desk is known.
        RefusedError: no token is at hand.
    """
    settings = read_settings()
    if not settings.desk_url:
        raise UnreachableError(_NO_DESK)
    return DeskClient(settings.desk_url, token_of(settings), patient=patient)


def token_of(settings: Settings) -> str:
    """Return the token to act under: `HOLD_TOKEN`, or that of the embedded stack's operator.

    Raises:
        RefusedError: there is neither.
    """
    if settings.token is not None:
        return settings.token.get_secret_value()
    try:
        return settings.token_file.read_text().strip()
    except OSError as error:
        where = f"{settings.token_file}: {error.strerror}"
        msg = f"no token: set HOLD_TOKEN, or name a running stack's data folder ({where})"
        raise RefusedError(msg, "no_token") from error
