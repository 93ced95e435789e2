"""The command `hold`: exit 0 done, 1 refused or failed, 2 usage, 3 cannot reach a service."""

import os
import sys
from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy.exc import OperationalError

from credit.plain_text import NotPlainTextError, plain, shown_line
from db.errors import RefusedError
from runtime.version import VERSION
from starter.cli import (
    absence,
    ar,
    audit,
    block,
    dates,
    demo,
    drift,
    exceptions,
    exempt,
    holds,
    messages,
    org,
    override,
    profile,
    pull,
    release,
    report,
    schedule,
    stack,
    token,
    user,
)
from starter.cli.context import use_data_dir
from starter.cli.output import console, err
from starter.stack.errors import StackError

DONE, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 3

app = typer.Typer(
    name="hold",
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
    use_data_dir(data_dir)


holds.add_to(app)
release.add_to(app)
dates.add_to(app)
override.add_to(app)
report.add_to(app)
stack.add_to(app)
ar.app.command("pull")(pull.pull)
ar.app.add_typer(schedule.app, name="schedule", help="When the AR aging scan is due.")
app.add_typer(messages.app, name="messages", help="Drafted e-mails: read, edit, approve, recall.")
app.add_typer(ar.app, name="ar", help="The receivables ledger: import it, and scan it for holds to propose.")
app.add_typer(drift.app, name="drift", help="Where NetSuite says something else than the record wants.")
app.add_typer(exempt.app, name="exempt", help="Customers whom automatic triggers leave alone for a while.")
app.add_typer(exceptions.app, name="exception", help="Single orders and loads that a hold lets through.")
app.add_typer(absence.app, name="absence", help="Who is away, and who stands in.")
app.add_typer(profile.app, name="profile", help="Accounting profiles: credit status and credit limit.")
app.add_typer(block.app, name="block", help="Credit Hold pages: what is blocked for a customer, and why.")
app.add_typer(org.app, name="org", help="What an organisation has chosen.")
app.add_typer(token.app, name="token", help="API tokens.")
app.add_typer(demo.app, name="demo", help="See how holds come through trouble: break NetSuite's sandbox.")
app.add_typer(user.app, name="user", help="Who may sign in to the desk, and as what.")
app.add_typer(audit.app, name="audit", help="The audit trail: verify it, export it.")


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
    except OperationalError as error:
        err.print(f"cannot reach the database: {error.orig}\n`hold doctor` says more", soft_wrap=True)
        return UNREACHABLE
    except RuntimeError as error:
        err.print(f"cannot reach a service: {error}\n`hold doctor` says more", soft_wrap=True)
        return UNREACHABLE
    except Exception as error:  # noqa: BLE001 (raised again where it is not for here)
        return _rpc_failed(error)
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


def _rpc_failed(error: Exception) -> int:
    from temporalio.service import RPCError, RPCStatusCode  # noqa: PLC0415 (slow to load, and loaded if one is raised)

    if not isinstance(error, RPCError):
        raise error
    if error.status is RPCStatusCode.NOT_FOUND:
        err.print(f"the hold's workflow is gone ({error}): see `hold doctor`", soft_wrap=True)
        return REFUSED
    err.print(f"cannot reach Temporal: {error}\n`hold doctor` says more", soft_wrap=True)
    return UNREACHABLE


def main() -> None:
    """Enter from the command line."""
    code = run()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # the SDK's native threads can abort an ordinary exit (sdk-python issue 300)
