"""Raw signals, as anybody with access to the namespace can send them: they change nothing, and each is audited."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from temporalio.api.common.v1 import Payload
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import RawValue

from credit.states import Verdict
from starter.stack import temporal_cli
from tests.holds.helpers import (
    all_done,
    events,
    in_force,
    knows,
    refused,
    signal_decision,
    status_of,
    trigger,
    write_decision,
)
from tests.world import World
from workflows.contract import service_hold_id

INVENTED = json.dumps({"decision_id": str(uuid4())})
TRIGGER = json.loads(trigger(reason="forged").model_dump_json())


def as_json(text: str) -> RawValue:
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=text.encode()))


async def stock_cli_signal(world: World, customer: str, name: str, *inputs: str) -> None:
    """`temporal workflow signal`, the program itself."""
    program = temporal_cli.find()
    assert program is not None
    command = ["workflow", "signal", "--workflow-id", service_hold_id(customer), "--name", name]
    command += [part for text in inputs for part in ("--input", text)]
    command += ["--address", world.settings.temporal_address]
    process = await asyncio.create_subprocess_exec(program, *command, stdout=asyncio.subprocess.PIPE, stderr=-2)
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


async def each(one: Callable[..., Awaitable[None]], cases: dict[str, tuple[Any, ...]]) -> None:
    """Run every case, each on a customer of its own, and name those that failed."""
    outcomes = await asyncio.gather(*(one(*case) for case in cases.values()), return_exceptions=True)
    failed = {name: repr(outcome) for name, outcome in zip(cases, outcomes, strict=True) if outcome is not None}
    assert failed == {}


async def unmoved(world: World, customer: str, *, audited: int) -> None:
    """Nothing changed but the audit: the hold is proposed, and its workflow answers."""
    await world.eventually(lambda: len(refused(world, customer)) >= audited)
    state = await knows(world, customer, lambda state: state.refused_signals >= audited)
    assert (state.status, state.refused_signals) == ("proposed", audited)
    assert (world.show(customer)["status"], world.show(customer)["revision"]) == ("proposed", 1)
    assert world.customer_row(customer).entitystatus == "active"


async def still_decidable(world: World, customer: str, *, audited: int) -> None:
    """As `unmoved`, and then an approver can approve it."""
    await unmoved(world, customer, audited=audited)
    await world.approve(customer)
    await world.in_status(customer, "in_force")
    assert len(refused(world, customer)) == audited


BY_THE_STOCK_CLI: dict[str, tuple[str, list[str]]] = {
    "invented id": ("decide", [INVENTED]),
    "bare string": ("decide", ['"approve"']),
    "empty list": ("decide", ["[]"]),
    "no input": ("decide", []),
    "two inputs": ("decide", [INVENTED, INVENTED]),
    "wrong type": ("decide", ['{"decision_id": 17}']),
    "null": ("decide", ["null"]),
    "unknown name": ("aprove", [INVENTED]),
}


async def test_meaningless_signals_by_the_stock_cli_are_refused(world: World) -> None:
    async def one(name: str, inputs: list[str]) -> None:
        customer = world.customer()
        await world.start(customer)
        await stock_cli_signal(world, customer, name, *inputs)
        await still_decidable(world, customer, audited=1)
        [event] = refused(world, customer)
        assert (event.detail["signal"], event.actor) == (name, "unknown")
        assert event.detail["why"]

    await each(one, BY_THE_STOCK_CLI)


UNREADABLE: dict[str, tuple[str, RawValue]] = {
    "odd encoding": ("decide", RawValue(Payload(metadata={"encoding": b"binary/\xff\x00odd"}, data=bytes(range(256))))),
    "no encoding": ("decide", RawValue(Payload(data=b"\x00\xff"))),
    "no JSON": ("decide", RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"\x00\xff{not json"))),
    "no text": ("decide", as_json('{"decision_id": "\\ud800"}')),
    "NUL in the name": ("odd\x00name", as_json("1")),
    "long name, long payload": ("n" * 900, as_json('"' + "x" * 100_000 + '"')),
    "unknown beat": ("retry_beat", as_json('{"beat": "all of them"}')),
    "unknown kind of trigger": ("trigger", as_json(json.dumps(TRIGGER | {"kind": "whim"}))),
    "NUL in a reason": ("trigger", as_json(json.dumps(TRIGGER | {"reason": "nul \x00"}))),
    "NUL for an actor": ("trigger", as_json(json.dumps(TRIGGER | {"actor": "\x00"}))),
    "id too long for an index": ("trigger", as_json(json.dumps(TRIGGER | {"id": "i" * 9000}))),
    "reason too long for a history": ("trigger", as_json(json.dumps(TRIGGER | {"reason": "r" * 1_000_000}))),
    "before the first year": ("trigger", as_json(json.dumps(TRIGGER | {"at": "0001-01-01T00:00:00+14:00"}))),
    "as of the first year": ("trigger", as_json(json.dumps(TRIGGER | {"as_of": "0001-01-01"}))),
}


async def test_signals_that_cannot_be_read_or_kept_are_refused(world: World) -> None:
    async def one(name: str, payload: RawValue) -> None:
        customer = world.customer()
        await world.start(customer)
        await world.workflow(customer).signal(name, payload)
        await unmoved(world, customer, audited=1)
        await world.decline(customer)
        await world.in_status(customer, "declined")

    await each(one, UNREADABLE)


async def test_each_refused_signal_gets_its_own_audit_row(world: World) -> None:
    customer = world.customer()
    await world.start(customer)

    for _ in range(3):
        await world.workflow(customer).signal("decide", "approve")
        await world.workflow(customer).signal("decide", {"decision_id": str(uuid4())})

    await still_decidable(world, customer, audited=6)


async def test_unknown_fields_of_a_decide_signal_are_ignored(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)

    await world.workflow(customer).signal("decide", {"decision_id": str(decision.id), "by": "a later version"})

    await world.in_status(customer, "in_force")
    assert refused(world, customer) == []


async def test_decision_of_another_hold_is_refused(world: World) -> None:
    ours, theirs = world.customer(), world.customer()
    await world.start(ours)
    await world.start(theirs)
    decision = write_decision(world, theirs, Verdict.APPROVE)

    await signal_decision(world, ours, decision.id)

    await world.eventually(lambda: refused(world, ours))
    assert [world.show(customer)["status"] for customer in (ours, theirs)] == ["proposed", "proposed"]
    await still_decidable(world, ours, audited=1)
    await signal_decision(world, theirs, decision.id)
    await world.in_status(theirs, "in_force")


async def test_decision_sent_twice_is_obeyed_once_and_refused_never(world: World) -> None:
    customer = world.customer()
    await world.start(customer)
    decision = write_decision(world, customer, Verdict.APPROVE)

    for _ in range(5):
        await signal_decision(world, customer, decision.id)
    await all_done(world, customer)
    await signal_decision(world, customer, decision.id)
    await world.start(customer)  # behind it

    assert refused(world, customer) == []
    assert len(events(world, decision.hold_id, "hold_in_force")) == 1
    assert len(world.sandbox.applied(customer)) == 1


async def test_meaningless_signals_to_a_hold_in_force_are_audited(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)

    await world.workflow(customer).signal("decide", [])
    await world.workflow(customer).signal("decide", {"decision_id": str(uuid4())})
    await world.workflow(customer).signal("release_now")
    await world.eventually(lambda: len(refused(world, customer)) == 3)

    assert (await world.state(customer)).status == "in_force"
    assert await status_of(world, customer) is WorkflowExecutionStatus.RUNNING
