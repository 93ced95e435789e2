"""The numbers for people, counted from the record by set-based queries."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Numeric,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session, aliased

from credit.policy import Policy
from credit.report import Numbers, Outcomes, Report, Spread, Standing, Week
from credit.states import BEAT_OVER, HoldStatus, ProposalKind, ProposalStatus, ReleaseCause, Verdict
from db import policies
from db.holds import prior_holds
from db.models import AutoDecision, Decision, Hold, HoldBeat, HoldTrigger, Payment, PolicyVersion, Proposal
from db.receivables import admission

STUCK_AFTER = timedelta(hours=1)
_NOTHING = Decimal("0.00")


class Period(NamedTuple):
    """From `start` up to, not including, `end`; None is without limit."""

    start: datetime | None = None
    end: datetime | None = None

    def has(self, at: Any) -> ColumnElement[bool]:
        """Build whether a time lies within."""
        limits = [at.is_not(None)]
        limits += [at >= self.start] if self.start else []
        limits += [at < self.end] if self.end else []
        return and_(*limits)


ALL_TIME = Period()


def make(session: Session, *, first: date, last: date, now: datetime) -> Report:
    """Count everything: for the days from `first` to `last` (inclusive, UTC), for all time, and for now."""
    period = Period(_midnight(first), _midnight(last + timedelta(days=1)))
    _, policy = policies.current(session)
    return Report(
        first=first,
        last=last,
        currency=policy.ledger_currency,
        period=numbers(session, period),
        overall=numbers(session, ALL_TIME),
        now=standing(session, now),
        weeks=weeks(session, first, last),
    )


def numbers(session: Session, period: Period) -> Numbers:
    """Count what happened within a period."""
    released = _released(period)
    count, overridden, fell, *held = session.execute(
        select(
            func.count(),
            func.count().filter(released.c.overridden),
            func.coalesce(func.sum(func.greatest(released.c.open_before - released.c.open_after, 0)), _NOTHING),
            *_spread(released.c.held_seconds),
        )
    ).one()
    causes = select(func.coalesce(released.c.cause, "unknown"), func.count()).group_by(released.c.cause)
    return Numbers(
        proposed_by_trigger=_counts(
            session.execute(
                select(HoldTrigger.kind, func.count())
                .join(Hold, Hold.id == HoldTrigger.hold_id)
                .where(HoldTrigger.opened, period.has(Hold.proposed_at))
                .group_by(HoldTrigger.kind)
            )
        ),
        time_to_decide=time_to_decide(session, period),
        outcomes=_outcomes(session, period),
        released=count,
        release_causes=_counts(session.execute(causes)),
        overridden=overridden,
        time_held=_to_spread(held),
        payments_while_held=session.scalar(_payments_while_held(period)) or _NOTHING,
        open_amount_fell=fell,
    )


def time_to_decide(session: Session, period: Period) -> dict[str, Spread]:
    """Return kind of proposal -> how long decisions of the period took. One that was taken back does not count."""
    rows = session.execute(
        select(Proposal.kind, *_spread(_seconds(Decision.decided_at - Proposal.opened_at)))
        .join(Decision, Decision.proposal_id == Proposal.id)
        .where(period.has(Decision.decided_at), Decision.outcome.is_distinct_from("undone"))
        .group_by(Proposal.kind)
    )
    return {str(kind): _to_spread(spread) for kind, *spread in rows}


def time_held(session: Session, period: Period) -> Spread:
    """Return how long the holds released within the period had been in force."""
    seconds = _seconds(Hold.closed_at - Hold.in_force_at)
    query = select(*_spread(seconds)).where(Hold.status == HoldStatus.RELEASED, period.has(Hold.closed_at))
    return _to_spread(session.execute(query.where(Hold.in_force_at.is_not(None))).one())


def decisions(session: Session) -> dict[str, int]:
    """Return verdict -> decisions ever made, those taken back included: it never falls."""
    made = _counts(session.execute(select(Decision.verdict, func.count()).group_by(Decision.verdict)))
    return {verdict.value: made.get(verdict, 0) for verdict in Verdict}


def stuck_beats(session: Session, now: datetime) -> dict[str, int]:
    """Return beat -> how many have been unfinished for longer than `STUCK_AFTER`, since they began or could have."""
    wanted = select(func.max(Decision.applied_at)).where(Decision.hold_id == HoldBeat.hold_id).scalar_subquery()
    query = select(HoldBeat.beat, func.count()).where(
        HoldBeat.status.not_in(BEAT_OVER),
        func.coalesce(HoldBeat.started_at, wanted) < now - STUCK_AFTER,
    )
    return _counts(session.execute(query.group_by(HoldBeat.beat)))


def standing(session: Session, now: datetime) -> Standing:
    """Count what is the case now."""
    age = _seconds(literal(now) - Hold.in_force_at)
    in_force = session.execute(select(*_spread(age)).where(Hold.status == HoldStatus.IN_FORCE)).one()
    spread = _to_spread(in_force)
    return Standing(in_force=spread.count, time_in_force=spread, stuck_beats=stuck_beats(session, now))


def weeks(session: Session, first: date, last: date) -> list[Week]:
    """Return the weeks that the days from `first` to `last` touch, oldest first, none left out.

    Only what happened within those days counts, so the first and the last week may be partial.
    """
    period = Period(_midnight(first), _midnight(last + timedelta(days=1)))
    monday = first - timedelta(days=first.weekday())
    found = {
        begins: Week(begins=begins)
        for begins in (monday + timedelta(weeks=number) for number in range((last - monday).days // 7 + 1))
    }
    proposed = select(_week(Hold.proposed_at), func.count()).where(period.has(Hold.proposed_at))
    released = select(_week(Hold.closed_at), func.count()).where(
        Hold.status == HoldStatus.RELEASED, period.has(Hold.closed_at)
    )
    waited = _seconds(Decision.decided_at - Proposal.opened_at)
    decided = (
        select(_week(Decision.decided_at), func.percentile_cont(0.5).within_group(waited))
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(Proposal.kind == ProposalKind.PLACE, Decision.outcome.is_distinct_from("undone"))
        .where(period.has(Decision.decided_at))
    )
    paid = _payments_while_held(period).add_columns(_week(Payment.received_at))
    for begins, count in session.execute(proposed.group_by("week")):
        found[begins].proposed = count
    for begins, count in session.execute(released.group_by("week")):
        found[begins].released = count
    for begins, median in session.execute(decided.group_by("week")):
        found[begins].median_seconds_to_decide = float(median)
    for amount, begins in session.execute(paid.group_by("week")):
        found[begins].payments_while_held = amount
    settled = _settled(period, _week(Proposal.settled_at))
    for begins, status, count in session.execute(settled):
        setattr(found[begins], status.value, count)
    return list(found.values())


def _outcomes(session: Session, period: Period) -> Outcomes:
    return Outcomes(**{status.value: count for _, status, count in session.execute(_settled(period, literal(1)))})


def _settled(period: Period, bucket: ColumnElement[Any]) -> Any:
    """Build (bucket, status, count) of the proposals to place a hold that ended within the period."""
    grouping = bucket.label("bucket")
    return (
        select(grouping, Proposal.status, func.count())
        .outerjoin(Decision, Decision.proposal_id == Proposal.id)
        .where(
            Proposal.kind == ProposalKind.PLACE,
            Proposal.status != ProposalStatus.OPEN,
            period.has(Proposal.settled_at),
            or_(Decision.outcome.is_(None), Decision.outcome.not_in(("undone", "returned"))),
        )
        .group_by("bucket", Proposal.status)
    )


def _released(period: Period) -> Subquery:
    """Build one row for each hold released within the period: how long it held, what was open before and after."""
    placed = (
        select(cast(AutoDecision.facts["total_open"].astext, Numeric).label("total_open"))
        .join(Decision, Decision.id == AutoDecision.decision_id)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(AutoDecision.hold_id == Hold.id, Proposal.kind == ProposalKind.PLACE)
        .order_by(AutoDecision.decided_at.desc())
        .limit(1)
        .correlate(Hold)
        .scalar_subquery()
    )
    lifted = aliased(AutoDecision)
    let_go = (
        select(lifted.facts, PolicyVersion.settings)
        .join(PolicyVersion, PolicyVersion.version == lifted.policy_version)
        .join(Decision, Decision.id == lifted.decision_id)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(lifted.hold_id == Hold.id, lifted.verdict == Verdict.APPROVE, Proposal.kind == ProposalKind.RELEASE)
        .order_by(lifted.decided_at.desc())
        .limit(1)
        .correlate(Hold)
        .lateral("let_go")
    )
    request = prior_holds.deciding_request().lateral("request")
    default = Policy()
    still_stood = and_(
        cast(let_go.c.facts["days_overdue"].astext, Integer)
        > func.coalesce(cast(let_go.c.settings["trigger_days_overdue"].astext, Integer), default.trigger_days_overdue),
        cast(let_go.c.facts["total_open"].astext, Numeric)
        > func.coalesce(cast(let_go.c.settings["trigger_total_open"].astext, Numeric), default.trigger_total_open),
    )
    return (
        select(
            _seconds(Hold.closed_at - Hold.in_force_at).label("held_seconds"),
            placed.label("open_before"),
            admission.open_at_end_sql().label("open_after"),
            request.c.cause.label("cause"),
            case((request.c.cause == ReleaseCause.PERSON, still_stood), else_=False).label("overridden"),
        )
        .select_from(Hold)
        .outerjoin(let_go, true())
        .outerjoin(request, true())
        .where(Hold.status == HoldStatus.RELEASED, period.has(Hold.closed_at))
        .subquery("released")
    )


def _payments_while_held(period: Period) -> Any:
    """Build the sum of the payments received within the period by customers whose hold was in force then."""
    in_force = and_(
        Hold.customer_id == Payment.customer_id,
        Hold.in_force_at <= Payment.received_at,
        or_(Hold.closed_at.is_(None), Hold.closed_at > Payment.received_at),
    )
    return select(func.sum(Payment.amount)).join(Hold, in_force).where(period.has(Payment.received_at))


def _seconds(interval: Any) -> ColumnElement[Any]:
    return func.extract("epoch", interval)


def _spread(seconds: ColumnElement[Any]) -> Iterable[ColumnElement[Any]]:
    return (
        func.count(seconds),
        func.percentile_cont(0.5).within_group(seconds),
        func.percentile_cont(0.9).within_group(seconds),
    )


def _to_spread(row: Any) -> Spread:
    count, median, p90 = row
    return Spread(
        count=count,
        median_seconds=None if median is None else float(median),
        p90_seconds=None if p90 is None else float(p90),
    )


def _week(at: Any) -> ColumnElement[date]:
    """Build the Monday of a time's week, as `week`."""
    return cast(func.date_trunc("week", func.timezone("UTC", at)), Date).label("week")


def _counts(rows: Iterable[Any]) -> dict[str, int]:
    return {str(name): count for name, count in sorted((str(name), count) for name, count in rows)}


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
