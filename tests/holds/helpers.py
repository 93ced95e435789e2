"""What the hold tests share: workers to start and stop, raw triggers, changed receivables, and rows to look at."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy

from credit.facts import Facts
from credit.states import PLACING, ReleaseCause, Verdict
from credit.triggers import Trigger, TriggerKind
from db.act import Act
from db.engine import transaction
from db.holds import decisions, holds, requests
from db.models import AuditEvent, Credit, Decision, Hold, HoldTrigger, Invoice, InvoiceDispute, PaymentPlan, Proposal
from netsuite.client import Credentials, NetSuiteClient
from tests.netsuite.sandbox_server import CERTIFICATE_ID, CLIENT_ID
from tests.owner import as_owner
from tests.patience import PATIENCE
from tests.world import World, invoice
from worker import build_workers
from workflows.contract import SERVICE_HOLD, DecideSignal, HoldState, ServiceHoldInput, service_hold_id

QUICK = httpx.Timeout(connect=2, read=0.5, write=2, pool=2)
"""A client that soon gives up on an answer that never comes."""


@asynccontextmanager
async def workers(world: World, patience: httpx.Timeout = QUICK) -> AsyncIterator[None]:
    """Both workers, for as long as the block lasts."""
    settings = world.settings
    assert settings.netsuite_private_key_file
    key = settings.netsuite_private_key_file.read_text()
    netsuite = NetSuiteClient(
        settings.netsuite_url, Credentials(CLIENT_ID, CERTIFICATE_ID, key, "ES256"), timeout=patience
    )
    async with AsyncExitStack() as stack:
        stack.callback(netsuite.close)
        for worker in build_workers(world.client, settings, world.engine, netsuite):
            await stack.enter_async_context(worker)
        yield


def trigger(kind: TriggerKind = TriggerKind.MANUAL, reason: str = "a raw trigger", **changes: Any) -> Trigger:
    values = {"id": str(uuid4()), "kind": kind, "reason": reason, "actor": "robin", "at": datetime.now(UTC)}
    return Trigger(**(values | changes))


def ask(world: World, customer: str, asked: Trigger) -> None:
    """Write the row of a trigger, and tell nobody."""
    with transaction(world.engine) as session:
        requests.ask_trigger(session, customer, asked)


def ask_release(world: World, customer: str, request_id: str, reason: str = "raw", actor: str = "somebody") -> None:
    """Write the row of a release of the customer's hold, and tell nobody."""
    with transaction(world.engine) as session:
        hold = holds.find(session, customer)
        asked = requests.ReleaseAsked(ReleaseCause.PERSON, reason, actor, datetime.now(UTC))
        requests.ask_release(session, customer, hold.id, request_id, asked)


async def send(world: World, customer: str, sent: Trigger, *, asked: bool = True) -> None:
    """Signal-with-start, as everybody does, without waiting for what becomes of it; `asked`: with its row."""
    if asked:
        ask(world, customer, sent)
    await world.client.start_workflow(
        SERVICE_HOLD,
        ServiceHoldInput(customer_id=customer),
        id=service_hold_id(customer),
        task_queue=world.settings.task_queue,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        start_signal="trigger",
        start_signal_args=[sent],
    )


def write_decision(
    world: World, customer: str, verdict: Verdict, actor: str = "mike", *, clock_ahead: timedelta = timedelta(0)
) -> Decision:
    """Write the decision's row and tell nobody: what a crash right after the commit leaves."""
    now = datetime.now(UTC) + clock_ahead
    with transaction(world.engine) as session:
        hold = holds.find(session, customer)
        claim, proposal = decisions.claim(Act(session, actor, now), hold)
        return decisions.decide(
            Act(session, actor, now),
            hold,
            claim_id=claim.id,
            revision=proposal.revision,
            verdict=verdict,
            reason="as discussed",
        )


async def signal_decision(world: World, customer: str, decision_id: UUID) -> None:
    await world.workflow(customer).signal("decide", DecideSignal(decision_id=decision_id))


async def in_force(world: World, customer: str) -> None:
    """Propose, approve and carry out to the last beat."""
    await world.start(customer)
    await world.approve(customer)
    await all_done(world, customer)


def evidence_of(world: World, customer: str) -> int:
    """How many triggers have reached the customer's holds."""
    with transaction(world.engine) as session:
        return session.scalar(select(func.count()).where(HoldTrigger.customer_id == customer)) or 0


def waiting_for_locks(world: World) -> int:
    count = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with transaction(world.engine) as session:
        return int(session.execute(text(count)).scalar_one())


_DONE = text("""
SELECT status = 'in_force' AND (
    SELECT count(*) FROM hold_beats WHERE hold_id = holds.id AND status = 'done' AND beat = ANY (:beats)
) = cardinality(:beats)
FROM holds WHERE customer_id = :customer ORDER BY closed_at IS NULL DESC, proposed_at DESC LIMIT 1
""")


async def all_done(world: World, customer: str) -> None:
    """Wait until the hold is in force and all four beats are done."""

    def done() -> bool:
        with transaction(world.engine) as session:
            return bool(session.scalar(_DONE, {"customer": customer, "beats": list(PLACING)}))

    await world.eventually(done)


async def status_of(world: World, customer: str) -> WorkflowExecutionStatus | None:
    return (await world.workflow(customer).describe()).status


async def attributes(world: World, customer: str) -> dict[str, Any]:
    found = (await world.workflow(customer).describe()).typed_search_attributes
    return {pair.key.name: pair.value for pair in found.search_attributes}


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    """Wait until `await what()` is true; returns it."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not (result := await what()):
        assert asyncio.get_running_loop().time() < deadline, f"not within {PATIENCE} s"
        await asyncio.sleep(0.05)
    return result


async def shows(world: World, customer: str, **wanted: Any) -> None:
    """Wait until the workflow's search attributes are as wanted."""

    async def as_wanted() -> bool:
        return wanted.items() <= (await attributes(world, customer)).items()

    await until(as_wanted)


async def knows(world: World, customer: str, what: Callable[[HoldState], bool]) -> HoldState:
    """Wait until the workflow itself knows: a row is there a moment before its workflow has heard of it."""

    async def known() -> HoldState | None:
        state = await world.state(customer)
        return state if what(state) else None

    state: HoldState = await until(known)
    return state


async def activities_run(world: World, customer: str, name: str) -> int:
    """How many activities of this type the newest run has scheduled."""
    history = await world.workflow(customer).fetch_history()
    types = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    return types.count(name)


async def activities_done(world: World, customer: str, name: str) -> int:
    """How many activities of this type have answered the newest run."""
    history = await world.workflow(customer).fetch_history()
    types = {
        event.event_id: event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events
    }
    answered = [
        types[event.activity_task_completed_event_attributes.scheduled_event_id]
        for event in history.events
        if event.HasField("activity_task_completed_event_attributes")
    ]
    return answered.count(name)


async def timers(handle: WorkflowHandle[Any, Any]) -> list[timedelta]:
    """How long the timers last that a workflow has open."""
    found = {}
    for event in (await handle.fetch_history()).events:
        if event.HasField("timer_started_event_attributes"):
            found[event.event_id] = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
        elif event.HasField("timer_fired_event_attributes"):
            del found[event.timer_fired_event_attributes.started_event_id]
        elif event.HasField("timer_canceled_event_attributes"):
            del found[event.timer_canceled_event_attributes.started_event_id]
    return list(found.values())


async def pending(handle: WorkflowHandle[Any, Any]) -> list[PendingActivityInfo]:
    """The activities that run, or wait for their next try."""
    return list((await handle.describe()).raw_description.pending_activities)


async def tried_in_vain(world: World, workflow_type: str) -> None:
    """Wait until an activity of a workflow of this type has failed and waits for its next try."""
    query = f"WorkflowType = '{workflow_type}' AND TaskQueue = '{world.settings.task_queue}'"

    async def waits() -> bool:
        running = [one async for one in world.client.list_workflows(f"{query} AND ExecutionStatus = 'Running'")]
        tries = [await pending(world.client.get_workflow_handle(one.id)) for one in running]
        return any(activity.attempt > 1 for activities in tries for activity in activities)

    await until(waits)


async def signals(world: World, customer: str, name: str) -> int:
    """How many signals of this name the newest run was sent."""
    history = await world.workflow(customer).fetch_history()
    names = [event.workflow_execution_signaled_event_attributes.signal_name for event in history.events]
    return names.count(name)


@contextmanager
def reads(world: World, table: str) -> Iterator[list[str]]:
    """The queries of a table that are made while the block lasts: how often a relay has looked."""
    seen: list[str] = []

    def note(_1: Any, _2: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT") and f"FROM {table}" in " ".join(statement.split()):
            seen.append(statement)

    sqlalchemy_event.listen(world.engine, "before_cursor_execute", note)
    yield seen
    sqlalchemy_event.remove(world.engine, "before_cursor_execute", note)


def rows(world: World, statement: Any) -> list[Any]:
    with transaction(world.engine) as session:
        return list(session.scalars(statement))


def holds_of(world: World, customer: str) -> list[Hold]:
    """A customer's holds, oldest first."""
    return rows(world, select(Hold).where(Hold.customer_id == customer).order_by(Hold.proposed_at))


def proposals_of(world: World, customer: str) -> list[Proposal]:
    query = select(Proposal).join(Hold, Hold.id == Proposal.hold_id).where(Hold.customer_id == customer)
    return rows(world, query.order_by(Proposal.revision))


def facts_of(proposal: Proposal) -> Facts:
    return Facts.model_validate(proposal.facts)


def trigger_row(world: World, trigger_id: str) -> HoldTrigger | None:
    with transaction(world.engine) as session:
        return session.get(HoldTrigger, trigger_id)


def events(world: World, chain: str | UUID, action: str) -> list[AuditEvent]:
    query = select(AuditEvent).where(AuditEvent.chain == str(chain), AuditEvent.action == action)
    return rows(world, query.order_by(AuditEvent.seq))


def refused(world: World, customer: str) -> list[AuditEvent]:
    """The refused signals of the customer's newest hold."""
    return events(world, holds_of(world, customer)[-1].id, "signal_refused")


@contextmanager
def frozen(world: World, statement: str, **values: str) -> Iterator[None]:
    """Hold a lock that beats must wait for, until the block ends."""
    with as_owner(world.engine) as session:  # who works may not lock every table
        session.execute(text(statement), values)
        yield


def bill(world: World, customer: str, amount: str, days_overdue: int = 10) -> None:
    due = datetime.now(UTC).date() - timedelta(days=days_overdue)
    with transaction(world.engine) as session:
        session.add(invoice(f"B-{uuid4()}", customer, due, amount))


def pay(world: World, customer: str, amount: str) -> None:
    with transaction(world.engine) as session:
        session.add(
            Credit(
                id=f"P-{uuid4()}",
                customer_id=customer,
                amount_unapplied=amount,
                source_amount=amount,
                source_currency="USD",
            )
        )


def dispute(world: World, customer: str) -> None:
    with transaction(world.engine) as session:
        session.add(InvoiceDispute(customer_id=customer, invoice_id=_an_invoice(session, customer), source="test"))


def agree_plan(world: World, customer: str) -> None:
    with transaction(world.engine) as session:
        session.add(PaymentPlan(customer_id=customer))


def overdue_since(world: World, customer: str, days: int) -> None:
    """Let every invoice of the customer be this many days overdue."""
    due = datetime.now(UTC).date() - timedelta(days=days)
    with transaction(world.engine) as session:
        session.execute(update(Invoice).where(Invoice.customer_id == customer).values(due_date=due))


def _an_invoice(session: Session, customer: str) -> str:
    return str(session.scalars(select(Invoice.id).where(Invoice.customer_id == customer).limit(1)).one())
