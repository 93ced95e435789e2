"""A look notes what happened since the last one, does what follows, and asks again only for what is new."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from credit.calendar import Calendar
from credit.events import PlanStatus, PromiseOutcome
from credit.notices import SYSTEM
from credit.outcomes import LOOK_AGAIN, ScheduledDate
from credit.policy import Policy
from credit.states import Verdict
from credit.triggers import TriggerKind
from db import audit, policy_change
from db.act import Act
from db.errors import BadInputError, ClaimedByAnotherError, NotInForceError
from db.holds import by_hand, decisions, holds
from db.holds.outcomes import AUTO_RELEASE
from db.models import AutoDecision, Decision, Notification, PaymentPlan, PromiseToPay, ReleaseRequest, User
from db.receivables import payment_plans
from tests.outcomes.rows import DAY, HAPPENINGS, NOON, TODAY, Held, decide, held, let_through, set_date


@pytest.fixture
def session(shared_engine: Engine) -> Iterator[Session]:
    """A transaction that nobody else will ever see."""
    with Session(shared_engine) as one:
        yield one


@pytest.fixture
def it(session: Session) -> Held:
    return held(session, with_plan=True, with_promise=True)


def change_policy(session: Session, **changes: object) -> None:
    policy_change.change(Act(session, "test", NOON), Policy.model_validate(changes), note="for a test")


def asked(it: Held) -> list[str]:
    query = select(ReleaseRequest.cause).where(ReleaseRequest.hold_id == it.hold_id).order_by(ReleaseRequest.at)
    return list(it.session.scalars(query))


@pytest.mark.parametrize(
    ("happening", "lines"),
    [
        ("paid_in_full", {"paid_in_full", "plan_kept", "promise_kept", "release_requested"}),
        ("cause_gone", {"part_paid", "cause_gone", "plan_kept", "promise_kept", "release_requested"}),
        ("part_paid", {"part_paid"}),
        ("plan_agreed", {"plan_agreed", "release_requested"}),
        ("plan_kept", {"part_paid", "plan_kept", "promise_kept", "release_requested"}),
        ("instalment_missed", {"instalment_missed", "promise_broken"}),
        ("instalment_told_missed", {"instalment_missed"}),
        ("promise_made", {"promise_made"}),
        ("promise_kept", {"part_paid", "promise_kept"}),
        ("dispute_opened", {"dispute_opened", "release_requested"}),
        ("dispute_closed", {"dispute_closed"}),
        ("end_date_reached", {"hold_dates_set", "end_date_reached", "release_requested"}),
        ("review_due", {"hold_dates_set", "review_due"}),
    ],
)
def test_every_outcome_has_its_lines_once(it: Held, happening: str, lines: set[str]) -> None:
    HAPPENINGS[happening](it)
    it.look()
    it.look()

    assert set(it.told()) == lines
    assert len([one for one in it.told() if one != "release_requested"]) == len(lines - {"release_requested"})


def test_a_look_without_news_writes_nothing(it: Held) -> None:
    it.look()
    it.look()
    assert it.told() == []


def test_after_a_part_payment_everything_stands_on_the_new_oldest_invoice(session: Session) -> None:
    it = held(session, TriggerKind.MANUAL)
    it.pay("40000")
    it.look()

    facts = holds.view(session, it.hold_id).facts
    assert (facts.oldest_due_date, facts.days_overdue, facts.total_open) == (TODAY - 30 * DAY, 30, 5000)
    line = audit.chain_of(session, it.hold_id)[-1].detail["why"]
    oldest = f"the oldest open invoice was due {TODAY - 30 * DAY}, 30 days overdue"
    assert line == f"open 45,000.00 -> 5,000.00 USD; {oldest}"


def test_what_asked_for_the_release_is_gone_again_and_so_is_the_release(it: Held) -> None:
    HAPPENINGS["plan_agreed"](it)
    it.look()
    plan = it.session.scalars(select(PaymentPlan).where(PaymentPlan.ended_at.is_(None))).one()
    payment_plans.miss(it.session, plan, 1, it.now)
    it.look()

    assert (it.proposal().kind, it.proposal().status) == ("release", "withdrawn")
    assert it.told()[-2:] == ["instalment_missed", "release_withdrawn"]


def test_a_release_that_a_person_asked_for_stays(it: Held) -> None:
    HAPPENINGS["plan_agreed"](it)
    it.look()
    change = {"cause": "person", "id": "r1", "reason": "x", "actor": "robin", "at": NOON}
    it.session.add(ReleaseRequest(hold_id=it.hold_id, proposal_id=it.proposal().id, **change))
    plan = it.session.scalars(select(PaymentPlan).where(PaymentPlan.ended_at.is_(None))).one()
    payment_plans.miss(it.session, plan, 1, it.now)
    it.look()

    assert it.state() == "R"


def test_a_declined_release_is_asked_for_again_only_for_something_new(it: Held) -> None:
    HAPPENINGS["dispute_opened"](it)
    it.look()
    decide(it, Verdict.DECLINE)
    it.now += DAY / 24
    it.look()
    assert it.state() == "."

    it.pay("45000")
    it.look()
    assert it.state() == "R"
    assert "payment" in asked(it)


def test_a_payment_in_time_that_we_hear_of_late_keeps_the_promise_and_mends_the_plan(it: Held) -> None:
    it.now += DAY
    it.look()
    assert it.told() == ["instalment_missed", "promise_broken"]

    it.pay("7000", paid_on=TODAY)
    it.look()

    assert it.session.scalars(select(PromiseToPay.outcome)).all() == [PromiseOutcome.KEPT]
    assert it.session.get_one(PaymentPlan, it.plan_id).status is PlanStatus.KEPT
    assert it.state() == "R"


def test_a_payment_after_the_day_keeps_nothing(it: Held) -> None:
    it.now += DAY
    it.look()
    it.pay("7000", paid_on=TODAY + DAY)
    it.look()

    assert it.session.scalars(select(PromiseToPay.outcome)).all() == [PromiseOutcome.BROKEN]
    assert it.session.get_one(PaymentPlan, it.plan_id).status is PlanStatus.BROKEN


def test_a_day_ends_where_the_calendar_is(session: Session) -> None:
    change_policy(session, calendar=Calendar(time_zone="America/Los_Angeles"))
    it = held(session, with_promise=True)
    it.now = datetime(2026, 11, 21, 7, 59, tzinfo=UTC)  # 23:59 in Los Angeles
    it.look()
    assert it.told() == []
    assert it.hold().next_review_at == datetime(2026, 11, 21, 8, tzinfo=UTC)

    it.now = datetime(2026, 11, 21, 8, tzinfo=UTC)
    it.look()
    assert it.told() == ["promise_broken"]


# --- when it looks again ------------------------------------------------------------------------------------------


def test_it_looks_again_when_something_is_due_and_daily_at_the_latest(session: Session) -> None:
    it = held(session)
    assert it.hold().next_review_at == NOON + LOOK_AGAIN
    midnight = datetime(2026, 11, 21, tzinfo=UTC)
    for set_up in (
        lambda one: set_date(one, ScheduledDate.END, TODAY + DAY),
        lambda one: set_date(one, ScheduledDate.REVIEW, TODAY + DAY),
        lambda one: let_through(one, TODAY),
    ):
        other = held(session)
        set_up(other)
        assert other.hold().next_review_at == midnight
    for promised in ({"with_plan": True}, {"with_promise": True}):
        assert held(session, **promised).hold().next_review_at == midnight


# --- without a person ---------------------------------------------------------------------------------------------


def test_an_automatic_release_leaves_the_record_of_a_decision(session: Session) -> None:
    change_policy(session, auto_release_on_payment=True)
    it = held(session)
    it.pay("45000")
    it.look()

    assert it.hold().status == "releasing"
    decision = session.scalars(select(Decision).where(Decision.proposal_id == it.proposal().id)).one()
    assert (decision.actor, decision.outcome) == ("policy auto_release_on_payment", "approved")
    assert decision.applied_at == it.now
    remembered = session.scalars(select(AutoDecision).where(AutoDecision.decision_id == decision.id)).one()
    assert remembered.decided_by == decision.actor
    assert it.told() == ["paid_in_full", "release_requested", "proposal_approved"]


def test_a_person_who_was_deciding_finds_it_decided(session: Session) -> None:
    change_policy(session, auto_release_on_payment=True)
    it = held(session)
    HAPPENINGS["dispute_opened"](it)
    it.look()
    claim, _ = decisions.claim(Act(session, "mike", it.now), it.hold())
    it.pay("45000")
    it.look()

    assert it.state() == "L"
    assert claim.released_at == it.now


def by_policy(it: Held) -> None:
    it.pay("45000")
    it.look()


@pytest.mark.parametrize("how", [by_policy, HAPPENINGS["overridden"]])
def test_nobody_is_asked_to_decide_what_was_decided_at_once(session: Session, how: Callable[[Held], None]) -> None:
    session.add(User(login="ann", name="Ann", email="ann@example.test", role="approver"))
    change_policy(session, auto_release_on_payment=True)
    it = held(session)
    session.execute(update(Notification).values(sent_at=it.now))  # of the hold itself, long ago
    how(it)

    waiting = select(Notification.event).where(Notification.hold_id == it.hold_id, Notification.sent_at.is_(None))
    assert it.hold().status == "releasing"
    assert session.scalars(waiting.where(Notification.channel == "mail")).all() == []
    assert "proposal.opened" in session.scalars(waiting.where(Notification.channel == "webhook")).all()


@pytest.mark.parametrize("kind", [TriggerKind.MANUAL, TriggerKind.REPEATED_DISPUTES, TriggerKind.CUSTOMER_HEALTH])
def test_what_rests_on_more_than_debt_waits_for_a_person(session: Session, kind: TriggerKind) -> None:
    change_policy(session, auto_release_on_payment=True)
    it = held(session, kind)
    it.pay("40000")
    it.look()
    assert it.state() == "."
    it.pay("5000")
    it.look()
    assert it.state() == "R"


# --- what people set ----------------------------------------------------------------------------------------------


def test_what_follows_from_a_persons_deed_is_the_systems(it: Held, session: Session) -> None:
    change_policy(session, auto_release_on_payment=True)
    it.pay("50000")
    set_date(it, ScheduledDate.END)  # the day has come, and the look that comes with it finds the payment
    session.flush()
    names = {event.action: event.actor for event in audit.chain_of(session, it.hold_id)}
    assert names["hold_dates_set"] == "mike"
    assert {names[one] for one in ("end_date_reached", "paid_in_full", "release_requested")} == {SYSTEM}
    assert names["proposal_approved"] == AUTO_RELEASE
    assert {row.actor for row in session.scalars(select(ReleaseRequest))} == {SYSTEM}


def test_an_end_date_that_was_put_off_comes_again(it: Held) -> None:
    set_date(it, ScheduledDate.END)
    assert asked(it) == ["end_date"]
    set_date(it, ScheduledDate.END, TODAY + DAY)
    assert (it.state(), it.told()[-1]) == (".", "release_withdrawn")

    it.now += DAY
    it.look()
    assert it.state() == "R"
    assert it.told().count("end_date_reached") == 2


def test_an_exception_ends_with_its_last_day_or_by_a_person(it: Held) -> None:
    first, second = let_through(it, TODAY), let_through(it, TODAY)
    by_hand.end_exception(Act(it.session, "mike", it.now), it.hold(), first.id, reason="cancelled")
    it.now += DAY
    it.look()

    assert it.told().count("exception_ended") == 1
    for over in (first, second):
        with pytest.raises(BadInputError, match="counts"):
            by_hand.end_exception(Act(it.session, "mike", it.now), it.hold(), over.id, reason="again")
    with pytest.raises(BadInputError, match="is over"):
        let_through(it, TODAY)


def test_only_a_hold_in_force_has_dates_and_exceptions(it: Held) -> None:
    HAPPENINGS["overridden"](it)
    assert it.told()[-2:] == ["proposal_approved", "overridden"]
    with pytest.raises(NotInForceError, match="releasing"):
        set_date(it, ScheduledDate.END)
    with pytest.raises(NotInForceError):
        let_through(it, TODAY)


def test_an_override_waits_for_who_is_deciding(it: Held) -> None:
    HAPPENINGS["dispute_opened"](it)
    it.look()
    decisions.claim(Act(it.session, "ann", it.now), it.hold())
    with pytest.raises(ClaimedByAnotherError):
        HAPPENINGS["overridden"](it)


def test_an_override_above_the_amount_still_takes_two(session: Session) -> None:
    it = held(session)
    change_policy(session, second_approver_above=1)
    first = by_hand.override(Act(session, "mike", it.now), it.hold(), reason="a deal", is_admin=False)
    assert isinstance(first, decisions.FirstApproval)
    assert "overridden" not in it.told()
    second = by_hand.override(Act(session, "ann", it.now), it.hold(), reason="a deal", is_admin=False)
    assert isinstance(second, Decision)
    assert it.told()[-1] == "overridden"
