"""Every number of the report against the same number worked out in plain Python."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from credit.report import Numbers, PeriodError, Spread, period_of
from credit.states import Beat, BeatStatus, HoldStatus, ProposalKind
from db.engine import transaction
from db.holds import report
from db.models import Hold, HoldBeat
from tests.report import plain
from tests.report.stories import Story, tell, write

NOW = datetime(2026, 11, 18, 13, 30, tzinfo=UTC)
TODAY = NOW.date()
EVER: plain.Within = lambda at: at is not None  # noqa: E731


def same(spread: Spread, wanted: tuple[int, float | None, float | None]) -> bool:
    return (spread.count, spread.median_seconds, spread.p90_seconds) == pytest.approx(wanted)


def as_plain(numbers: Numbers) -> dict[str, Any]:
    return numbers.model_dump(exclude={"time_to_decide", "time_held", "rates"})  # rates: test_surfaces.py


def agree(numbers: Numbers, wanted: dict[str, Any]) -> None:
    wanted = dict(wanted)
    decided, held = wanted.pop("time_to_decide"), wanted.pop("time_held")
    assert as_plain(numbers) == wanted
    assert numbers.time_to_decide.keys() == decided.keys()
    assert all(same(numbers.time_to_decide[kind], decided[kind]) for kind in decided)
    assert same(numbers.time_held, held)


@pytest.mark.parametrize("seed", range(5))
def test_every_number_of_a_period_and_of_all_time(engine: Engine, seed: int) -> None:
    stories = tell(seed, NOW)
    ages = [(NOW - one.in_force).total_seconds() for one in in_force(stories) if one.in_force]
    with Session(engine) as session:
        write(session, stories)
        for days in (0, 30, 90, 400):
            first = TODAY - timedelta(days=days)

            made = report.make(session, first=first, last=TODAY, now=NOW)

            agree(made.period, plain.numbers(stories, plain.days(first, TODAY)))
            agree(made.overall, plain.numbers(stories, EVER))
            assert same(made.now.time_in_force, plain.spread(ages))
            assert (made.now.in_force, made.currency) == (len(ages), "USD")


def in_force(stories: list[Story]) -> list[Story]:
    return [one for one in stories if one.status is HoldStatus.IN_FORCE]


@pytest.mark.parametrize(("first", "last"), [(date(2026, 6, 3), TODAY), (date(2026, 11, 16), date(2026, 11, 22))])
def test_weeks_add_up_and_none_is_left_out(engine: Engine, first: date, last: date) -> None:
    stories = tell(7, NOW, count=120)
    with Session(engine) as session:
        write(session, stories)
        weeks = report.weeks(session, first, last)

    monday = first - timedelta(days=first.weekday())
    assert [week.begins for week in weeks] == [
        monday + timedelta(weeks=number) for number in range((last - monday).days // 7 + 1)
    ]
    for week in weeks:
        within = plain.days(max(week.begins, first), min(week.begins + timedelta(days=6), last))
        wanted = plain.numbers(stories, within)
        assert week.proposed == sum(wanted["proposed_by_trigger"].values())
        assert {name: getattr(week, name) for name in wanted["outcomes"]} == wanted["outcomes"]
        assert (week.released, week.payments_while_held) == (wanted["released"], wanted["payments_while_held"])
        _, median, _ = plain.spread(plain.waits(stories, within, ProposalKind.PLACE))
        assert week.median_seconds_to_decide == pytest.approx(median)


def test_nothing_on_record_makes_no_rates(engine: Engine) -> None:
    with Session(engine) as session:
        made = report.make(session, first=TODAY, last=TODAY, now=NOW)
    assert made.period.released == 0
    assert set(made.period.outcomes.rates().values()) == {None}
    assert (made.period.override_rate, made.period.time_held) == (None, Spread())


def test_rates_are_shares_of_what_was_settled() -> None:
    outcomes = Numbers.model_fields["outcomes"].annotation(approved=5, declined=2, expired=1, withdrawn=0)  # type: ignore[misc]
    assert outcomes.rates() == {
        "approved": 0.625, "declined": 0.25, "expired": 0.125, "withdrawn": 0.0, "decided": 0.875,
    }  # fmt: skip


def test_beats_are_stuck_after_an_hour_begun_or_not(engine: Engine) -> None:
    stories = [one for one in tell(1, NOW) if one.status is HoldStatus.IN_FORCE][:1]
    approved = stories[0].asked[-1].settled
    assert approved
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    with transaction(engine) as session:
        write(session, stories)
        hold_id = session.scalars(select(Hold.id)).one()

        def beat(beat: Beat, status: BeatStatus, started: datetime | None = None) -> None:
            session.add(HoldBeat(hold_id=hold_id, beat=beat, status=status, started_at=started))

        beat(Beat.PUSH_NETSUITE, BeatStatus.RETRYING, NOW - hour - second)
        beat(Beat.NOTIFY_SALES_REP, BeatStatus.NEEDS_ATTENTION, NOW - hour)
        beat(Beat.DRAFT_CUSTOMER_NOTICE, BeatStatus.PENDING)
        beat(Beat.UNFLAG_CUSTOMER, BeatStatus.SKIPPED, NOW - 5 * hour)
    with Session(engine) as session:
        assert report.stuck_beats(session, NOW) == {"draft_customer_notice": 1, "push_netsuite": 1}
        assert report.stuck_beats(session, NOW + second) == {
            "draft_customer_notice": 1, "notify_sales_rep": 1, "push_netsuite": 1,
        }  # fmt: skip
        assert "draft_customer_notice" not in report.stuck_beats(session, approved + hour)


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2026, 2, 1), date(2026, 1, 1)), (None, date.max), (date.min, None), (None, date(1969, 1, 1))],
)
def test_days_that_make_no_period(first: date | None, last: date | None) -> None:
    with pytest.raises(PeriodError):
        period_of(first, last, today=TODAY)


def test_period_by_default() -> None:
    assert period_of(None, None, today=TODAY) == (TODAY - timedelta(days=90), TODAY)
