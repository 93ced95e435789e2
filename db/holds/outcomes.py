"""A hold in force is looked at: what happened since the last look is noted, and what follows from it is done.

`review` may be called at any time and any number of times. It takes the hold's lock first, like everything that
changes a hold, so that a look and an event never see each other half done.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from credit import commitments, outcomes
from credit.events import PlanStatus, PromiseOutcome
from credit.outcomes import Consequence, Effect, Situation
from credit.policy import Policy
from credit.states import HoldStatus, ProposalKind, ProposalStatus, ReleaseCause
from db import audit, policies
from db.holds import decisions, holds, proposals, releases
from db.models import (
    AuditEvent,
    Hold,
    HoldException,
    InvoiceDispute,
    PaymentPlan,
    PaymentPlanInstalment,
    PromiseToPay,
    ReleaseRequest,
)
from db.receivables import payment_plans, payments, promises

AUTO_RELEASE = "policy auto_release_on_payment"
"""Who decided a release that the policy makes without a person."""
_SYSTEM_ACTOR = "service-holds"
_IN_FORCE = (HoldStatus.APPLYING, HoldStatus.IN_FORCE)


def review(session: Session, hold_id: UUID, now: datetime) -> None:
    """Note what happened to a hold in force since the last look, and do what follows. Repeated, it does nothing.

    The first look, when the approval is obeyed, only remembers: what was so then was approved all the same.
    """
    hold = holds.lock(session, hold_id)
    if hold.status not in _IN_FORCE:
        return
    _, policy = policies.current(session)
    _settle_promises(session, hold, policy, now)
    _settle_instalments(session, hold, policy, now)
    seen = _look(session, hold, policy, now)
    if hold.situation is not None:
        before = Situation.model_validate(hold.situation)
        found = outcomes.effects(before, seen, policy)
        seen = outcomes.follow(before, seen)
        told = _told_since(session, hold_id, before.noted)
        for effect in found:
            _apply(session, hold, effect, now, told=effect.outcome in told)
        _withdraw_groundless(session, hold, outcomes.standing_causes(seen, policy), now)
        proposals.revise_if_moved(session, hold, seen.facts, policy, now)
    noted = _newest_note(session, hold_id)
    hold.situation = seen.model_copy(update={"noted": noted}).model_dump(mode="json")
    hold.next_review_at = next_review_at(session, hold, policy, now)
    session.flush()


def next_review_at(session: Session, hold: Hold, policy: Policy, now: datetime) -> datetime:
    """Return when time alone changes something next: a promise, an instalment, a date, an exception; a day at most."""
    begins, ends = (_in(policy, edge) for edge in (outcomes.day_begins, outcomes.day_ends))
    promise, plan = promises.open_of(session, hold.customer_id), payment_plans.active_of(session, hold.customer_id)
    due = [now + outcomes.LOOK_AGAIN]
    due += [ends(promise.promised_for)] if promise else []
    if plan is not None:
        due += [ends(row.due_date) for row in payment_plans.instalments(session, plan.id) if row.paid_at is None]
    due += [begins(day) for day in (hold.end_date, hold.review_date) if day]
    due += [ends(row.until) for row in exceptions_of(session, hold.id) if row.ended_at is None]
    return min(at for at in due if at > now)


def exceptions_of(session: Session, hold_id: UUID) -> list[HoldException]:
    """Return a hold's exceptions, those that are over too, the next to end first."""
    query = select(HoldException).where(HoldException.hold_id == hold_id)
    return list(session.scalars(query.order_by(HoldException.until, HoldException.created_at)))


def _in(policy: Policy, edge: Callable[..., datetime]) -> Callable[..., datetime]:
    return lambda day: edge(day, policy.calendar)


# --- what time has settled ---------------------------------------------------------------------------------------


def _settle_promises(session: Session, hold: Hold, policy: Policy, now: datetime) -> None:
    """Settle the promise whose day is over. A payment made in time that we hear of later keeps it all the same."""
    promise = promises.open_of(session, hold.customer_id)
    if promise is not None:
        if _kept(session, promise):
            promises.settle(session, promise, PromiseOutcome.KEPT, now)
        elif now >= outcomes.day_ends(promise.promised_for, policy.calendar):
            promises.settle(session, promise, PromiseOutcome.BROKEN, now)
    broken = select(PromiseToPay).where(
        PromiseToPay.customer_id == hold.customer_id,
        PromiseToPay.outcome == PromiseOutcome.BROKEN,
        PromiseToPay.settled_at >= hold.proposed_at,
    )
    for row in session.scalars(broken):
        if _kept(session, row):
            row.outcome = PromiseOutcome.KEPT
    session.flush()


def _kept(session: Session, promise: PromiseToPay) -> bool:
    paid = payments.received_since(session, promise.customer_id, promise.made_at, promise.promised_for)
    return commitments.keeps_promise(promise.amount, paid)


def _settle_instalments(session: Session, hold: Hold, policy: Policy, now: datetime) -> None:
    """Miss the instalments whose day is over. A payment made in time that we hear of later mends the broken plan."""
    plan = payment_plans.active_of(session, hold.customer_id) or _newest_plan(session, hold.customer_id)
    if plan is None or plan.status not in (PlanStatus.AGREED, PlanStatus.BROKEN):
        return
    rows = payment_plans.instalments(session, plan.id)
    late = [row for row in rows if not _paid_in_time(session, plan, rows[: row.number])]
    if plan.status is PlanStatus.BROKEN:
        missed = [row for row in rows if row.missed_at is not None]
        if not missed or any(row in late for row in missed):
            return
        for row in missed:
            row.missed_at = None
        plan.ended_at = plan.outcome = None
        session.flush()
    paid = payments.received_since(session, hold.customer_id, plan.agreed_at)
    covered = commitments.instalments_covered([row.amount for row in rows], paid)
    payment_plans.mark_paid(session, plan, covered, now)
    for row in late:
        if row.paid_at is None and now >= outcomes.day_ends(row.due_date, policy.calendar):
            payment_plans.miss(session, plan, row.number, now)
            return


def _paid_in_time(session: Session, plan: PaymentPlan, due: Sequence[PaymentPlanInstalment]) -> bool:
    """Whether what is due up to and with the last of these instalments was paid by its day."""
    paid = payments.received_since(session, plan.customer_id, plan.agreed_at, due[-1].due_date)
    return paid >= sum((row.amount for row in due), Decimal(0))


def _newest_plan(session: Session, customer_id: str) -> PaymentPlan | None:
    query = select(PaymentPlan).where(PaymentPlan.customer_id == customer_id)
    newest = (PaymentPlan.ended_at.desc().nulls_first(), PaymentPlan.agreed_at.desc(), PaymentPlan.id)
    return session.scalars(query.order_by(*newest).limit(1)).one_or_none()


# --- how things stand --------------------------------------------------------------------------------------------


def _look(session: Session, hold: Hold, policy: Policy, now: datetime) -> Situation:
    plan = _newest_plan(session, hold.customer_id)
    begins, ends = (_in(policy, edge) for edge in (outcomes.day_begins, outcomes.day_ends))
    over = [row for row in exceptions_of(session, hold.id) if row.ended_at is None and now >= ends(row.until)]
    return Situation(
        facts=proposals.read_facts(session, hold, policy, now),
        triggers=frozenset(holds.trigger_kinds(session, hold.id)),
        plan_id=plan.id if plan else None,
        plan_status=plan.status if plan else None,
        end_date_reached=hold.end_date is not None and now >= begins(hold.end_date),
        review_due=hold.review_date is not None and now >= begins(hold.review_date),
        exceptions_over=len(over),
        received=payments.received(session, hold.customer_id),
        credited=payments.credited(session, hold.customer_id),
        **_counts(session, hold.customer_id),
    )


def _counts(session: Session, customer_id: str) -> dict[str, int]:
    """Count the customer's plans, promises and disputes, by one query."""
    plans = select(PaymentPlan.id).where(PaymentPlan.customer_id == customer_id)
    missed, one = PaymentPlanInstalment.missed_at, PromiseToPay.customer_id == customer_id
    disputes = InvoiceDispute.customer_id == customer_id
    wanted = {
        "plans_kept": (PaymentPlan.customer_id == customer_id, PaymentPlan.outcome == PlanStatus.KEPT),
        "instalments_missed": (PaymentPlanInstalment.plan_id.in_(plans), missed.is_not(None)),
        "promises_made": (one,),
        "promises_kept": (one, PromiseToPay.outcome == PromiseOutcome.KEPT),
        "promises_broken": (one, PromiseToPay.outcome == PromiseOutcome.BROKEN),
        "disputes_opened": (disputes,),
        "disputes_closed": (disputes, InvoiceDispute.closed_at.is_not(None)),
    }
    counts = [select(func.count()).where(*where).scalar_subquery().label(name) for name, where in wanted.items()]
    return dict(session.execute(select(*counts)).mappings().one())


def _told_since(session: Session, hold_id: UUID, noted: int) -> set[str]:
    """Return what the hold's record has said since the last look: an event that came in has its line already."""
    query = select(AuditEvent.action).where(AuditEvent.chain == str(hold_id), AuditEvent.seq > noted)
    return set(session.scalars(query))


def _newest_note(session: Session, hold_id: UUID) -> int:
    return session.scalar(select(func.max(AuditEvent.seq)).where(AuditEvent.chain == str(hold_id))) or 0


# --- what follows ------------------------------------------------------------------------------------------------


def _apply(session: Session, hold: Hold, effect: Effect, now: datetime, *, told: bool) -> None:
    if told:
        return  # an event that came in has its line, and asks for the release itself
    detail = {"why": effect.line}
    audit.append(session, chain=hold.id, actor=_SYSTEM_ACTOR, action=effect.outcome, at=now, detail=detail)
    if effect.cause is None or hold.status not in _IN_FORCE:
        return
    _request(session, hold, effect, effect.cause, now)
    if effect.consequence is Consequence.RELEASE:
        _release_at_once(session, hold, effect, now)


def _request(session: Session, hold: Hold, effect: Effect, cause: ReleaseCause, now: datetime) -> None:
    reason = f"{effect.outcome.replace('_', ' ')}: {effect.line}"
    releases.request(
        session,
        hold_id=hold.id,
        request_id=f"outcome/{uuid4()}",
        cause=cause,
        reason=reason,
        actor=_SYSTEM_ACTOR,
        asked_at=now,
        now=now,
    )


def _release_at_once(session: Session, hold: Hold, effect: Effect, now: datetime) -> None:
    """Decide the open release in the policy's name, and begin it. A person who was deciding finds it decided."""
    proposal = holds.newest_proposal(session, hold.id)
    if proposal.kind is not ProposalKind.RELEASE or proposal.status is not ProposalStatus.OPEN:
        return  # a person's approval is under way
    decision = decisions.approve_by_policy(session, hold, name=AUTO_RELEASE, reason=effect.line, now=now)
    decisions.settle(session, hold_id=hold.id, decision_id=decision.id, now=now)


def _withdraw_groundless(session: Session, hold: Hold, standing: frozenset[ReleaseCause], now: datetime) -> None:
    """Withdraw the undecided release whose every cause is gone again."""
    proposal = holds.newest_proposal(session, hold.id)
    if proposal.kind is not ProposalKind.RELEASE or proposal.status is not ProposalStatus.OPEN:
        return
    asked = session.scalars(select(ReleaseRequest.cause).where(ReleaseRequest.proposal_id == proposal.id)).all()
    causes = set(asked) or {ReleaseCause.PERSON}  # an approval taken back: its requests stay with the one before
    if causes.isdisjoint(standing):
        gone = ", ".join(sorted(cause.replace("_", " ") for cause in causes))
        releases.withdraw(session, hold, proposal, f"what asked for it is gone again: {gone}", now)
