"""A test's view of the running system: customers to hold, and what can be seen of them from outside."""

import asyncio
import itertools
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from temporalio.client import Client, WorkflowHandle

from credit.policy import Policy
from credit.states import Beat, Verdict
from db import policies, policy_change
from db.act import Act
from db.engine import transaction
from db.errors import UnknownHoldError
from db.holds import holds
from db.models import Customer, HoldBeat, Invoice, SalesRep
from runtime.settings import Settings
from services.answers import Document
from services.holds import answers
from services.holds.operations import Operations, Started
from tests.netsuite.sandbox_server import SandboxServer
from tests.patience import PATIENCE
from workflows.contract import HoldState, service_hold_id

_numbers = itertools.count(1)
_FOUND = text("""
SELECT id, status FROM holds WHERE CAST(id AS text) = :name OR customer_id = :name
ORDER BY closed_at IS NULL DESC, proposed_at DESC LIMIT 1
""")
"""As `holds.find`, without the rest of the hold: it is asked many times a second."""


class World:
    def __init__(self, settings: Settings, engine: Engine, client: Client, sandbox: SandboxServer) -> None:
        self.settings = settings
        self.engine = engine
        self.client = client
        self.sandbox = sandbox
        self.operations = Operations(engine, client, settings.task_queue)

    def customer(self, *, amount: str = "40000", days_overdue: int = 120, in_netsuite: bool = True) -> str:
        """Make a customer with one open invoice, known to the NetSuite sandbox as `N-<id>`, on AUTO."""
        number = f"{os.getpid()}-{next(_numbers)}"
        name = f"C-{number}"
        due = datetime.now(UTC).date() - timedelta(days=days_overdue)
        with transaction(self.engine) as session:
            rep = SalesRep(email=f"rep-{number}@example.test".lower(), name="Robin Rep")
            session.add(rep)
            session.flush()
            session.add(
                Customer(
                    id=name,
                    name=f"Customer {number} Ltd",
                    netsuite_id=f"N-{name}",
                    email=f"ap-{number}@example.test",
                    sales_rep_id=rep.id,
                )
            )
            session.flush()
            session.add(invoice(f"I-{number}", name, due, amount))
        if in_netsuite:
            record = {"id": f"N-{name}", "externalId": name, "companyName": name, "creditHoldOverride": "AUTO"}
            self.sandbox.seed([record]).raise_for_status()
        return name

    def owe(self, customer: str, amount: str, *, days_overdue: int) -> str:
        """Add an open invoice; returns its number."""
        number = f"I-{os.getpid()}-{next(_numbers)}"
        due = datetime.now(UTC).date() - timedelta(days=days_overdue)
        with transaction(self.engine) as session:
            session.add(invoice(number, customer, due, amount))
        return number

    def set_policy(self, **changes: Any) -> None:
        with transaction(self.engine) as session:
            _, policy = policies.current(session)
            changed = Policy.model_validate(policy.model_dump() | changes)
            policy_change.change(Act(session, "test", datetime.now(UTC)), changed, note="for a test")

    async def start(self, customer: str, reason: str = "a phone call revealed trouble", **how: Any) -> Started:
        return await self.operations.start_hold(customer, reason=reason, actor="robin", **how)

    async def decide(
        self, customer: str, verdict: Verdict, reason: str = "as discussed", actor: str = "mike"
    ) -> answers.Decision:
        claim, proposal = await self.operations.claim(customer, actor=actor)
        decided = await self.operations.decide(
            customer, claim_id=claim.id, revision=proposal.revision, verdict=verdict, reason=reason, actor=actor
        )
        assert decided.decision_id is not None
        return decided

    async def approve(self, customer: str) -> answers.Decision:
        return await self.decide(customer, Verdict.APPROVE)

    async def decline(self, customer: str) -> answers.Decision:
        return await self.decide(customer, Verdict.DECLINE)

    def show(self, name: str | UUID) -> Document:
        with transaction(self.engine) as session:
            return answers.Hold.whole(session, holds.find(session, str(name)), datetime.now(UTC)).document()

    def status(self, name: str | UUID) -> str:
        with transaction(self.engine) as session:
            return self._found(session, name).status

    def audit(self, name: str) -> list[str]:
        return [event["what"] for event in self.show(name)["timeline"]]

    def beat(self, name: str, beat: str) -> Document:
        with transaction(self.engine) as session:
            hold_id = self._found(session, name).id
            return answers.BeatState.of(Beat(beat), session.get(HoldBeat, (hold_id, beat))).document()

    def _found(self, session: Session, name: str | UUID) -> Any:
        found = session.execute(_FOUND, {"name": str(name)}).one_or_none()
        if found is None:
            raise UnknownHoldError(str(name))
        return found

    def customer_row(self, customer: str) -> Customer:
        with transaction(self.engine) as session:
            return session.get_one(Customer, customer)

    def workflow(self, customer: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(service_hold_id(customer))

    async def state(self, customer: str) -> HoldState:
        return await self.workflow(customer).query("state", result_type=HoldState)

    async def eventually(self, what: Callable[[], Any]) -> Any:
        """Wait until `what()` is true; returns it."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + PATIENCE
        while True:
            asked = clock()
            if result := await asyncio.to_thread(what):
                return result
            assert clock() < deadline, f"not within {PATIENCE} s"
            await asyncio.sleep(max(0.05, 2 * (clock() - asked)))  # looking must not slow down what is looked at

    async def in_status(self, name: str | UUID, status: str) -> None:
        await self.eventually(lambda: self.status(name) == status)

    async def shown_in_status(self, name: str | UUID, status: str) -> Document:
        await self.in_status(name, status)
        return self.show(name)


def invoice(number: str, customer: str, due: date, amount: str) -> Invoice:
    money = Decimal(amount)
    return Invoice(
        id=number, customer_id=customer, due_date=due, amount_open=money, source_amount=money, source_currency="USD"
    )
