"""Orders, loads and tariffs: what is written, through the gates that a hold shuts."""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.credit_hold import LimitCause, LoadStatus, OrderStatus
from credit.eligibility import Action
from credit.plain_text import plain
from db import audit, customers, policies
from db.engine import in_transaction
from db.errors import BadInputError, LoadMovedError, OrderClosedError
from db.freight import credit_limits, orders_and_loads, tariffs
from db.freight.tariffs import Lane
from db.models.base import JsonObject
from services.freight import answers
from services.freight.front_office import FrontOffice
from services.freight.gates import DOWN, Gates, NoAnswerError
from services.freight.on_hold import Judgement, OnHoldError, Question, judge, refusal

T = TypeVar("T")
After = tuple[datetime, str]
"""The `created_at` and id of the last row of the page before."""

_CENT = Decimal("0.01")
_MOST = Decimal(10) ** 15


class OrderLine(BaseModel):
    """One line of an order. `unit_price` is in the ledger's currency; a line's amount is rounded to cents."""

    model_config = ConfigDict(extra="forbid")

    description: Annotated[str, StringConstraints(max_length=500), AfterValidator(plain)] = ""
    quantity: Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=3)]
    unit_price: Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=4)]

    @property
    def amount(self) -> Decimal:
        """What the line costs."""
        return (self.quantity * self.unit_price).quantize(_CENT, ROUND_HALF_UP)


class FreightOperations(FrontOffice):
    """What the front office and the back office can do, on one database. `eligibility` and `rates` are inherited."""

    def __init__(self, engine: Engine, gates: Gates) -> None:
        super().__init__(gates)
        self._engine = engine

    async def create_order(
        self,
        customer_id: str,
        lines: Sequence[OrderLine],
        *,
        actor: str,
        prepaid: bool = False,
        order_id: str | None = None,
    ) -> answers.Order:
        """Take an order, and return it.

        Where the policy counts open orders it may take the customer over its credit limit: the order itself stands.

        Args:
            customer_id: who orders.
            lines: what.
            actor: who takes it down.
            prepaid: whether it is paid in advance: then it never counts into the exposure.
            order_id: a number of the caller's own, which an exception may name; None for a new one.

        Raises:
            UnknownCustomerError: no such customer.
            CustomerOnHoldError: the customer is on hold. The text is the front office's message.
            NumberTakenError: there is another order of this id.
            BadInputError: the amount is too large to be kept.
            NoAnswerError: the database does not answer.
        """
        amount = sum((line.amount for line in lines), Decimal(0))
        if amount >= _MOST:
            raise BadInputError(f"lines: {amount:,.2f} in all is more than an order can have")
        number = order_id or f"ORD-{secrets.token_hex(8)}"
        question = Question(customer_id, Action.ORDER, reference=order_id or "", prepaid=prepaid)

        def write(session: Session) -> answers.Order:
            now = datetime.now(UTC)
            found = _let_pass(session, question, now)
            policies.for_amounts(session)
            row = orders_and_loads.add_order(
                session,
                number,
                customer_id,
                lines=[line.model_dump(mode="json") for line in lines],
                amount=amount,
                prepaid=prepaid,
                actor=actor,
                now=now,
            )
            detail = {"order": row.id, "amount": str(row.amount), "prepaid": prepaid, "why": found.answer.why}
            _weigh(session, customer_id, counts=found.policy.exposure_counts_open_orders, actor=actor, now=now)
            _audit(session, customer_id, "order_taken", detail, actor=actor, now=now)
            return answers.Order.of_row(row)

        return await self._gated(Action.ORDER, write)

    async def close_order(
        self, order_id: str, status: Literal[OrderStatus.INVOICED, OrderStatus.CANCELLED], *, actor: str
    ) -> answers.Order:
        """End an order; returns it. Repeated, it changes nothing.

        Raises:
            UnknownOrderError: no such order.
            OrderClosedError: it ended the other way.
        """

        def write(session: Session) -> answers.Order:
            now = datetime.now(UTC)
            row = orders_and_loads.order(session, order_id, lock=True)
            if row.status is status:
                return answers.Order.of_row(row)
            if row.status is not OrderStatus.OPEN:
                raise OrderClosedError(order_id, row.status)
            row.status, row.closed_at = status, now
            _, policy = policies.current(session)
            _weigh(session, row.customer_id, counts=policy.exposure_counts_open_orders, actor=actor, now=now)
            _audit(session, row.customer_id, f"order_{status}", {"order": row.id}, actor=actor, now=now)
            return answers.Order.of_row(row)

        return await self._run(write)

    async def order(self, order_id: str) -> answers.Order:
        """Return one order.

        Raises:
            UnknownOrderError: no such order.
        """
        return await self._run(lambda session: answers.Order.of_row(orders_and_loads.order(session, order_id)))

    async def orders(
        self, customer_id: str | None = None, *, after: After | None = None, limit: int = 50
    ) -> list[answers.Order]:
        """List orders, of one customer or of all, the newest first."""
        return await self._run(
            lambda session: [
                answers.Order.of_row(row)
                for row in orders_and_loads.orders(session, customer_id, after=after, limit=limit)
            ]
        )

    async def create_load(
        self,
        customer_id: str,
        *,
        actor: str,
        tariff: str | None = None,
        origin: str = "",
        destination: str = "",
        load_id: str | None = None,
    ) -> answers.Load:
        """Make a load, `quoted`: a held customer's too, since it is past Committed that a hold stops it.

        Returns `{id, customer_id, status, next, tariff, origin, destination, created_at, advanced_at}`; `next` is the
        status after this one, null for a delivered load.

        Raises:
            UnknownCustomerError: no such customer.
            UnknownTariffError: no such tariff.
            NumberTakenError: there is another load of this id.
            NoAnswerError: the database does not answer.
        """

        def write(session: Session) -> answers.Load:
            now = datetime.now(UTC)
            customers.get(session, customer_id)
            if tariff is not None:
                tariffs.require_tariff(session, tariff)
            row = orders_and_loads.add_load(
                session,
                load_id or f"LOAD-{secrets.token_hex(8)}",
                customer_id,
                tariff=tariff,
                origin=origin,
                destination=destination,
                actor=actor,
                now=now,
            )
            _audit(session, customer_id, "load_quoted", {"load": row.id}, actor=actor, now=now)
            return answers.Load.of(row)

        return await self._run(write)

    async def advance_load(self, load_id: str, *, actor: str, expected: LoadStatus | None = None) -> answers.Load:
        """Move a load to its next status; returns it. A hold is asked about once: on the way past Committed.

        Args:
            load_id: which load.
            actor: who moves it.
            expected: the status that was shown: one that moved on meanwhile is not moved again.

        Raises:
            UnknownLoadError: no such load.
            LoadMovedError: it is not in the status expected, or is delivered.
            CustomerOnHoldError: the customer is on hold. The text is the back office's message.
            NoAnswerError: the database does not answer.
        """

        def write(session: Session) -> tuple[answers.Load, bool]:
            now = datetime.now(UTC)
            row = orders_and_loads.load(session, load_id, lock=True)
            before, following = row.status, row.status.following
            if expected is not None and expected is not before:
                raise LoadMovedError(load_id, before, expected)
            if following is None:
                raise LoadMovedError(load_id, before)
            detail: JsonObject = {"load": row.id, "before": before, "after": following}
            asks = before is LoadStatus.COMMITTED
            if asks:
                question = Question(row.customer_id, Action.ADVANCE_LOAD, row.tariff, row.id)
                detail["why"] = _let_pass(session, question, now).answer.why
            row.status, row.advanced_at = following, now
            _audit(session, row.customer_id, "load_advanced", detail, actor=actor, now=now)
            return answers.Load.of(row), asks

        return (await self._gated(Action.ADVANCE_LOAD, write, asked=lambda done: done[1]))[0]

    async def load(self, load_id: str) -> answers.Load:
        """Return one load.

        Raises:
            UnknownLoadError: no such load.
        """
        return await self._run(lambda session: answers.Load.of(orders_and_loads.load(session, load_id)))

    async def loads(
        self,
        customer_id: str | None = None,
        *,
        status: LoadStatus | None = None,
        after: After | None = None,
        limit: int = 50,
    ) -> list[answers.Load]:
        """List loads, of one customer or of all, the newest first."""
        return await self._run(
            lambda session: [
                answers.Load.of(row)
                for row in orders_and_loads.loads(session, customer_id, status=status, after=after, limit=limit)
            ]
        )

    async def tariffs(self) -> answers.Tariffs:
        """List tariffs with all their lanes, by code."""
        return await self._run(_tariffs)

    async def put_tariff(
        self, code: str, *, name: str, currency: str, lanes: Sequence[Lane], actor: str
    ) -> tuple[answers.Tariff, bool]:
        """Make a tariff, or put it in another's place whole; returns it, and whether it is new."""

        def write(session: Session) -> tuple[answers.Tariff, bool]:
            now = datetime.now(UTC)
            is_new = tariffs.put_tariff(session, code, name=name, currency=currency, lanes=lanes, actor=actor, now=now)
            [written] = [tariff for tariff in _tariffs(session).tariffs if tariff.code == code]
            detail: JsonObject = {"after": written.document()}
            audit.append(session, chain=audit.SYSTEM, actor=actor, action="tariff_changed", at=now, detail=detail)
            return written, is_new

        return await self._run(write)

    async def _gated(
        self, action: Action, write: Callable[[Session], T], asked: Callable[[T], bool] = lambda _: True
    ) -> T:
        """Run what asks the rule, and count its answer."""
        try:
            done = await self._run(write)
        except OnHoldError as error:
            self._gates.count(action, allowed=False)
            raise await error.told() from None
        except NoAnswerError:
            self._gates.count(action, allowed=False, degraded=True)
            raise
        if asked(done):
            self._gates.count(action, allowed=True)
        return done

    async def _run(self, work: Callable[[Session], T]) -> T:
        try:
            return await in_transaction(self._engine, work)
        except DOWN as error:
            raise NoAnswerError from error


def _tariffs(session: Session) -> answers.Tariffs:
    return answers.Tariffs.of(tariffs.tariffs(session), tariffs.all_rates(session))


def _let_pass(session: Session, question: Question, now: datetime) -> Judgement:
    found = judge(session, question, now)
    if not found.allowed:
        raise refusal(session, found)
    return found


def _weigh(session: Session, customer_id: str, *, counts: bool, actor: str, now: datetime) -> None:
    if counts:
        credit_limits.evaluate(session, [customer_id], cause=LimitCause.ORDER, actor=actor, now=now)


def _audit(session: Session, customer_id: str, action: str, detail: JsonObject, *, actor: str, now: datetime) -> None:
    chain = credit_limits.chain_of(customer_id)
    audit.append(session, chain=chain, actor=actor, action=action, at=now, detail=detail)
