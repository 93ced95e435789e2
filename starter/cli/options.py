"""What several commands take."""

from typing import Annotated, Literal

import typer

from starter.cli.asking import require_text

Customer = Annotated[str, typer.Argument(help="The customer's id.")]
HoldOrCustomer = Annotated[str, typer.Argument(metavar="HOLD_OR_CUSTOMER", help="A hold's id, or a customer's.")]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
"""Whatever is said; the desk refuses a blank one where it wants one."""
Why = Annotated[str, typer.Option("--reason", help="Why, for the record.", callback=require_text)]
"""A reason that is refused here already where it is blank."""
Asked = Annotated[str | None, typer.Option("--reason", help="Why, for the record.")]
"""A reason that is asked for where it is not given."""
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; needs --revision.")]
DontAsk = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask on a terminal.")]
Revision = Annotated[int | None, typer.Option("--revision", min=1, help="The revision you were shown.")]
Switch = Literal["on", "off"]
