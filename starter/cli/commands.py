"""How a command answers: with a document that `--json` prints, and in words."""

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from starter.cli.output import print_json

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Answer = Iterator[Any]
"""A document, or an `Ended`; asked for more, it prints the words."""


Command = TypeVar("Command", bound=Callable[..., Any])


class Ended(NamedTuple):
    """A document, and the exit code that it means."""

    document: Any
    code: int


class Commands(typer.Typer):
    """Typer, in which a command that returns an `Answer` has `--json`.

    With it, the document is printed, and the command ends there; without it, it goes on and says it in words.
    """

    def command(self, name: str | None = None, **attributes: Any) -> Callable[[Command], Command]:
        return _registering(super().command(name, **attributes))

    def callback(self, **attributes: Any) -> Callable[[Command], Command]:
        return _registering(super().callback(**attributes))


def _registering(register: Callable[..., Any]) -> Callable[[Command], Command]:
    def add(function: Command) -> Command:
        register(_with_json(function) if function.__annotations__["return"] == Answer else function)
        return function

    return add


def _with_json(command: Callable[..., Answer]) -> Callable[..., None]:
    @wraps(command)
    def run(*, as_json: bool, **arguments: Any) -> None:
        code = 0
        for answer in command(**arguments):
            document, code = answer if isinstance(answer, Ended) else (answer, 0)
            if as_json:
                print_json(document)
                break
        if code:
            raise typer.Exit(code)

    known = inspect.signature(command)
    wanted = inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json)
    run.__signature__ = known.replace(parameters=[*known.parameters.values(), wanted])  # type: ignore[attr-defined]
    run.__annotations__ = command.__annotations__ | {"as_json": Json}
    return run
