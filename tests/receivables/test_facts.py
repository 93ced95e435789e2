"""The SQL of the facts and of the scan against the rules written in Python."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.facts import Facts
from credit.policy import Policy
from credit.states import HoldStatus, ProposalKind, ProposalStatus
from credit.triggers import Admission, Disposition, Ending, TriggerKind, admit, crosses_threshold, warnings
from db.customers import UnknownCustomerError
from db.models import Credit, Customer, Exemption, Hold, Invoice, InvoiceDispute, PaymentPlan, Proposal
from db.receivables.admission import last_ending
from db.receivables.receivables import above_threshold, candidates, open_invoices, read_facts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TODAY = date(2026, 2, 10)
SNOOZE, GRACE = Policy().decline_snooze, Policy().release_grace


@dataclass(frozen=True)
class Item:
    overdue: int
    amount: str
    disputed: bool = False


@dataclass(frozen=True)
class Past:
    """A closed hold. Its proposals showed `shown`, the newest last."""

    status: HoldStatus
    ago: timedelta
    shown: tuple[str, ...] = ("30000",)
    was_in_force: bool = False


@dataclass(frozen=True)
class Case:
    items: tuple[Item, ...] = (Item(91, "25000.01"),)
    credits: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()
    open_hold: bool = False
    plan: bool = False
    exempt: tuple[tuple[int, bool], ...] = ()
    """Exemptions: the last day, counted from today, and whether somebody ended it early."""


amounts = st.sampled_from(["0", "0.01", "12500", "24999.99", "25000", "25000.01", "31250", "37500", "60000"])
items = st.builds(Item, st.sampled_from([-30, 0, 59, 90, 91, 400]), amounts, st.booleans())
pasts = st.builds(
    Past,
    st.sampled_from([HoldStatus.DECLINED, HoldStatus.RELEASED, HoldStatus.EXPIRED, HoldStatus.WITHDRAWN]),
    st.sampled_from([GRACE, SNOOZE]).flatmap(
        lambda quiet: st.sampled_from([timedelta(hours=1), quiet - timedelta(seconds=1), quiet, quiet * 3])
    ),
    st.lists(st.sampled_from(["0", "-5", "20000.01", "25000", "30000", "30000.01"]), min_size=1, max_size=2).map(tuple),
    st.booleans(),
)
cases = st.builds(
    Case,
    st.lists(items, max_size=3).map(tuple),
    st.lists(amounts, max_size=2).map(tuple),
    st.lists(pasts, max_size=2, unique_by=lambda past: past.ago).map(tuple),
    st.booleans().flatmap(lambda rare: st.booleans() if rare else st.just(False)),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from([-1, 0, 30]), st.booleans()), max_size=2).map(tuple),
)
shares = st.sampled_from([Decimal(0), Decimal("0.25"), Decimal("0.5")])
policies = st.builds(Policy, count_disputed=st.booleans(), worsened_share=shares, release_grace_worsened_share=shares)


def build(session: Session, number: int, case: Case) -> str:
    name = f"C{number:03}"
    session.add(Customer(id=name, name=f"Customer {number}", netsuite_id=name))
    session.flush()
    for at, item in enumerate(case.items):
        due = TODAY - timedelta(days=item.overdue)
        money = {"source_amount": Decimal(item.amount), "source_currency": "USD"}
        session.add(
            Invoice(id=f"{name}-{at}", customer_id=name, due_date=due, amount_open=Decimal(item.amount), **money)
        )
        session.flush()
        if item.disputed:
            session.add(InvoiceDispute(customer_id=name, invoice_id=f"{name}-{at}", source="desk"))
        session.add(InvoiceDispute(customer_id=name, invoice_id=f"{name}-{at}", source="desk", closed_at=NOW))
    for at, amount in enumerate(case.credits):
        money = {"source_amount": Decimal(amount), "source_currency": "USD"}
        session.add(Credit(id=f"{name}-c{at}", customer_id=name, amount_unapplied=Decimal(amount), **money))
    if case.plan:
        session.add(PaymentPlan(customer_id=name))
    session.add(PaymentPlan(customer_id=name, ended_at=NOW))
    for days, ended in case.exempt:
        over = {"ended_at": NOW, "ended_by": "mike", "end_reason": "no more"} if ended else {}
        until = TODAY + timedelta(days=days)
        agreed = {"owner": "mike", "reason": "agreed", "created_by": "mike", "created_at": NOW}
        session.add(Exemption(customer_id=name, until=until, **agreed, **over))
    for past in case.past:
        add_hold(session, name, past.status, NOW - past.ago, past.shown, in_force=past.was_in_force)
    if case.open_hold:
        add_hold(session, name, HoldStatus.IN_FORCE, None, ("99999",), in_force=True)
    session.flush()
    return name


def add_hold(
    session: Session,
    customer: str,
    status: HoldStatus,
    closed: datetime | None,
    shown: tuple[str, ...],
    *,
    in_force: bool,
) -> None:
    began = (closed or NOW) - timedelta(days=30)
    hold = Hold(
        id=uuid4(), customer_id=customer, status=status, reason="", warnings=[], run_id="r",
        proposed_at=began, in_force_at=began if in_force else None, closed_at=closed,
    )  # fmt: skip
    session.add(hold)
    session.flush()
    for at, amount in enumerate(shown):
        opened = began + timedelta(days=at)
        session.add(
            Proposal(
                hold_id=hold.id,
                kind=ProposalKind.PLACE,
                status=ProposalStatus.DECLINED,
                revision=at + 1,
                facts={"total_open": amount},
                warnings=[],
                note="",
                policy_version=1,
                opened_at=opened,
                due_at=opened,
                settled_at=opened,
            )
        )


def plain_facts(case: Case, policy: Policy) -> Facts:
    is_open = [item for item in case.items if Decimal(item.amount) > 0]
    disputed = [item for item in is_open if item.disputed]
    counted = [item for item in is_open if policy.count_disputed or not item.disputed]
    unapplied = sum((Decimal(amount) for amount in case.credits), Decimal(0))
    oldest = max((item.overdue for item in counted), default=None)
    return Facts(
        as_of=TODAY,
        currency=policy.ledger_currency,
        total_open=sum((Decimal(item.amount) for item in counted), Decimal(0)) - unapplied,
        ar_balance=sum((Decimal(item.amount) for item in is_open), Decimal(0)) - unapplied,
        days_overdue=max(0, oldest or 0),
        oldest_due_date=None if oldest is None else TODAY - timedelta(days=oldest),
        open_invoices=len(is_open),
        unapplied_credits=unapplied,
        disputed_amount=sum((Decimal(item.amount) for item in disputed), Decimal(0)),
        open_disputes=len(disputed),
        payment_plan=case.plan,
        prior_holds=sum(past.was_in_force for past in case.past),
        exempt_until=max(
            (TODAY + timedelta(days=days) for days, ended in case.exempt if days >= 0 and not ended), default=None
        ),
    )


def plain_ending(case: Case) -> Ending | None:
    decided = [past for past in case.past if past.status in (HoldStatus.DECLINED, HoldStatus.RELEASED)]
    last = min(decided, key=lambda past: past.ago, default=None)
    if last is None:
        return None
    declined = last.status is HoldStatus.DECLINED
    return Ending(declined=declined, at=NOW - last.ago, total_open=Decimal(last.shown[-1]))


MADE_OF = {
    Admission.ADMITTED: Disposition.PROPOSED,
    Admission.SNOOZED: Disposition.SNOOZED,
    Admission.IN_GRACE: Disposition.IN_GRACE,
    Admission.EXEMPT: Disposition.EXEMPT,
}


def compare(engine: Engine, given_cases: list[Case], policy: Policy) -> list[str]:
    with Session(engine) as session:
        wanted, dispositions = {}, {}
        for number, case in enumerate(given_cases):
            name = build(session, number, case)
            facts, ending = plain_facts(case, policy), plain_ending(case)
            assert read_facts(session, name, TODAY, policy) == facts
            assert last_ending(session, name) == ending
            admission = admit(TriggerKind.AR_AGING, facts, ending, NOW, policy)
            assert crosses_threshold(facts, policy) == (admission is not Admission.BELOW_THRESHOLD)
            if admission is not Admission.BELOW_THRESHOLD:
                dispositions[name] = Disposition.OPEN_HOLD if case.open_hold else MADE_OF[admission]
            if not case.open_hold and admission is Admission.ADMITTED:
                wanted[name] = facts
        seen = above_threshold(session, TODAY, policy, now=NOW)
        assert {one.candidate.customer_id: one.disposition for one in seen} == dispositions
        found = candidates(session, TODAY, policy, now=NOW)
        assert {one.customer_id: one.facts for one in found} == wanted
        assert [one.warnings for one in found] == [warnings(one.facts, policy) for one in found]
        paged = candidates(session, TODAY, policy, now=NOW, limit=1)
        while paged and (page := candidates(session, TODAY, policy, now=NOW, after=paged[-1].customer_id, limit=1)):
            paged += page
        assert paged == found
        session.rollback()
        return list(wanted)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(cases, min_size=1, max_size=6), policies)
@example([Case()], Policy())
def test_sql_and_the_rules_agree(engine: Engine, given_cases: list[Case], policy: Policy) -> None:
    compare(engine, given_cases, policy)


HOUR = timedelta(hours=1)
DECLINED, RELEASED, EXPIRED = HoldStatus.DECLINED, HoldStatus.RELEASED, HoldStatus.EXPIRED
LOUD = (Item(91, "30000"),)


@pytest.mark.parametrize(
    ("case", "proposed"),
    [
        (Case(), True),
        (Case((Item(90, "60000"),)), False),
        (Case((Item(91, "25000"),)), False),
        (Case((Item(91, "0.01"), Item(-30, "25000"))), True),
        (Case((Item(91, "60000"),), credits=("31250", "3750")), False),
        (Case((Item(400, "0"), Item(0, "60000"))), False),
        (Case(LOUD, open_hold=True), False),
        (Case(LOUD, past=(Past(DECLINED, SNOOZE - HOUR),)), False),
        (Case(LOUD, past=(Past(DECLINED, SNOOZE),)), True),
        (Case(LOUD, past=(Past(RELEASED, GRACE - HOUR),)), False),
        (Case(LOUD, past=(Past(RELEASED, GRACE),)), True),
        (Case((Item(91, "37499.99"),), past=(Past(RELEASED, HOUR),)), False),
        (Case((Item(91, "37500"),), past=(Past(RELEASED, HOUR),)), True),
        (Case(LOUD, exempt=((0, False),)), False),
        (Case(LOUD, exempt=((-1, False), (30, True))), True),
        (Case(LOUD, past=(Past(EXPIRED, HOUR),)), True),
        (Case(LOUD, past=(Past(EXPIRED, HOUR), Past(DECLINED, 2 * HOUR))), False),
        (Case((Item(91, "37499.99"),), past=(Past(DECLINED, HOUR),)), False),
        (Case((Item(91, "37500"),), past=(Past(DECLINED, HOUR),)), True),
        (Case((Item(91, "37500"),), past=(Past(DECLINED, HOUR, ("20000", "37000")),)), False),
    ],
)
def test_who_is_proposed(engine: Engine, case: Case, proposed: bool) -> None:  # noqa: FBT001
    assert compare(engine, [case], Policy()) == (["C000"] if proposed else [])


def test_a_policy_can_leave_disputed_invoices_out(engine: Engine) -> None:
    case = Case((Item(200, "40000", disputed=True), Item(91, "26000")))
    with Session(engine) as session:
        name = build(session, 0, case)
        facts = read_facts(session, name, TODAY, Policy(count_disputed=False))
        assert (facts.total_open, facts.ar_balance, facts.days_overdue) == (26000, 66000, 91)
        assert (facts.disputed_amount, facts.open_disputes, facts.open_invoices) == (40000, 1, 2)


def test_open_invoices_come_oldest_first(engine: Engine) -> None:
    with Session(engine) as session:
        name = build(session, 0, Case((Item(5, "1"), Item(9, "2"), Item(9, "3"), Item(99, "0"))))
        assert [one.id for one in open_invoices(session, name)] == ["C000-1", "C000-2", "C000-0"]
        (first,) = open_invoices(session, name, 1)
        assert (first.due_date, first.amount_open) == (TODAY - timedelta(days=9), 2)


def test_an_unknown_customer(engine: Engine) -> None:
    with Session(engine) as session, pytest.raises(UnknownCustomerError, match="nobody"):
        read_facts(session, "nobody", TODAY, Policy())
