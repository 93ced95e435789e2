"""The report's numbers once more, from the lives themselves and in plain Python."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from credit.states import HoldStatus, ProposalKind, ReleaseCause
from tests.report.stories import OPEN, Asked, Story

Within = Callable[[datetime | None], bool]


def days(first: date, last: date) -> Within:
    start = datetime.combine(first, time(), UTC)
    end = datetime.combine(last + timedelta(days=1), time(), UTC)
    return lambda at: at is not None and start <= at < end


def spread(seconds: Sequence[float]) -> tuple[int, float | None, float | None]:
    def quantile(share: float) -> float | None:
        if not seconds:
            return None
        ordered, rank = sorted(seconds), share * (len(seconds) - 1)
        low = int(rank)
        return ordered[low] + (ordered[min(low + 1, len(ordered) - 1)] - ordered[low]) * (rank - low)

    return len(seconds), quantile(0.5), quantile(0.9)


def waits(stories: Sequence[Story], within: Within, kind: ProposalKind) -> list[float]:
    return [
        (asked.settled - asked.opened).total_seconds()
        for story in stories
        for asked in story.asked
        if asked.kind is kind and asked.outcome not in (None, "undone") and asked.settled and within(asked.settled)
    ]


def numbers(stories: Sequence[Story], within: Within) -> dict[str, Any]:
    released = [one for one in stories if one.status is HoldStatus.RELEASED and within(one.closed)]
    placed = [one for story in stories for one in story.asked if one.kind is ProposalKind.PLACE]
    settled = Counter(
        one.status.value
        for one in placed
        if one.status is not OPEN and one.outcome not in ("undone", "returned") and within(one.settled)
    )
    let_go = [(story, story.asked[-1]) for story in released]
    fell = [approved_amount(story) - last.total_open for story, last in let_go]
    kinds = [kind for kind in ProposalKind if waits(stories, within, kind)]
    return {
        "proposed_by_trigger": Counter(one.trigger.value for one in stories if within(one.asked[0].opened)),
        "time_to_decide": {kind.value: spread(waits(stories, within, kind)) for kind in kinds},
        "outcomes": {name: settled[name] for name in ("approved", "declined", "expired", "withdrawn")},
        "released": len(released),
        "release_causes": Counter(last.cause.value for _, last in let_go if last.cause),
        "overridden": sum(
            last.cause is ReleaseCause.PERSON and last.days_overdue > 90 and last.total_open > 25000
            for _, last in let_go
        ),
        "time_held": spread([(s.closed - s.in_force).total_seconds() for s in released if s.closed and s.in_force]),
        "payments_while_held": payments(stories, within),
        "open_amount_fell": sum((max(one, Decimal(0)) for one in fell), Decimal(0)),
    }


def approved_amount(story: Story) -> Decimal:
    approval: Asked = next(one for one in story.asked if one.kind is ProposalKind.PLACE and one.outcome == "approved")
    return approval.total_open


def payments(stories: Sequence[Story], within: Within) -> Decimal:
    return sum(
        (
            amount
            for story in stories
            for at, amount in story.payments
            if within(at) and story.in_force and story.in_force <= at and (story.closed is None or at < story.closed)
        ),
        Decimal(0),
    )
