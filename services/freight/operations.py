"""Orders, loads and tariffs: what is written, through the gates that a hold shuts."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Concatenate, Literal, ParamSpec, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.audit_entries.freight import (
    LoadAdvanced,
    LoadQuoted,
    OrderCancelled,
    OrderInvoiced,
    OrderTaken,
    TariffChanged,
)
from credit.credit_hold import STOPS_AT, LoadStatus, OrderStatus
from credit.credit_limit import LimitCause
from credit.eligibility import Action
from credit.plain_text import plain
from credit.policy import Policy
from db import audit, customers, policies
from db.act import Act, acting
from db.engine import in_transaction
from db.errors import BadInputError, LoadMovedError, OrderClosedError
from db.freight import credit_limits, orders_and_loads, tariffs
from db.freight.tariffs import Lane
from services.freight import answers
from services.freight.front_office import FrontOffice
from services.freight.gates import DOWN, Gates, NoAnswerError
from services.freight.on_hold import Judgement, OnHoldError, Question, judge, refusal

P = ParamSpec("P")
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
        return await self._gated(Action.ORDER, self._act(actor, _create_order, number, question, lines, amount))

    async def close_order(
        self, order_id: str, status: Literal[OrderStatus.INVOICED, OrderStatus.CANCELLED], *, actor: str
    ) -> answers.Order:
        """End an order; returns it. Repeated, it changes nothing.

        Raises:
            UnknownOrderError: no such order.
            OrderClosedError: it ended the other way.
        """
        return await self._act(actor, _close_order, order_id, status)

    async def order(self, order_id: str) -> answers.Order:
        """Return one order.

        Raises:
            UnknownOrderError: no such order.
        """
        return await self._run(lambda session: answers.Order.of_row(orders_and_loads.order(session, order_id)))

    async def orders(
        self, customer_id: str | None = None, *, after: After | None = None, limit: int = 50
    ) -> list[answers.Order]:
        """List orders, of one customer or of all, the newest first.

        Raises:
            UnknownCustomerError: there is no such customer.
        """
        return await self._run(
            lambda session: [
                answers.Order.of_row(row)
                for row in orders_and_loads.orders(session, _known(session, customer_id), after=after, limit=limit)
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
        number = load_id or f"LOAD-{secrets.token_hex(8)}"
        lane = {"origin": origin, "destination": destination}
        return await self._act(actor, _create_load, number, customer_id, tariff, **lane)

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
        moving = self._act(actor, _advance_load, load_id, expected)
        return (await self._gated(Action.ADVANCE_LOAD, moving, asked=lambda done: done[1]))[0]

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
        """List loads, of one customer or of all, the newest first.

        Raises:
            UnknownCustomerError: there is no such customer.
        """
        return await self._run(
            lambda session: [
                answers.Load.of(row)
                for row in orders_and_loads.loads(
                    session, _known(session, customer_id), status=status, after=after, limit=limit
                )
            ]
        )

    async def tariffs(self) -> answers.Tariffs:
        """List tariffs with all their lanes, by code."""
        return await self._run(_tariffs)

    async def put_tariff(
        self, code: str, *, name: str, currency: str, lanes: Sequence[Lane], actor: str
    ) -> tuple[answers.Tariff, bool]:
        """Make a tariff, or put it in another's place whole; returns it, and whether it is new."""
        return await self._act(actor, _put_tariff, code, name=name, currency=currency, lanes=lanes)

    async def _gated(self, action: Action, asking: Awaitable[T], asked: Callable[[T], bool] = lambda _: True) -> T:
        """Await what asks the rule, and count its answer."""
        try:
            done = await asking
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
        return await _answered(in_transaction(self._engine, work))

    async def _act(self, actor: str, work: Callable[Concatenate[Act, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await _answered(acting(self._engine, actor, work, *args, **kwargs))


async def _answered(work: Awaitable[T]) -> T:
    try:
        return await work
    except DOWN as error:
        raise NoAnswerError from error


def _known(session: Session, customer_id: str | None) -> str | None:
    if customer_id is not None:
        customers.get(session, customer_id)
    return customer_id


def _create_order(
    act: Act, number: str, question: Question, lines: Sequence[OrderLine], amount: Decimal
) -> answers.Order:
    found = _let_pass(act, question)
    policies.for_amounts(act.session)
    row = orders_and_loads.add_order(
        act,
        number,
        question.customer_id,
        lines=[line.model_dump(mode="json") for line in lines],
        amount=amount,
        prepaid=question.prepaid,
    )
    entry = OrderTaken(order=row.id, amount=row.amount, prepaid=row.prepaid, why=found.answer.why)
    _weigh(act, row.customer_id, found.policy)
    act.note(credit_limits.chain_of(row.customer_id), entry)
    return answers.Order.of_row(row)


def _close_order(
    act: Act, order_id: str, status: Literal[OrderStatus.INVOICED, OrderStatus.CANCELLED]
) -> answers.Order:
    row = orders_and_loads.order(act.session, order_id, lock=True)
    if row.status is status:
        return answers.Order.of_row(row)
    if row.status is not OrderStatus.OPEN:
        raise OrderClosedError(order_id, row.status)
    row.status, row.closed_at = status, act.now
    _weigh(act, row.customer_id, policies.current(act.session)[1])
    kind = OrderInvoiced if status is OrderStatus.INVOICED else OrderCancelled
    act.note(credit_limits.chain_of(row.customer_id), kind(order=row.id))
    return answers.Order.of_row(row)


def _create_load(
    act: Act, number: str, customer_id: str, tariff: str | None, *, origin: str, destination: str
) -> answers.Load:
    customers.get(act.session, customer_id)
    if tariff is not None:
        tariffs.require_tariff(act.session, tariff)
    row = orders_and_loads.add_load(act, number, customer_id, tariff=tariff, origin=origin, destination=destination)
    act.note(credit_limits.chain_of(customer_id), LoadQuoted(load=row.id))
    return answers.Load.of(row)


def _advance_load(act: Act, load_id: str, expected: LoadStatus | None) -> tuple[answers.Load, bool]:
    """Return the load, and whether the rule was asked."""
    row = orders_and_loads.load(act.session, load_id, lock=True)
    before, following = row.status, row.status.following
    if expected is not None and expected is not before:
        raise LoadMovedError(load_id, before, expected)
    if following is None:
        raise LoadMovedError(load_id, before)
    asks, why = before is STOPS_AT, None
    if asks:
        question = Question(row.customer_id, Action.ADVANCE_LOAD, row.tariff, row.id)
        why = _let_pass(act, question).answer.why
    row.status, row.advanced_at = following, act.now
    entry = LoadAdvanced(load=row.id, before=before, after=following, why=why)
    act.note(credit_limits.chain_of(row.customer_id), entry)
    return answers.Load.of(row), asks


def _put_tariff(act: Act, code: str, *, name: str, currency: str, lanes: Sequence[Lane]) -> tuple[answers.Tariff, bool]:
    is_new = tariffs.put_tariff(act, code, name=name, currency=currency, lanes=lanes)
    [written] = [tariff for tariff in _tariffs(act.session).tariffs if tariff.code == code]
    act.note(audit.SYSTEM, TariffChanged(after=written.document()))
    return written, is_new


def _tariffs(session: Session) -> answers.Tariffs:
    return answers.Tariffs.of(tariffs.tariffs(session), tariffs.all_rates(session))


def _let_pass(act: Act, question: Question) -> Judgement:
    found = judge(act.session, question, act.now)
    if not found.allowed:
        raise refusal(act.session, found)
    return found


def _weigh(act: Act, customer_id: str, policy: Policy) -> None:
    if policy.exposure_counts_open_orders:
        credit_limits.evaluate(act, [customer_id], cause=LimitCause.ORDER)
