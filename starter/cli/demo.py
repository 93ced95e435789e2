"""`hold demo outage on | off`: break the NetSuite sandbox of the embedded stack, and see holds come through it."""

from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from starter.cli import spelling
from starter.cli.commands import Answer, Commands
from starter.cli.context import read_settings
from starter.cli.options import Switch
from starter.cli.output import console, err
from starter.stack import record
from starter.stack.errors import StackError

app = Commands(no_args_is_help=True, help="See how holds come through trouble: break NetSuite's sandbox.")

_LIMIT = 5.0  # seconds


@app.callback()
def about() -> None:
    """See how holds come through trouble, on the embedded stack."""


@app.command()
def outage(switch: Annotated[Switch | None, typer.Argument(help="Without it: how it is now.")] = None) -> Answer:
    """Have the sandbox that stands for NetSuite answer nothing but 503, or work again; on the stack's machine."""
    settings = read_settings()
    sandbox = _sandbox(settings.data_dir, settings.netsuite_url)
    try:
        with httpx.Client(base_url=f"{sandbox}/_sandbox/", trust_env=False, timeout=_LIMIT) as control:
            if switch is not None:
                control.put("faults", json={"outage": switch == "on"}).raise_for_status()
            away = bool(control.get("faults").raise_for_status().json()["outage"])
    except (httpx.HTTPError, ValueError, KeyError) as error:
        msg = f"the sandbox at {sandbox} does not answer as one ({error}): `hold status` and `hold doctor` say more"
        raise StackError(msg) from error
    document = _document(away, sandbox, settings.data_dir, settings.desk_url)
    yield document
    err.print(document["netsuite"], markup=False, soft_wrap=True)
    for step in document["next"]:
        console.print(f"  {step}", markup=False, soft_wrap=True)


def _sandbox(data_dir: Path, netsuite_url: str) -> str:
    """Return where the embedded stack's own sandbox is: the only NetSuite that this command ever speaks to.

    Raises:
        StackError: nothing runs here, or another NetSuite is in use.
    """
    stack = record.read(data_dir)
    if stack is None or not stack.supervised or "netsuite_url" not in stack.settings:
        msg = f"only the sandbox of a running embedded stack can be broken, and nothing runs from {data_dir}: "
        raise StackError(f"{msg}start it with `{spelling.hold(data_dir, 'up', '--detach')}`")
    own = str(stack.settings["netsuite_url"])
    if netsuite_url != own:
        msg = f"only the embedded stack's own sandbox ({own}) can be broken, and HOLD_NETSUITE_URL names {netsuite_url}"
        raise StackError(msg)
    return own


def _document(away: bool, sandbox: str, data_dir: Path, desk_url: str) -> dict[str, Any]:
    def say(*arguments: str) -> str:
        return spelling.hold(data_dir, *arguments)

    if away:
        state = f"NetSuite is away: {sandbox} answers 503 to everything."
        steps = [
            f"Approve a hold     {say('approve', '1002')}   (or at the desk: {desk_url})",
            f"Watch it           {say('show', '1002')}   (beat 4 is retried; the other three are done)",
            f"Have NetSuite back {say('demo', 'outage', 'off')}",
        ]
    else:
        state = f"NetSuite works: {sandbox} answers."
        steps = [
            f"Watch it heal      {say('show', '1002')}   (what waited is done by itself, within a minute)",
            f"Sooner             {say('retry', '1002')}",
            f"Break it again     {say('demo', 'outage', 'on')}",
        ]
    return {"outage": away, "netsuite": state, "next": steps}
