"""The numbers an operator watches, counted from the record."""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from credit.report import Spread
from credit.states import BEAT_OVER, OPEN_HOLD, ProposalKind, ProposalStatus
from db.freight import limit_transitions
from db.holds import notifications, report, requests
from db.holds.report import Period
from db.models import Decision, Hold, HoldBeat, InboundEvent, MessageDecision, Proposal

LOOKS_BACK = timedelta(days=90)
"""The time over which quantiles are taken."""


_OUTBOXES = {
    "decision": (Decision.applied_at.is_(None),),
    "message_decision": (MessageDecision.applied_at.is_(None),),
    "request": requests.OPEN,
    "event": (InboundEvent.handled_at.is_(None),),
    "crossed_limit": limit_transitions.OPEN,
}


class Gauges(NamedTuple):
    """One look. Ages are in seconds, 0 where nothing waits."""

    holds: dict[str, int]
    """Open holds by status."""
    proposals_waiting: int
    oldest_proposal_age: float
    beats: dict[tuple[str, str], int]
    """Unfinished beats of holds by (beat, status)."""
    oldest_unfinished_beat_age: float
    decisions_undelivered: int
    outboxes: dict[str, int]
    """What it is -> rows that Temporal is told of, and whose effect is not there. Repairs are `beats`."""
    notifications_undelivered: int
    notifications_given_up: int
    beats_stuck: dict[str, int]
    """Beat -> unfinished for longer than an hour."""
    decisions: dict[str, int]
    """Verdict -> decisions ever made; never falls."""
    time_to_decide: Spread
    """Of proposals to place a hold decided within `LOOKS_BACK`."""
    time_held: Spread
    """Of holds released within `LOOKS_BACK`."""


def read(session: Session, now: datetime) -> Gauges:
    holds = session.execute(select(Hold.status, func.count()).where(Hold.status.in_(OPEN_HOLD)).group_by(Hold.status))
    waiting, oldest = session.execute(
        select(func.count(), func.min(Proposal.opened_at)).where(Proposal.status == ProposalStatus.OPEN)
    ).one()
    unfinished = HoldBeat.status.not_in(BEAT_OVER)
    beats = session.execute(
        select(HoldBeat.beat, HoldBeat.status, func.count()).where(unfinished).group_by(HoldBeat.beat, HoldBeat.status)
    )
    slowest = session.scalar(select(func.min(HoldBeat.started_at)).where(unfinished))
    undelivered = session.scalar(select(func.count()).where(Decision.applied_at.is_(None)))
    lately = Period(start=now - LOOKS_BACK)
    return Gauges(
        holds={str(status): count for status, count in holds},
        proposals_waiting=waiting,
        oldest_proposal_age=_age(oldest, now),
        beats={(str(beat), str(status)): count for beat, status, count in beats},
        oldest_unfinished_beat_age=_age(slowest, now),
        decisions_undelivered=undelivered or 0,
        outboxes={name: session.scalar(select(func.count()).where(*waits)) or 0 for name, waits in _OUTBOXES.items()},
        notifications_undelivered=notifications.undelivered(session),
        notifications_given_up=notifications.given_up(session),
        beats_stuck=report.stuck_beats(session, now),
        decisions=report.decisions(session),
        time_to_decide=report.time_to_decide(session, lately).get(ProposalKind.PLACE, Spread()),
        time_held=report.time_held(session, lately),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since else 0.0
