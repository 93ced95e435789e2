"""The AR aging scan's work on the ledger, and its proposals."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from activities import serving
from activities.heartbeats import steady_heartbeats
from credit import composed
from credit.actors import OwnActor
from credit.states import RequestKind
from credit.triggers import Disposition, Trigger, TriggerKind
from db import policies
from db.act import Act
from db.engine import in_transaction, transaction
from db.holds import requests
from db.holds.awaiting import NoWorkerError, await_trigger
from db.receivables import aging, commitments, exemptions, receivables
from workflows.contract import AR_AGING
from workflows.signatures import (
    AgingCandidate,
    AgingPage,
    AgingRun,
    CloseAgingRun,
    OpenAgingRun,
    ProposeCandidates,
    ReadAgingPage,
)
from workflows.starting import send_trigger

_WAIT = timedelta(seconds=45)
_SETTLED_AT_ONCE = 1000
"""Customers whose word is settled when a scan begins; what is left is the next one's."""
_SIDE_BY_SIDE = 5
_TRIES = 3
"""How often a batch is tried before what did not answer is left to the relay."""


class AgingActivities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(no_thread_cancel_exception=True)
    def open_aging_run(self, order: OpenAgingRun) -> AgingRun:
        """Write a scan's row, and settle which day it looks at: the day it was due, in its time zone."""
        as_of = order.as_of or order.due_at.astimezone(ZoneInfo(order.time_zone)).date()
        workflow_id = activity.info().workflow_id or ""
        with serving.checked(self._engine) as session:
            serving.only(AR_AGING)
            serving.not_from_the_future(order.now)
            serving.new_scan(session, order.run_id)
            by = requests.who_asked(session, workflow_id, RequestKind.SCAN) or OwnActor.SCHEDULE
            aging.open_run(Act(session, by, order.now), run_id=order.run_id, workflow_id=workflow_id, as_of=as_of)
        self._settle_days(order.now)
        return AgingRun(run_id=order.run_id, as_of=as_of)

    def _settle_days(self, now: datetime) -> None:
        """Settle exemptions, and promises of customers without a hold, whose day is over; holds look for themselves."""
        with transaction(self._engine) as session:
            exemptions.settle_over(Act.of_system(session, now))
        with transaction(self._engine) as session:
            calendar = policies.current(session)[1].calendar
            overdue = commitments.overdue(session, now.astimezone(UTC).date(), limit=_SETTLED_AT_ONCE)
        for customer_id in overdue:
            with transaction(self._engine) as session:
                commitments.settle_due(session, customer_id, since=now, calendar=calendar, now=now)

    @activity.defn(no_thread_cancel_exception=True)
    def read_aging_page(self, order: ReadAgingPage) -> AgingPage:
        with serving.checked(self._engine) as session:
            serving.scan(session, order.run_id, order.now, order.as_of)
            found = aging.assess(
                session, run_id=order.run_id, as_of=order.as_of, now=order.now, after=order.after, limit=order.limit
            )
        to_propose = [
            AgingCandidate(customer_id=candidate.customer_id, reason=aging.reason(candidate.facts, order.as_of))
            for candidate, disposition in found
            if disposition is Disposition.PROPOSED
        ]
        last = found[-1].candidate.customer_id if len(found) == order.limit else None
        return AgingPage(to_propose=to_propose, last=last)

    @activity.defn(no_thread_cancel_exception=True)
    def close_aging_run(self, order: CloseAgingRun) -> dict[str, int]:
        with serving.checked(self._engine) as session:
            serving.scan(session, order.run_id, order.now)
            return aging.close_run(session, run_id=order.run_id, now=order.now)


class ProposingActivities:
    def __init__(self, engine: Engine, client: Client) -> None:
        self._engine = engine
        self._client = client

    @activity.defn
    async def propose_candidates(self, order: ProposeCandidates) -> int:
        """Propose a hold for each candidate and wait for each, a few side by side; answers how many were new.

        A candidate's trigger has the same id on every try, so a repeated one changes nothing. One that stays unanswered
        after a few tries is left to the relay: it keeps no scan from its end.
        """
        last_try = activity.info().attempt >= _TRIES
        slots = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def propose(customer_id: str, trigger: Trigger) -> bool:
            async with slots:
                return await self._propose(order, customer_id, trigger, last_try=last_try)

        async with steady_heartbeats():
            asked = await asyncio.to_thread(self._ask, order)
            return sum(await asyncio.gather(*(propose(*one) for one in asked.items())))

    def _ask(self, order: ProposeCandidates) -> dict[str, Trigger]:
        """Write down each candidate's trigger, with what the ledger says; the scan's row says who wanted it."""
        with serving.checked(self._engine) as session:
            serving.queue(order.task_queue)
            run = serving.scan(session, order.run_id, as_of=order.as_of)
            _, policy = policies.current(session)
            asked = {}
            for customer_id in sorted({one.customer_id for one in order.candidates}):
                serving.known_customer(session, customer_id)
                facts = receivables.read_facts(session, customer_id, run.as_of, policy)
                asked[customer_id] = Trigger(
                    id=composed.identity(TriggerKind.AR_AGING, run.id, customer_id),
                    kind=TriggerKind.AR_AGING,
                    reason=aging.reason(facts, run.as_of),
                    actor=run.requested_by,
                    at=datetime.now(UTC),
                    as_of=run.as_of,
                )
                requests.ask_trigger(session, customer_id, asked[customer_id])
            return asked

    async def _propose(self, order: ProposeCandidates, customer_id: str, trigger: Trigger, *, last_try: bool) -> bool:
        try:
            await send_trigger(self._client, order.task_queue, customer_id, trigger)
            row = await await_trigger(self._engine, trigger, customer_id, _WAIT)
        except (NoWorkerError, RPCError):
            if not last_try:
                raise
            await in_transaction(self._engine, _leave_to_the_relay, order.run_id, customer_id, trigger)
            return False
        run_id = order.run_id
        await in_transaction(self._engine, aging.note_proposal, run_id=run_id, customer_id=customer_id, trigger=row)
        return row.opened


def _leave_to_the_relay(session: Session, run_id: UUID, customer_id: str, trigger: Trigger) -> None:
    requests.leave_to_the_relay(session, trigger.id)
    aging.note_unanswered(session, run_id=run_id, customer_id=customer_id)
