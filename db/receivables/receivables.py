"""What a customer owes, and whom AR aging would propose: one SQL definition for both (docs/decisions/0010)."""

from collections.abc import Callable, Collection
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    Numeric,
    RowMapping,
    Select,
    Subquery,
    bindparam,
    exists,
    func,
    literal,
    select,
    true,
)
from sqlalchemy.orm import Session

from credit.events import PromiseOutcome
from credit.facts import Facts
from credit.policy import Policy
from credit.templates import OpenInvoice
from credit.triggers import Disposition, warnings
from db.customers import UnknownCustomerError
from db.models import (
    AccountingProfile,
    Credit,
    CreditHoldEntry,
    Customer,
    Hold,
    Invoice,
    InvoiceDispute,
    PaymentPlan,
    PromiseToPay,
)
from db.receivables import admission, exemptions

_NOTHING = literal(Decimal("0.00"), Numeric)
_Restriction = Callable[[Any], ColumnElement[bool]]
"""Says of a customer-id column which customers are asked about. Every table gets it, so that paging reads one page."""


class Candidate(BaseModel):
    """A customer that AR aging would propose a hold for."""

    model_config = ConfigDict(frozen=True)

    customer_id: str
    customer_name: str
    facts: Facts
    warnings: list[str]
    """What an approver should know first; none of them blocks."""


class Assessed(NamedTuple):
    """A customer above the threshold, and what a scan makes of it."""

    candidate: Candidate
    disposition: Disposition


class _FactsSql(NamedTuple):
    """The facts of many customers as a query, with the expressions that a filter needs."""

    query: Select[*tuple[Any, ...]]
    counted: ColumnElement[Decimal]
    """Open invoices that count, before credits; null for a customer without any."""
    days_since_oldest: ColumnElement[Any]
    """As-of date minus the oldest due date: negative before it, null without open invoices."""
    total_open: ColumnElement[Decimal]
    exempt_until: ColumnElement[Any]


def _is_disputed() -> ColumnElement[bool]:
    """Whether the invoice of the enclosing query has an open dispute."""
    return exists().where(
        InvoiceDispute.invoice_id == Invoice.id,
        InvoiceDispute.customer_id == Invoice.customer_id,
        InvoiceDispute.closed_at.is_(None),
    )


def _owed(only: _Restriction, *, count_disputed: bool) -> Subquery:
    """Open invoices that count, summed by customer. An index-only scan where disputed ones count."""
    query = select(
        Invoice.customer_id,
        func.sum(Invoice.amount_open).label("amount"),
        func.min(Invoice.due_date).label("oldest"),
        func.count().label("invoices"),
    ).where(Invoice.amount_open > 0, only(Invoice.customer_id))
    if not count_disputed:
        query = query.where(~_is_disputed())
    return query.group_by(Invoice.customer_id).subquery("owed")


def _facts_sql(as_of: ColumnElement[date], only: _Restriction, *, count_disputed: bool) -> _FactsSql:
    """Build the one definition of a customer's facts on a day, for the customers that `only` names."""
    owed = _owed(only, count_disputed=count_disputed)
    unapplied = (
        select(func.coalesce(func.sum(Credit.amount_unapplied), _NOTHING).label("amount"))
        .where(Credit.customer_id == Customer.id, Credit.amount_unapplied > 0)
        .lateral("unapplied")
    )
    disputed = (
        select(func.coalesce(func.sum(Invoice.amount_open), _NOTHING).label("amount"), func.count().label("invoices"))
        .join(InvoiceDispute, InvoiceDispute.invoice_id == Invoice.id)
        .where(
            InvoiceDispute.customer_id == Customer.id,
            InvoiceDispute.closed_at.is_(None),
            Invoice.customer_id == Customer.id,
            Invoice.amount_open > 0,
        )
        .lateral("disputed")
    )
    in_plan = exists().where(PaymentPlan.customer_id == Customer.id, PaymentPlan.ended_at.is_(None))
    prior_holds = (
        select(func.count())
        .where(Hold.customer_id == Customer.id, Hold.in_force_at.is_not(None), Hold.closed_at.is_not(None))
        .scalar_subquery()
    )
    exempt_until = exemptions.until_sql(Customer.id, as_of)
    total_open = func.coalesce(owed.c.amount, _NOTHING) - unapplied.c.amount
    left_out = literal(0) if count_disputed else disputed.c.invoices
    days_since_oldest = as_of - owed.c.oldest
    query = (
        select(
            Customer.id.label("customer_id"),
            Customer.name.label("customer_name"),
            total_open.label("total_open"),
            (total_open if count_disputed else total_open + disputed.c.amount).label("ar_balance"),
            func.greatest(days_since_oldest, 0).label("days_overdue"),
            owed.c.oldest.label("oldest_due_date"),
            (func.coalesce(owed.c.invoices, 0) + left_out).label("open_invoices"),
            unapplied.c.amount.label("unapplied_credits"),
            disputed.c.amount.label("disputed_amount"),
            disputed.c.invoices.label("open_disputes"),
            in_plan.label("payment_plan"),
            _promise(func.coalesce(func.sum(PromiseToPay.amount), _NOTHING), is_open=True).label("promised_amount"),
            _promise(func.min(PromiseToPay.promised_for), is_open=True).label("promised_for"),
            _promise(func.count(), is_open=False).label("broken_promises"),
            prior_holds.label("prior_holds"),
            exempt_until.label("exempt_until"),
            *_limit(),
        )
        .select_from(Customer)
        .outerjoin(owed, owed.c.customer_id == Customer.id)
        .join(unapplied, true())
        .join(disputed, true())
        .where(only(Customer.id))
    )
    return _FactsSql(query, owed.c.amount, days_since_oldest, total_open, exempt_until)


def _promise(what: ColumnElement[Any], *, is_open: bool) -> ColumnElement[Any]:
    """Look at the enclosing query's customer: at its unsettled promise (it has one at most), or at its broken ones."""
    counted = PromiseToPay.settled_at.is_(None) if is_open else PromiseToPay.outcome == PromiseOutcome.BROKEN
    return select(what).where(PromiseToPay.customer_id == Customer.id, counted).scalar_subquery()


def _limit() -> list[ColumnElement[Any]]:
    """Look at how the enclosing query's customer stands with its credit limit, and what else blocks all tariffs."""
    profile = (AccountingProfile.credit_limit, AccountingProfile.exposure, AccountingProfile.limit_state)
    besides = select(CreditHoldEntry.source).where(
        CreditHoldEntry.customer_id == Customer.id,
        CreditHoldEntry.ended_at.is_(None),
        CreditHoldEntry.tariffs.is_(None),
        CreditHoldEntry.hold_id.is_(None),
    )
    mine = AccountingProfile.customer_id == Customer.id
    return [
        *(select(column).where(mine).scalar_subquery().label(column.key) for column in profile),
        func.array(besides.order_by(CreditHoldEntry.created_at).scalar_subquery()).label("blocked_by"),
    ]


def _facts(row: RowMapping, as_of: date, policy: Policy) -> Facts:
    return Facts(
        as_of=as_of, currency=policy.ledger_currency, **{key: row[key] for key in Facts.model_fields if key in row}
    )


def read_facts(session: Session, customer_id: str, as_of: date, policy: Policy) -> Facts:
    """Return what `customer_id` owes on `as_of`, by one query; amounts in the ledger's currency.

    `prior_holds` counts holds that came into force and are over: never the one that is open now.

    Raises:
        UnknownCustomerError: no such customer.
    """
    found = read_many(session, [customer_id], as_of, policy)
    if not found:
        raise UnknownCustomerError(customer_id)
    return found[customer_id]


def read_many(session: Session, customer_ids: Collection[str], as_of: date, policy: Policy) -> dict[str, Facts]:
    """Return what each of these customers owes on `as_of`, by one query; unknown ones are left out."""
    values = {"as_of": as_of, "customers": list(customer_ids)}
    rows = session.execute(_of_these(count_disputed=policy.count_disputed), values)
    return {row["customer_id"]: _facts(row, as_of, policy) for row in rows.mappings()}


@cache
def _of_these(*, count_disputed: bool) -> Select[*tuple[Any, ...]]:
    """Build the query of the customers named by the parameters `as_of` and `customers`."""
    day: BindParameter[date] = bindparam("as_of", type_=Date)
    customers: BindParameter[Any] = bindparam("customers", expanding=True)
    return _facts_sql(day, lambda column: column.in_(customers), count_disputed=count_disputed).query


def open_invoices(session: Session, customer_id: str, limit: int | None = None) -> list[OpenInvoice]:
    """Return the customer's open invoices, the oldest due date first, ties by id; at most `limit` of them."""
    rows = session.execute(
        select(Invoice.id, Invoice.due_date, Invoice.amount_open)
        .where(Invoice.customer_id == customer_id, Invoice.amount_open > 0)
        .order_by(Invoice.due_date, Invoice.id)
        .limit(limit)
    )
    return [OpenInvoice(id=row.id, due_date=row.due_date, amount_open=row.amount_open) for row in rows]


def candidates(
    session: Session, as_of: date, policy: Policy, *, now: datetime, after: str | None = None, limit: int | None = None
) -> list[Candidate]:
    """Return whom AR aging would propose on `as_of`: see `above_threshold`."""
    found = above_threshold(session, as_of, policy, now=now, after=after, limit=limit, only_proposed=True)
    return [assessed.candidate for assessed in found]


def above_threshold(
    session: Session,
    as_of: date,
    policy: Policy,
    *,
    now: datetime,
    after: str | None = None,
    limit: int | None = None,
    only_proposed: bool = False,
) -> list[Assessed]:
    """Return every customer above the threshold on `as_of` and what a scan makes of it, by one set-based query.

    In the order of customer ids. The rule is `credit.triggers.crosses_threshold` and `admit`:
    `days_overdue > 90 AND total_open > 25000` (service-hold spec), no hold open, not exempt, not in the snooze after a
    decline or the grace after a release unless `total_open` grew by the policy's share.

    Args:
        as_of: the day the receivables are looked at.
        policy: thresholds, snooze and grace.
        now: the aware time against which snooze and grace run.
        after: only customers whose id sorts behind this one in the database's order: the last id of the page before.
        limit: how many at most; None for all.
        only_proposed: leave out those that would not be proposed.
    """

    def only(column: Any) -> ColumnElement[bool]:
        return true() if after is None else column > after

    facts = _facts_sql(literal(as_of, Date), only, count_disputed=policy.count_disputed)
    ending = admission.ending_sql(Customer.id).lateral("ending")
    disposition = admission.disposition_sql(ending, facts.total_open, facts.exempt_until, now=now, policy=policy)
    query = (
        facts.query.add_columns(disposition.label("disposition"))
        .outerjoin(ending, true())
        .where(
            facts.days_since_oldest > policy.trigger_days_overdue,
            facts.counted > policy.trigger_total_open,  # implied by the next line; alone it reaches the first scan
            facts.total_open > policy.trigger_total_open,
        )
        .order_by(Customer.id)
        .limit(limit)
    )
    if only_proposed:
        query = query.where(disposition == Disposition.PROPOSED)
    # A page of a prepared query would be planned for an unknown page: 0.4 s instead of 20 ms at 200,000 customers.
    session.execute(select(func.set_config("plan_cache_mode", "force_custom_plan", True)))
    found = []
    for row in session.execute(query).mappings():
        current = _facts(row, as_of, policy)
        candidate = Candidate(
            customer_id=row["customer_id"],
            customer_name=row["customer_name"],
            facts=current,
            warnings=warnings(current, policy),
        )
        found.append(Assessed(candidate, Disposition(row["disposition"])))
    return found
