"""The command `hold`: exit 0 done, 1 refused or failed, 2 usage, 3 cannot reach a service."""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text
from typer.core import TyperGroup
from typer.main import get_group

from credit.plain_text import NotPlainTextError, plain, shown_line
from runtime.leaving import leave
from runtime.version import VERSION
from starter.cli.errors import REFUSED, UNREACHABLE, RefusedError, UnreachableError
from starter.cli.output import console, err
from starter.stack.errors import StackError

if TYPE_CHECKING:
    from types import ModuleType

DONE = 0

_COMMANDS = {
    "holds": ("start", "list", "show", "claim", "approve", "decline", "undo", "retry", "skip", "cancel"),
    "in_force": ("release", "dates", "override"),
    "report": ("report",),
    "sign_in": ("sign-in", "sign-out", "who"),
    "stack": ("up", "down", "status", "doctor"),
}
"""Module of this package -> its commands, in the order in which `hold --help` lists them."""
_GROUPS = {
    "messages": "messages",
    "ar": "ar",
    "drift": "drift",
    "exempt": "exempt",
    "exception": "exceptions",
    "absence": "absence",
    "profile": "profile",
    "block": "block",
    "org": "org",
    "token": "token",
    "demo": "demo",
    "user": "user",
    "audit": "audit",
}
"""Group of commands -> its module."""


class _Commands(Mapping[str, Any]):
    """Every command by its name. Its module is imported when the command is asked for: `hold` has to start quickly."""

    def __init__(self) -> None:
        self._module_of = {name: module for module, names in _COMMANDS.items() for name in names} | _GROUPS

    def __iter__(self) -> Iterator[str]:
        return iter(self._module_of)

    def __len__(self) -> int:
        return len(self._module_of)

    def __getitem__(self, name: str) -> Any:
        module: ModuleType = import_module(f"starter.cli.{self._module_of[name]}")
        found = get_group(module.app)
        found.name = name
        return found if name in _GROUPS else found.commands[name]


class _Hold(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Commands()  # type: ignore[assignment]  # nobody adds to it

    def list_commands(self, ctx: Any) -> list[str]:
        del ctx
        return list(self.commands)


app = typer.Typer(
    name="hold",
    cls=_Hold,
    help="Service holds: propose, decide, watch and mend them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
)


def _say_version(wanted: bool) -> None:
    if wanted:
        console.print(f"service-holds {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    data_dir: Annotated[
        str | None, typer.Option("--data-dir", help="Which embedded stack to talk to (or HOLD_DATA_DIR).")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_say_version, help="Print the version.")
    ] = False,
) -> None:
    """Service holds: propose, decide, watch and mend them."""
    del version
    from starter.cli.context import use_data_dir  # noqa: PLC0415 (settings are slow to load, and `--help` reads none)

    use_data_dir(data_dir)


def run(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code; every error becomes one line on stderr."""
    arguments = _data_dir_first(sys.argv[1:] if arguments is None else arguments)
    try:
        _require_plain(arguments)
        code = typer.main.get_command(app).main(arguments, prog_name="hold", standalone_mode=False)
    except typer.Abort:
        err.print("cancelled")
        return REFUSED
    except typer.TyperException as error:
        show = getattr(error, "show", None)  # the usage errors among them also show the usage
        show() if show else err.print(error.format_message())
        return error.exit_code
    except (RefusedError, StackError) as error:
        err.print(Text.assemble(("refused: ", "red"), str(error)), soft_wrap=True)
        return REFUSED
    except UnreachableError as error:
        err.print(f"cannot reach {error}\n`hold status` and `hold doctor` say more, where it runs", soft_wrap=True)
        return UNREACHABLE
    return code if isinstance(code, int) else DONE


def _require_plain(arguments: list[str]) -> None:
    """Refuse text with characters that could disguise the record, whichever option carries it."""
    for argument in arguments:
        try:
            plain(argument)
        except NotPlainTextError as error:
            option = argument.partition("=")[0] if argument.startswith("--") and "=" in argument else "what you gave"
            raise typer.BadParameter(f"{shown_line(option)} cannot be kept: {error}") from None


def _data_dir_first(arguments: list[str]) -> list[str]:
    """Let `--data-dir` stand anywhere: it belongs to every command."""
    for at, argument in enumerate(arguments):
        if argument == "--":
            break
        taken = 2 if argument == "--data-dir" else 1 if argument.startswith("--data-dir=") else 0
        if taken:
            return [*arguments[at : at + taken], *arguments[:at], *arguments[at + taken :]]
    return arguments


def main() -> None:
    leave(run())
