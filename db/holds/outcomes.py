"""A hold in force is looked at: what happened since the last look is noted, and what follows from it is done.

`review` may be called at any time and any number of times. It takes the hold's lock first, like everything that
changes a hold, so that a look and an event never see each other half done.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BindParameter, Select, bindparam, func, select
from sqlalchemy.orm import Session

from credit import composed, outcomes
from credit.actors import OwnActor
from credit.audit_entries.holds import OUTCOMES
from credit.events import PlanStatus, PromiseOutcome
from credit.outcomes import Consequence, Effect, Situation
from credit.policy import Policy
from credit.states import HoldStatus, ProposalKind, ProposalStatus, ReleaseCause
from db import audit, policies
from db.act import Act
from db.holds import decisions, holds, proposals, releases
from db.models import (
    AuditEvent,
    Hold,
    HoldException,
    HoldTrigger,
    InvoiceDispute,
    PaymentPlan,
    PaymentPlanInstalment,
    PromiseToPay,
    Proposal,
    ReleaseRequest,
)
from db.receivables import commitments, payment_plans, payments
from db.receivables.commitments import Undertaken

AUTO_RELEASE = OwnActor.AUTO_RELEASE
"""Who decided a release that the policy makes without a person."""
_AGAIN = "asked again, nobody decided: "
_IN_FORCE = (HoldStatus.APPLYING, HoldStatus.IN_FORCE)


def review(act: Act, hold_id: UUID) -> None:
    """Note what happened to a hold in force since the last look, and do what follows. Repeated, it does nothing.

    The first look, when the approval is obeyed, only remembers: what was so then was approved all the same.
    """
    hold = holds.lock(act.session, hold_id)
    if hold.status not in _IN_FORCE:
        return
    _, policy = policies.current(act.session)
    since, calendar = hold.proposed_at, policy.calendar
    undertaken = commitments.settle_due(act.session, hold.customer_id, since=since, calendar=calendar, now=act.now)
    exceptions = exceptions_of(act.session, hold.id)
    seen = _look(act.session, hold, undertaken.plan, exceptions, policy, act.now)
    if hold.situation is not None:
        before = Situation.model_validate(hold.situation)
        found = outcomes.effects(before, seen, policy)
        seen = outcomes.follow(before, seen)
        told = _told_since(act.session, hold_id, before.noted)
        for effect in found:
            _apply(act, hold, effect, told=effect.outcome in told)
        _weigh_release(act, hold, outcomes.standing_causes(seen, policy))
        proposals.revise_if_moved(act, hold, seen.facts, policy)
    noted = audit.newest_seq(act.session, hold_id)
    hold.situation = seen.model_copy(update={"noted": noted}).model_dump(mode="json")
    hold.next_review_at = _next_review_at(act.session, hold, undertaken, exceptions, policy, act.now)
    act.session.flush()


def _next_review_at(
    session: Session, hold: Hold, undertaken: Undertaken, exceptions: list[HoldException], policy: Policy, now: datetime
) -> datetime:
    """Return when time alone changes something next: a promise, an instalment, a date, an exception; a day at most."""
    begins, ends = (_in(policy, edge) for edge in (outcomes.day_begins, outcomes.day_ends))
    promise, plan = undertaken
    due = [now + outcomes.LOOK_AGAIN]
    due += [ends(promise.promised_for)] if promise else []
    if plan is not None and plan.ended_at is None:
        due += [ends(row.due_date) for row in payment_plans.instalments(session, plan.id) if row.paid_at is None]
    due += [begins(day) for day in (hold.end_date, hold.review_date) if day]
    due += [ends(row.until) for row in exceptions if row.ended_at is None]
    return min(at for at in due if at > now)


def exceptions_of(session: Session, hold_id: UUID) -> list[HoldException]:
    """Return a hold's exceptions, those that are over too, the next to end first."""
    query = select(HoldException).where(HoldException.hold_id == hold_id)
    return list(session.scalars(query.order_by(HoldException.until, HoldException.created_at)))


def _in(policy: Policy, edge: Callable[..., datetime]) -> Callable[..., datetime]:
    return lambda day: edge(day, policy.calendar)


# --- how things stand --------------------------------------------------------------------------------------------


def _look(
    session: Session,
    hold: Hold,
    plan: PaymentPlan | None,
    exceptions: list[HoldException],
    policy: Policy,
    now: datetime,
) -> Situation:
    begins, ends = (_in(policy, edge) for edge in (outcomes.day_begins, outcomes.day_ends))
    over = [row for row in exceptions if row.ended_at is None and now >= ends(row.until)]
    return Situation(
        facts=proposals.read_facts(session, hold, policy, now),
        plan_id=plan.id if plan else None,
        plan_status=plan.status if plan else None,
        end_date_reached=hold.end_date is not None and now >= begins(hold.end_date),
        review_due=hold.review_date is not None and now >= begins(hold.review_date),
        exceptions_over=len(over),
        **_of_record(session, hold),
    )


def _of_record(session: Session, hold: Hold) -> dict[str, Any]:
    """Return what the hold rests on, the customer's plans, promises and disputes, and its money, by one query."""
    values = {"hold_id": hold.id, "customer_id": hold.customer_id}
    return dict(session.execute(_record_sql(), values).mappings().one())


@cache
def _record_sql() -> Select[*tuple[Any, ...]]:
    customer_id: BindParameter[str] = bindparam("customer_id")
    plans = select(PaymentPlan.id).where(PaymentPlan.customer_id == customer_id)
    missed, one = PaymentPlanInstalment.missed_at, PromiseToPay.customer_id == customer_id
    disputes = InvoiceDispute.customer_id == customer_id
    counted = {
        "plans_kept": (PaymentPlan.customer_id == customer_id, PaymentPlan.outcome == PlanStatus.KEPT),
        "instalments_missed": (PaymentPlanInstalment.plan_id.in_(plans), missed.is_not(None)),
        "promises_made": (one,),
        "promises_kept": (one, PromiseToPay.outcome == PromiseOutcome.KEPT),
        "promises_broken": (one, PromiseToPay.outcome == PromiseOutcome.BROKEN),
        "disputes_opened": (disputes,),
        "disputes_closed": (disputes, InvoiceDispute.closed_at.is_not(None)),
    }
    counts = [select(func.count()).where(*where).scalar_subquery().label(name) for name, where in counted.items()]
    money = [payments.received(customer_id).label("received"), payments.credited(customer_id).label("credited")]
    kinds = func.array(select(HoldTrigger.kind).where(HoldTrigger.hold_id == bindparam("hold_id")).scalar_subquery())
    return select(*counts, *money, kinds.label("triggers"))


def _told_since(session: Session, hold_id: UUID, noted: int) -> set[str]:
    """Return what the hold's record has said since the last look: an event that came in has its line already."""
    query = select(AuditEvent.action).where(AuditEvent.chain == str(hold_id), AuditEvent.seq > noted)
    return set(session.scalars(query))


# --- what follows ------------------------------------------------------------------------------------------------


def _apply(act: Act, hold: Hold, effect: Effect, *, told: bool) -> None:
    if told:
        return  # an event that came in has its line, and asks for the release itself
    act.by_system.note(hold.id, OUTCOMES[effect.outcome](why=effect.line))
    if effect.cause is None or hold.status not in _IN_FORCE:
        return
    _request(act, hold, effect, effect.cause)
    if effect.consequence is Consequence.RELEASE:
        _release_at_once(act, hold, effect)


def _request(act: Act, hold: Hold, effect: Effect, cause: ReleaseCause) -> None:
    reason = f"{effect.outcome.replace('_', ' ')}: {effect.line}"
    releases.request(act.by_system, hold.id, f"outcome/{uuid4()}", cause, reason)


def _release_at_once(act: Act, hold: Hold, effect: Effect) -> None:
    """Decide the open release in the policy's name, and begin it. A person who was deciding finds it decided."""
    proposal = holds.newest_proposal(act.session, hold.id)
    if proposal.kind is not ProposalKind.RELEASE or proposal.status is not ProposalStatus.OPEN:
        return  # a person's approval is under way
    decision = decisions.approve_by_policy(act.by(AUTO_RELEASE), hold, reason=effect.line)
    decisions.settle(act, hold_id=hold.id, decision_id=decision.id)


def _weigh_release(act: Act, hold: Hold, standing: frozenset[ReleaseCause]) -> None:
    """Withdraw an undecided release whose every cause is gone again; ask again for one that expired while it stood."""
    if hold.status not in _IN_FORCE:
        return
    proposal = holds.newest_proposal(act.session, hold.id)
    if proposal.kind is ProposalKind.RELEASE and proposal.status is ProposalStatus.OPEN:
        _withdraw_groundless(act, hold, proposal, standing)
    elif proposal.kind is ProposalKind.RELEASE and proposal.status is ProposalStatus.EXPIRED:
        _ask_again(act, hold, proposal, standing - {ReleaseCause.PERSON})


def _ask_again(act: Act, hold: Hold, expired: Proposal, standing: frozenset[ReleaseCause]) -> None:
    """Nobody said no. What a person asked for is the person's to ask for again."""
    query = select(ReleaseRequest.cause, ReleaseRequest.reason).where(ReleaseRequest.proposal_id == expired.id)
    for cause, reason in act.session.execute(query.order_by(ReleaseRequest.at)).all():
        if cause in standing:
            again = composed.reason(f"{_AGAIN}{reason.removeprefix(_AGAIN)}")
            releases.request(act.by_system, hold.id, f"again/{expired.id}/{cause}", cause, again)


def _withdraw_groundless(act: Act, hold: Hold, proposal: Proposal, standing: frozenset[ReleaseCause]) -> None:
    asked = act.session.scalars(select(ReleaseRequest.cause).where(ReleaseRequest.proposal_id == proposal.id)).all()
    causes = set(asked) or {ReleaseCause.PERSON}  # an approval taken back: its requests stay with the one before
    if causes.isdisjoint(standing):
        gone = ", ".join(sorted(cause.replace("_", " ") for cause in causes))
        releases.withdraw(act, hold, proposal, f"what asked for it is gone again: {gone}")
