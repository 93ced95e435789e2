"""What is proposed, and what settles it. Every function first locks the hold: whoever comes second is refused."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.facts import Facts, moved_materially
from credit.hold import OpenedHold, PriorDecision, proposal_note
from credit.notices import Cause, Occasion
from credit.plain_text import kept
from credit.policy import Policy
from credit.states import HoldStatus, ProposalKind, ProposalStatus
from credit.triggers import Admission, Trigger, admit, warnings
from db import audit, policies
from db.errors import UnknownCustomerError
from db.freight import eligibility
from db.holds import deadlines, holds, notifications, prior_holds
from db.models import AutoDecision, Customer, Decision, Hold, HoldTrigger, Proposal, ReflexionLog
from db.receivables import receivables
from db.receivables.admission import last_ending

_SYSTEM_ACTOR = "service-holds"
_SHOWN = 5
"""How many earlier decisions, and earlier holds, a proposal's note names."""


def open_hold(
    session: Session,
    *,
    customer_id: str,
    new_hold_id: UUID,
    triggers: list[Trigger],
    run_id: str,
    now: datetime,
) -> OpenedHold:
    """Propose a hold for the triggers that are admitted, or take up the one the customer has open.

    Taking up what is there makes a second delivery, a reset and a new run after a terminate all the same thing.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    if "\0" in customer_id or session.get(Customer, customer_id, with_for_update=True) is None:
        raise UnknownCustomerError(customer_id)
    triggers = [_kept(one) for one in {trigger.id: trigger for trigger in triggers}.values()]  # one may be sent twice
    hold = holds.open_of(session, customer_id)
    if hold is not None:
        hold.run_id = run_id
        late = [trigger for trigger in triggers if not add_evidence(session, hold_id=hold.id, trigger=trigger, now=now)]
        return OpenedHold(hold=holds.view(session, hold.id), late=late)
    admitted, turned_away = _admit(session, customer_id, triggers, now)
    if not admitted:
        return OpenedHold(hold=None, turned_away=turned_away)
    first = admitted[0]
    hold = Hold(
        id=new_hold_id,
        customer_id=customer_id,
        status=HoldStatus.PROPOSED,
        reason=first.reason,
        warnings=[],
        as_of_shift_days=first.as_of_shift_days,
        run_id=run_id,
        proposed_at=now,
    )
    session.add(hold)
    session.flush()
    cause = Cause(first.actor, first.reason)
    proposal = propose(session, hold, ProposalKind.PLACE, cause, revision=1, now=now, opened_by=admitted)
    facts = Facts.model_validate(proposal.facts)
    for trigger in admitted:
        _record(session, trigger, customer_id, hold_id=hold.id, opened=trigger is first, facts=facts)
    detail = {"trigger": first.kind, "why": first.reason, "customer_id": customer_id}
    audit.append(session, chain=hold.id, actor=first.actor, action="hold_proposed", at=now, detail=detail)
    return OpenedHold(hold=holds.view(session, hold.id), turned_away=turned_away)


def _kept(trigger: Trigger) -> Trigger:
    """Return it without what could disguise the record: it may be a signal of a stranger."""
    return trigger.model_copy(update={"reason": kept(trigger.reason), "actor": kept(trigger.actor)})


def _admit(
    session: Session, customer_id: str, triggers: list[Trigger], now: datetime
) -> tuple[list[Trigger], list[str]]:
    _, policy = policies.current(session)
    last = last_ending(session, customer_id)
    admitted: list[Trigger] = []
    turned_away: list[str] = []
    for trigger in triggers:
        if holds.trigger(session, trigger.id) is not None:
            continue
        facts = receivables.read_facts(session, customer_id, _business_day(now, trigger.as_of_shift_days), policy)
        admission = admit(trigger.kind, facts, last, now, policy)
        if admission is Admission.ADMITTED:
            admitted.append(trigger)
        else:
            turned_away.append(admission)
            _record(session, trigger, customer_id, refusal=admission, facts=facts)
    return admitted, turned_away


def add_evidence(session: Session, *, hold_id: UUID, trigger: Trigger, now: datetime) -> bool:
    """Add a trigger to an open hold. A new kind of trigger, or facts that moved, make a new revision.

    False where the hold is over or its proposal was settled against it: the trigger is for the next proposal.
    """
    trigger = _kept(trigger)
    hold = holds.lock(session, hold_id)
    if holds.trigger(session, trigger.id) is not None:
        return True
    proposal = holds.newest_proposal(session, hold_id)
    against = proposal.status not in (ProposalStatus.OPEN, ProposalStatus.APPROVED)
    leaving = hold.closed_at is not None or hold.status is HoldStatus.RELEASING
    if leaving or (against and hold.status is HoldStatus.PROPOSED):
        return False
    kinds = set(session.scalars(select(HoldTrigger.kind).where(HoldTrigger.hold_id == hold_id)))
    _, policy = policies.current(session)
    facts = read_facts(session, hold, policy, now)
    _record(session, trigger, hold.customer_id, hold_id=hold_id, facts=facts)
    detail = {"trigger": trigger.kind, "why": trigger.reason}
    audit.append(session, chain=hold_id, actor=trigger.actor, action="evidence_added", at=now, detail=detail)
    if trigger.kind in kinds:
        revise_if_moved(session, hold, facts, policy, now)
    elif proposal.status is ProposalStatus.OPEN:
        _revise(session, hold, proposal, facts=facts, policy=policy, now=now)
    return True


def revise_if_moved(session: Session, hold: Hold, facts: Facts, policy: Policy, now: datetime) -> None:
    """Give a hold's open proposal a new revision where the facts moved since it was shown: older approvals are stale.

    A repair asks about NetSuite, which the facts say nothing about.
    """
    proposal = holds.newest_proposal(session, hold.id)
    if proposal.status is not ProposalStatus.OPEN or proposal.kind is ProposalKind.REPAIR:
        return
    if moved_materially(Facts.model_validate(proposal.facts), facts, policy):
        _revise(session, hold, proposal, facts=facts, policy=policy, now=now)


def _revise(session: Session, hold: Hold, proposal: Proposal, *, facts: Facts, policy: Policy, now: datetime) -> None:
    before = {"revision": proposal.revision, "facts": proposal.facts}
    proposal.revision += 1
    proposal.facts = facts.model_dump(mode="json")
    proposal.warnings = warnings(facts, policy)
    proposal.note = _note(session, hold, proposal.kind, facts, proposal.return_reasons or [], now)
    hold.warnings = proposal.warnings
    after = {"revision": proposal.revision, "facts": proposal.facts}
    detail = {"before": before, "after": after, "why": "new kind of trigger, or the facts moved"}
    audit.append(session, chain=hold.id, actor=_SYSTEM_ACTOR, action="proposal_revised", at=now, detail=detail)


def propose(
    session: Session,
    hold: Hold,
    kind: ProposalKind,
    cause: Cause,
    *,
    revision: int,
    now: datetime,
    returns: Proposal | None = None,
    opened_by: Sequence[Trigger] = (),
) -> Proposal:
    """Open a proposal on a hold with the facts of now, and let the approvers be told, except who asked for it."""
    because = list(cause.changes) if cause.occasion is Occasion.WEAKENED else None
    version, policy = policies.current(session)
    facts = read_facts(session, hold, policy, now)
    proposal = Proposal(
        hold_id=hold.id,
        kind=kind,
        status=ProposalStatus.OPEN,
        revision=revision,
        facts=facts.model_dump(mode="json"),
        warnings=warnings(facts, policy),
        note=_note(session, hold, kind, facts, because or [], now, opened_by),
        policy_version=version,
        asked_by=cause.by,
        reason=cause.reason,
        returns_id=returns.id if returns else None,
        return_reasons=because,
        opened_at=now,
    )
    deadlines.set_for(proposal, policy, now)
    session.add(proposal)
    hold.warnings = proposal.warnings
    session.flush()
    notifications.proposal_opened(session, hold, proposal, cause, now=now)
    return proposal


def _note(
    session: Session,
    hold: Hold,
    kind: ProposalKind,
    facts: Facts,
    because: list[str],
    now: datetime,
    opened_by: Sequence[Trigger] = (),
) -> str:
    kinds = list(dict.fromkeys(one.kind for one in opened_by)) or holds.trigger_kinds(session, hold.id)
    held = prior_holds.of_customer(session, hold.customer_id, before=now, limit=_SHOWN)
    stays = eligibility.causes_besides(session, hold, now) if kind is ProposalKind.RELEASE else []
    return proposal_note(facts, kinds, earlier_decisions(session, hold.customer_id), because, held, stays)


def settle(session: Session, proposal: Proposal, status: ProposalStatus, now: datetime) -> None:
    """End an open proposal: nobody is told any more that it waits. Its hold is locked."""
    proposal.status, proposal.settled_at = status, now
    notifications.forget_waiting(session, proposal)


def settle_undecided(
    session: Session, *, hold_id: UUID, proposal_id: UUID, ending: HoldStatus, now: datetime, why: str = ""
) -> bool:
    """Expire or withdraw a proposal nobody decided; False where a decision came first.

    Raises:
        ValueError: `ending` is something that only a decision can be.
    """
    if ending not in (HoldStatus.EXPIRED, HoldStatus.WITHDRAWN):
        msg = f"{ending}: a proposal that nobody decided expires or is withdrawn"
        raise ValueError(msg)
    hold = holds.lock(session, hold_id)
    proposal = session.get_one(Proposal, proposal_id, with_for_update=True, populate_existing=True)
    if proposal.status.value == ending.value:
        return True
    if proposal.status is not ProposalStatus.OPEN:
        return False
    detail = {"before": hold.status, "after": ending} | ({"why": why} if why else {})
    settle(session, proposal, ProposalStatus(ending), now)
    if proposal.kind is ProposalKind.PLACE:
        hold.status, hold.closed_at = ending, now
    if ending is HoldStatus.EXPIRED:
        notifications.proposal_expired(session, hold, proposal, now=now)
    what = "hold" if proposal.kind is ProposalKind.PLACE else proposal.kind
    audit.append(session, chain=hold_id, actor=_SYSTEM_ACTOR, action=f"{what}_{ending}", at=now, detail=detail)
    return True


def reflect(session: Session, hold: Hold, event: str, entry: str, now: datetime) -> None:
    """Write a lesson about a hold, found later by its tags (service-hold spec)."""
    tags = f"service_hold,customer:{hold.customer_id}"
    session.add(ReflexionLog(hold_id=hold.id, event=event, tags=tags, entry=entry, at=now))


def earlier_decisions(session: Session, customer_id: str, limit: int = _SHOWN) -> list[PriorDecision]:
    """Return what was decided about a customer before, newest first."""
    query = (
        select(AutoDecision.verdict, AutoDecision.reason, AutoDecision.decided_by, AutoDecision.decided_at)
        .add_columns(Proposal.kind)
        .join(Decision, Decision.id == AutoDecision.decision_id)
        .join(Proposal, Proposal.id == Decision.proposal_id)
        .where(AutoDecision.customer_id == customer_id)
    )
    rows = session.execute(query.order_by(AutoDecision.decided_at.desc()).limit(limit))
    return [PriorDecision.model_validate(row, from_attributes=True) for row in rows]


def read_facts(session: Session, hold: Hold, policy: Policy, now: datetime) -> Facts:
    """Return the customer's facts on the hold's business day."""
    return receivables.read_facts(session, hold.customer_id, _business_day(now, hold.as_of_shift_days), policy)


def _business_day(now: datetime, shift_days: int) -> date:
    return (now + timedelta(days=shift_days)).date()


def _record(
    session: Session,
    trigger: Trigger,
    customer_id: str,
    *,
    hold_id: UUID | None = None,
    opened: bool = False,
    refusal: Admission | None = None,
    facts: Facts | None = None,
) -> None:
    session.add(
        HoldTrigger(
            id=trigger.id,
            hold_id=hold_id,
            customer_id=customer_id,
            kind=trigger.kind,
            reason=trigger.reason,
            actor=trigger.actor,
            at=trigger.at,
            opened=opened,
            refusal=refusal,
            facts=facts.model_dump(mode="json") if facts else None,
        )
    )
    session.flush()
