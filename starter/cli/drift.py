"""`hold drift [list] | check | repair | accept | adopt`: where NetSuite says something else than the record wants."""

import asyncio
from typing import Annotated

import typer

from credit.permissions import Permission
from db.engine import transaction
from netsuite.records import CreditHoldOverride
from runtime.temporal import connect
from services.answers import Document
from services.netsuite import answers, drift, drift_checks
from services.netsuite.drift_checks import CheckState, LastCheck
from starter.cli.context import Context, open_context
from starter.cli.output import Column, Table, err, print_json, print_table, table

app = typer.Typer(invoke_without_command=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Customer = Annotated[str, typer.Argument(help="The customer's id.")]
_PATIENCE = 10
"""Seconds after which who waits for a check is told that nobody has to."""
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]


@app.callback()
def list_by_default(invoked: typer.Context, as_json: Json = False) -> None:
    """List where NetSuite and the record differ, and what can be done about each."""
    if invoked.invoked_subcommand is None:
        list_drift(as_json=as_json)


@app.command("list")
def list_drift(as_json: Json = False) -> None:
    """List where NetSuite and the record differ, and what can be done about each."""
    context = open_context()
    context.require(Permission.LOOK)
    with transaction(context.engine) as session:
        listed = answers.Differences.of(session)
    check = asyncio.run(_last_check(context))
    document = answers.Drift.checked(listed, check).document()
    if as_json:
        print_json(document)
        return
    if document["drift"]:
        print_table(_table(document["drift"]))
    rows = len(document["drift"])
    err.print(drift_checks.known(check, differing=rows, unwritten=document["unwritten"]))
    if check.state is not CheckState.RUNNING:
        err.print("`hold drift check` looks now.")


@app.command()
def check(as_json: Json = False) -> None:
    """Compare NetSuite with the record now: the same check that the schedule runs."""
    context = open_context()
    context.require(Permission.RUN_SCAN)

    async def run() -> None:
        checking = asyncio.ensure_future((await _operations(context)).check(actor=context.actor))
        if not (await asyncio.wait({checking}, timeout=_PATIENCE))[0]:
            err.print("Still comparing. It goes on without you, too: `hold drift` lists what it finds.")
        report = await checking
        if as_json:
            print_json(report.model_dump(mode="json"))
            return
        err.print(
            f"{report.looked_at:,} compared: {report.differing:,} differ, {report.asked:,} of them asked about now."
        )
        if report.unheld:
            err.print(f"{report.unheld:,} ON in NetSuite without a hold here.")
        if report.differing or report.unheld:
            err.print("`hold drift` lists those that nobody has decided about.")

    asyncio.run(run())


@app.command()
def repair(customer: Customer, reason: Reason, as_json: Json = False) -> None:
    """Write a released hold's prior value to NetSuite again."""
    context = open_context()
    context.require(Permission.DECIDE)

    async def run() -> None:
        hold_id = await (await _operations(context)).repair(customer, actor=context.actor, reason=reason)
        told = f"NetSuite is being written again. Watch it with `hold show {customer}`."
        _say(told, {"id": str(hold_id), "status": "repairing"}, as_json=as_json)

    asyncio.run(run())


@app.command()
def accept(customer: Customer, reason: Reason, as_json: Json = False) -> None:
    """Accept what NetSuite says of a released hold's customer: it is not listed again until it changes."""
    context = open_context()
    context.require(Permission.DECIDE)

    async def run() -> None:
        hold_id = await (await _operations(context)).accept(customer, actor=context.actor, reason=reason)
        told = "Accepted. It is not listed again until NetSuite says something else."
        _say(told, {"id": str(hold_id), "status": "accepted"}, as_json=as_json)

    asyncio.run(run())


@app.command()
def adopt(
    customer: Customer,
    reason: Reason,
    prior: Annotated[
        CreditHoldOverride, typer.Option("--prior", help="What the release is to write.")
    ] = CreditHoldOverride.AUTO,
    as_json: Json = False,
) -> None:
    """Propose a hold for a customer that is ON in NetSuite already. The push then writes nothing."""
    context = open_context()
    context.require(Permission.START_HOLD)

    async def run() -> None:
        operations = await _operations(context)
        started = await operations.adopt(customer, prior=prior, actor=context.actor, reason=reason)
        told = f"Proposed. It waits for an approver: `hold approve {customer}`."
        _say(told, {"id": str(started.hold_id), "status": "proposed"}, as_json=as_json)

    asyncio.run(run())


async def _last_check(context: Context) -> LastCheck:
    try:
        client = await connect(context.settings)
    except RuntimeError:
        return LastCheck(CheckState.UNKNOWN)
    return await drift_checks.last(client, context.settings.task_queue)


def _table(rows: list[Document]) -> Table:
    made = table(
        "Customer",
        Column("Name", wraps=12, drop=2),
        Column("NetSuite id", drop=1),
        "Wanted",
        "Found",
        Column("Since (UTC)", drop=3),
        Column("Mend", drop=4),
    )
    for row in rows:
        cells = (row["customer_id"], row["customer_name"], row["netsuite_id"], row["expected"], row["found"])
        made.add(*cells, row["first_seen_at"][:16].replace("T", " "), row["mend"])
    return made


async def _operations(context: Context) -> drift.DriftOperations:
    return drift.DriftOperations(context.engine, await connect(context.settings), context.settings.task_queue)


def _say(told: str, document: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
    else:
        err.print(told)
