"""The desk as senders of events meet it: a real HTTP server on the test's database, and signatures made by hand."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from standardwebhooks.webhooks import Webhook

from credit.permissions import Role
from db.models import InboundEvent, Invoice
from tests.acting import made_token
from tests.desk.server import DeskServer
from tests.holds.helpers import rows
from tests.world import World

OLD, NEW, FOREIGN = (f"whsec_{base64.b64encode(letter * 32).decode()}" for letter in (b"o", b"n", b"f"))


class Outside:
    """A sender of events."""

    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self.world = world
        self.http = http

    async def send(
        self, kind: str, body: Any, *, name: str | None = None, secret: str = NEW, age: timedelta = timedelta(0)
    ) -> httpx.Response:
        """Send an event as a signed webhook; `name` is its id."""
        name, at, text = name or str(uuid4()), datetime.now(UTC) - age, json.dumps(body)
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(msg_id=name, timestamp=at, data=text),
        }
        return await self.http.post(f"/api/events/{kind}", content=text, headers=headers)

    async def taken(self, kind: str, body: Any, **how: Any) -> dict[str, Any]:
        answer = await self.send(kind, body, **how)
        assert answer.status_code == 202, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def token(self, role: Role) -> dict[str, str]:
        """The headers of a program that shows a token of this role."""
        made = made_token(self.world.engine, f"erp-{role.label}", role)
        return {"Authorization": f"Bearer {made}"}

    def event(self, name: str) -> InboundEvent:
        [row] = rows(self.world, select(InboundEvent).where(InboundEvent.id == name))
        return row  # type: ignore[no-any-return]

    def open_amounts(self, customer: str) -> list[str]:
        """What is open of each of the customer's invoices, the oldest due first."""
        query = select(Invoice.amount_open).where(Invoice.customer_id == customer).order_by(Invoice.due_date)
        return [f"{amount:.2f}" for amount in rows(self.world, query)]

    def an_invoice(self, customer: str) -> str:
        return str(rows(self.world, select(Invoice.id).where(Invoice.customer_id == customer))[0])


@asynccontextmanager
async def served(world: World, **changes: Any) -> AsyncIterator[Outside]:
    """Serve the desk over HTTP for as long as the block lasts."""
    settings = world.settings.model_copy(update={"events_secret": SecretStr(f"{OLD},{NEW}")} | changes)
    with DeskServer(settings) as desk:
        try:
            yield Outside(world, desk.anyone())
        finally:
            await desk.close_clients()


Serve = Callable[..., AbstractAsyncContextManager[Outside]]


@pytest.fixture
async def outside(world: World) -> AsyncIterator[Outside]:
    """A sender, with the workers running."""
    async with served(world) as sender:
        yield sender


@pytest.fixture
async def idle_outside(idle_world: World) -> AsyncIterator[Outside]:
    """A sender, with no worker running."""
    async with served(idle_world) as sender:
        yield sender


def now() -> str:
    return datetime.now(UTC).isoformat()


def day(ahead: int = 0) -> str:
    return (datetime.now(UTC).date() + timedelta(days=ahead)).isoformat()


def payment(customer: str, amount: str = "100.00", **more: Any) -> dict[str, Any]:
    made = {"customer_id": customer, "payment_id": f"P-{uuid4()}", "amount": amount, "currency": "USD"}
    return made | {"paid_on": day()} | more


def invoice(customer: str, number: str, amount: str = "100.00", **more: Any) -> dict[str, Any]:
    made = {"customer_id": customer, "invoice_id": number, "due_date": day(30), "amount": amount, "currency": "USD"}
    return made | more


def dispute(customer: str, invoice: str, **more: Any) -> dict[str, Any]:
    made = {"customer_id": customer, "action": "opened", "invoice_id": invoice, "reason": "wrong goods"}
    return made | {"opened_at": now()} | more


def closed(customer: str, invoice: str, resolution: str = "rejected") -> dict[str, Any]:
    made = {"customer_id": customer, "action": "closed", "invoice_id": invoice, "resolution": resolution}
    return made | {"closed_at": now()}


def prediction(customer: str, risk: str = "high", **more: Any) -> dict[str, Any]:
    made = {"customer_id": customer, "risk": risk, "score": "0.91", "model": "churn-7", "reason": "orders fell"}
    return made | {"predicted_at": now()} | more


def plan(customer: str, *amounts: str, **more: Any) -> dict[str, Any]:
    instalments = [{"due_date": day(30 * number), "amount": amount} for number, amount in enumerate(amounts, 1)]
    made = {"customer_id": customer, "action": "agreed", "instalments": instalments, "currency": "USD"}
    return made | {"agreed_at": now()} | more


def promise(customer: str, amount: str = "500.00", **more: Any) -> dict[str, Any]:
    made = {"customer_id": customer, "amount": amount, "currency": "USD", "promised_for": day(7), "made_by": "Pat"}
    return made | {"made_at": now()} | more


def today() -> date:
    return datetime.now(UTC).date()
