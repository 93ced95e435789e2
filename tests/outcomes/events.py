"""What senders tell of a customer, on today's date."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

from sqlalchemy import select

from db.models import Invoice
from services.holds.outcomes import OutcomeOperations
from services.receivables.dispute import DisputeClosed, DisputeOpened
from services.receivables.inbound import Delivery, InboundEvents, Taken
from services.receivables.invoice import InvoicePosted
from services.receivables.payment import PaymentReceived
from services.receivables.payment_plan import Instalment, InstalmentMissed, PlanAgreed
from services.receivables.promise import Promise
from tests.holds.helpers import rows
from tests.world import World


def today(ahead: int = 0) -> date:
    return datetime.now(UTC).date() + timedelta(days=ahead)


def operations(world: World) -> OutcomeOperations:
    return OutcomeOperations(world.engine, world.client, world.settings.task_queue)


class Sender:
    """Tells of one customer."""

    def __init__(self, world: World, customer: str, *, of_several: bool = False) -> None:
        self.customer = customer
        self._events = InboundEvents(world.engine, world.client, world.settings.task_queue)
        found = rows(world, select(Invoice.id).where(Invoice.customer_id == customer).order_by(Invoice.due_date))
        assert of_several or len(found) == 1
        self.invoice = found[0]

    def _delivery(self) -> Delivery:
        return Delivery("bank", str(uuid4()))

    async def paid(self, amount: str) -> Taken:
        told = PaymentReceived(
            customer_id=self.customer, payment_id=str(uuid4()), amount=Decimal(amount), currency="USD", paid_on=today()
        )
        return await self._events.take(self._delivery(), told)

    async def stands(self, amount: str, *, due: date) -> Taken:
        told = InvoicePosted(
            customer_id=self.customer, invoice_id=self.invoice, due_date=due, amount=Decimal(amount), currency="USD"
        )
        return await self._events.take(self._delivery(), told)

    async def promised(self, amount: str, ahead: int = 7) -> Taken:
        told = Promise(
            customer_id=self.customer,
            amount=Decimal(amount),
            currency="USD",
            promised_for=today(ahead),
            made_by="Pat",
            made_at=datetime.now(UTC),
        )
        return await self._events.take(self._delivery(), told)

    async def agreed(self, *due: tuple[int, str]) -> Taken:
        """A plan of (days ahead, amount)."""
        rates = [Instalment(due_date=today(ahead), amount=Decimal(amount)) for ahead, amount in due]
        told = PlanAgreed(
            customer_id=self.customer,
            action="agreed",
            instalments=rates,
            currency="USD",
            agreed_at=datetime.now(UTC),
        )
        return await self._events.take(self._delivery(), told)

    async def missed(self, number: int = 1) -> Taken:
        told = InstalmentMissed(
            customer_id=self.customer, action="instalment_missed", number=number, missed_at=datetime.now(UTC)
        )
        return await self._events.take(self._delivery(), told)

    async def disputed(self) -> Taken:
        told = DisputeOpened(
            customer_id=self.customer,
            action="opened",
            invoice_id=self.invoice,
            reason="wrong goods",
            opened_at=datetime.now(UTC),
        )
        return await self._events.take(self._delivery(), told)

    async def dispute_closed(self) -> Taken:
        told = DisputeClosed(
            customer_id=self.customer,
            action="closed",
            invoice_id=self.invoice,
            resolution="rejected",
            closed_at=datetime.now(UTC),
        )
        return await self._events.take(self._delivery(), told)
