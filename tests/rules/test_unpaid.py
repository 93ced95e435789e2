"""Nobody is freed without a person unless money came: the rule alone, whatever happens between two looks."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from credit import outcomes
from credit.credit_limit import LimitState
from credit.events import PlanStatus
from credit.facts import Facts
from credit.outcomes import Consequence, Effect, Outcome, Situation
from credit.policy import Policy
from credit.triggers import TriggerKind

POLICIES = st.builds(Policy, auto_release_on_payment=st.just(True), count_disputed=st.booleans())  # type: ignore[arg-type]
AMOUNTS = st.sampled_from([Decimal(number) for number in (-500, 0, 200, 24_000, 45_000, 500_000)])
CREDITS = st.sampled_from([Decimal(0), Decimal(200), Decimal(45_000)])


def situation(balance: Decimal, *, counted: Decimal | None = None, **more: object) -> Situation:
    facts = {
        "as_of": date(2026, 11, 20),
        "total_open": balance if counted is None else counted,
        "ar_balance": balance,
        "days_overdue": more.pop("days_overdue", 120),
        "limit_state": more.pop("limit_state", None),
        "open_disputes": more.pop("open_disputes", 0),
    }
    given = {"triggers": {TriggerKind.AR_AGING}, "received": Decimal(0)} | more
    return Situation.model_validate({"facts": Facts.model_validate(facts)} | given)


@st.composite
def situations(
    draw: st.DrawFn, received: st.SearchStrategy[Decimal], credited: st.SearchStrategy[Decimal]
) -> Situation:
    balance = draw(AMOUNTS)
    return situation(
        balance,
        counted=draw(st.sampled_from([balance, Decimal(0)])),
        days_overdue=draw(st.sampled_from([0, 89, 120])),
        limit_state=draw(st.sampled_from([None, *LimitState])),
        open_disputes=draw(st.sampled_from([0, 1])),
        triggers=draw(st.sampled_from([{TriggerKind.AR_AGING}, {TriggerKind.CREDIT_LIMIT}, {TriggerKind.MANUAL}])),
        plan_status=draw(st.sampled_from([None, *PlanStatus])),
        disputes_opened=draw(st.sampled_from([0, 1])),
        received=draw(received),
        credited=draw(credited),
    )


@dataclass
class Looked:
    situation: Situation
    effects: list[Effect]


def looks(seen: list[Situation], policy: Policy) -> list[Looked]:
    """Look once for each situation, as a hold in force is looked at; the first look only remembers."""
    found, before = [], seen[0]
    for now in seen[1:]:
        found.append(Looked(now, outcomes.effects(before, now, policy)))
        before = outcomes.follow(before, now)
    return found


def releases(looked: Looked) -> list[Effect]:
    return [one for one in looked.effects if one.consequence is Consequence.RELEASE]


UNPAID = st.lists(situations(st.just(Decimal(700)), st.just(Decimal(200))), min_size=2, max_size=6)


@given(UNPAID, POLICIES)
def test_without_money_nothing_is_ever_released_without_a_person(seen: list[Situation], policy: Policy) -> None:
    assert [one for looked in looks(seen, policy) for one in releases(looked)] == []


@given(
    st.lists(situations(st.sampled_from([Decimal(0), Decimal(200), Decimal(45_000)]), CREDITS), min_size=2, max_size=6),
    POLICIES,
)
def test_what_is_released_was_paid_for_since_the_approval(seen: list[Situation], policy: Policy) -> None:
    came = Decimal(0)
    for before, looked in zip(seen, looks(seen, policy), strict=False):
        now = looked.situation
        assert before.received is not None
        assert now.received is not None
        came += max(now.received - before.received, Decimal(0)) + max(now.credited - before.credited, Decimal(0))
        for one in releases(looked):
            assert (one.outcome, now.paid) == (Outcome.PAID_IN_FULL, True)
            assert came >= seen[0].facts.ar_balance - now.facts.ar_balance


def ways(before: Situation, now: Situation, policy: Policy) -> list[tuple[str, str]]:
    found = outcomes.effects(before, now, policy)
    return [(one.outcome, one.consequence) for one in found if one.consequence is not Consequence.NOTHING]


AUTO = Policy(auto_release_on_payment=True)
OWING = situation(Decimal(45_000))


def test_money_that_came_releases() -> None:
    paid = situation(Decimal(0), days_overdue=0, received=Decimal(45_000))
    assert ways(OWING, paid, AUTO) == [("paid_in_full", "release")]
    credited = situation(Decimal(0), days_overdue=0, credited=Decimal(45_000))
    assert ways(OWING, credited, AUTO) == [("paid_in_full", "release")]


def test_a_credit_that_the_ledger_used_up_is_no_unpaid_fall() -> None:
    before = situation(Decimal(45_000), credited=Decimal(5_000))
    paid = situation(Decimal(0), days_overdue=0, received=Decimal(45_000))
    assert ways(before, paid, AUTO) == [("paid_in_full", "release")]


def test_invoices_that_only_vanish_are_asked_about_even_when_the_rest_is_paid_later() -> None:
    vanished = situation(Decimal(200), days_overdue=0)
    assert ways(OWING, vanished, AUTO) == [("cause_gone", "propose_release")]
    before = outcomes.follow(OWING, vanished)
    paid = situation(Decimal(0), days_overdue=0, received=Decimal(200))
    [effect] = outcomes.effects(before, paid, AUTO)
    assert effect.consequence is Consequence.PROPOSE_RELEASE
    assert effect.line.endswith("no payment or credit accounts for 44,800.00 of it, so a person decides")


def test_a_situation_that_was_stored_before_money_was_kept_is_read_and_asked_about() -> None:
    stored = OWING.model_dump(mode="json", exclude={"received", "credited", "unpaid_fall"})
    before = Situation.model_validate(stored | {"a_field_of_the_next_version": 1})
    paid = situation(Decimal(0), days_overdue=0, received=Decimal(45_000))
    assert ways(before, paid, AUTO) == [("paid_in_full", "propose_release")]
