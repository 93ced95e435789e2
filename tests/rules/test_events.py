"""The rules of events, as plain functions."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from credit.commitments import instalments_covered, keeps_promise
from credit.disputes import Pattern, pattern, speaks_for_release
from credit.facts import Facts
from credit.health import Risk, proposes_hold, why
from credit.policy import Policy
from credit.states import HoldStatus
from credit.templates import CUSTOMER_NOTICE, REVIEW_NOTICE, customer_notice, recommended_next_call
from credit.triggers import Admission, Ending, ReasonClass, TriggerKind, admit, reason_class, warnings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HEALTH, DISPUTES, AGING, MANUAL = (
    TriggerKind.CUSTOMER_HEALTH,
    TriggerKind.REPEATED_DISPUTES,
    TriggerKind.AR_AGING,
    TriggerKind.MANUAL,
)
EVENT_KINDS = [HEALTH, DISPUTES]


def facts(total_open: str = "0", **more: object) -> Facts:
    amount = Decimal(total_open)
    return Facts(as_of=NOW.date(), total_open=amount, ar_balance=amount, days_overdue=0, **more)


@pytest.mark.parametrize(
    ("risk", "disputes", "proposed", "says"),
    [
        (Risk.HIGH, 1, True, "1 dispute on"),
        (Risk.HIGH, 0, False, "never disputed"),
        (Risk.MEDIUM, 9, False, "not high"),
        (Risk.LOW, 0, False, "not high"),
    ],
)
def test_high_risk_and_history_propose(risk: Risk, disputes: int, proposed: bool, says: str) -> None:  # noqa: FBT001
    assert proposes_hold(risk, disputes) is proposed
    assert says in why(risk, disputes)


@pytest.mark.parametrize(
    ("recent", "reviewed", "found"),
    [
        (2, False, Pattern.NONE),
        (2, True, Pattern.NONE),
        (3, False, Pattern.REPEATED),
        (3, True, Pattern.REVIEWED),
        (7, False, Pattern.REPEATED),
    ],
)
def test_disputes_make_a_pattern(recent: int, reviewed: bool, found: Pattern) -> None:  # noqa: FBT001
    assert pattern(recent, review_staged_in_window=reviewed, policy=Policy()) is found
    assert pattern(2, review_staged_in_window=False, policy=Policy(repeated_disputes_count=2)) is Pattern.REPEATED


def test_only_an_approved_hold_is_asked_to_be_released() -> None:
    assert [status for status in HoldStatus if speaks_for_release(status)] == [
        HoldStatus.APPLYING,
        HoldStatus.IN_FORCE,
    ]
    assert not speaks_for_release(None)


@pytest.mark.parametrize("kind", EVENT_KINDS)
def test_triggers_of_events_need_no_threshold_and_wait_out_snooze_and_grace(kind: TriggerKind) -> None:
    policy = Policy()
    declined = Ending(declined=True, at=NOW - policy.decline_snooze + timedelta(hours=1), total_open=Decimal(100))
    released = Ending(declined=False, at=NOW - policy.release_grace + timedelta(hours=1), total_open=Decimal(100))
    nothing = Ending(declined=True, at=NOW, total_open=Decimal(0))

    assert admit(kind, facts(), None, NOW, policy) is Admission.ADMITTED
    assert admit(kind, facts("100"), declined, NOW, policy) is Admission.SNOOZED
    assert admit(kind, facts("100"), released, NOW, policy) is Admission.IN_GRACE
    assert admit(kind, facts("125"), declined, NOW, policy) is Admission.ADMITTED
    assert admit(kind, facts("100"), declined, NOW + timedelta(hours=1), policy) is Admission.ADMITTED
    assert admit(kind, facts("0"), nothing, NOW, policy) is Admission.SNOOZED
    assert admit(kind, facts(exempt_until=NOW.date()), None, NOW, policy) is Admission.EXEMPT
    assert admit(AGING, facts(), None, NOW, policy) is Admission.BELOW_THRESHOLD


@pytest.mark.parametrize(
    ("kinds", "ground"),
    [
        ([AGING, HEALTH, DISPUTES, MANUAL], ReasonClass.DELINQUENCY),
        ([HEALTH, MANUAL, DISPUTES], ReasonClass.MANUAL),
        ([HEALTH, DISPUTES], ReasonClass.DISPUTE_PATTERN),
        ([HEALTH], ReasonClass.PREDICTION),
    ],
)
def test_a_hold_rests_on_its_strongest_ground(kinds: list[TriggerKind], ground: ReasonClass) -> None:
    assert reason_class(kinds) is ground


def test_only_delinquency_and_a_person_s_word_claim_debts() -> None:
    assert {ground: customer_notice(ground) for ground in ReasonClass} == {
        ReasonClass.DELINQUENCY: CUSTOMER_NOTICE,
        ReasonClass.CREDIT_LIMIT: REVIEW_NOTICE,
        ReasonClass.MANUAL: CUSTOMER_NOTICE,
        ReasonClass.DISPUTE_PATTERN: REVIEW_NOTICE,
        ReasonClass.PREDICTION: REVIEW_NOTICE,
    }
    assert "do not dun" in recommended_next_call(facts(), [], ReasonClass.PREDICTION)


def test_promises_are_shown_as_warnings() -> None:
    found = warnings(
        facts("20000", promised_for=date(2026, 12, 1), promised_amount=Decimal(500), broken_promises=2), Policy()
    )
    assert "promised to pay 500.00 USD by 2026-12-01" in found
    assert "2 broken promises to pay" in found


def test_what_payments_cover() -> None:
    assert keeps_promise(Decimal(10), Decimal(10))
    assert not keeps_promise(Decimal(10), Decimal("9.99"))
    amounts = [Decimal(10), Decimal(20), Decimal(30)]
    assert [instalments_covered(amounts, Decimal(paid)) for paid in (0, 9, 10, 29, 30, 60, 99)] == [0, 0, 1, 1, 2, 3, 3]
