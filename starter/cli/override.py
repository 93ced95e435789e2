"""`hold override`: lift a hold now, its release proposed and approved in one step."""

from typing import Annotated

import typer

from starter.cli.commands import Answer, Commands
from starter.cli.context import open_desk
from starter.cli.options import HoldOrCustomer, Reason
from starter.cli.output import err

app = Commands()


@app.command()
def override(
    name: HoldOrCustomer, reason: Reason, yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False
) -> Answer:
    """Lift a hold now, and record it as an override. Where two people have to approve, the second still has to."""
    desk = open_desk()
    if not yes:
        typer.confirm(f"Lift the hold {name} now?", abort=True, err=True)
    done = desk.post("holds", name, "override", reason=reason)
    yield {key: done[key] for key in ("id", "decision_id", "status")}
    if done["decision_id"] is None:
        err.print("Noted. Above this amount a second person has to approve the release too.")
    elif not done["delivered"]:
        err.print("Recorded. Temporal is away: the relay delivers it when it is back.")
    else:
        err.print(f"Lifted. Watch it with `hold show {name}`.")
