"""What is proposed, and what settles it. Every function first locks the hold: whoever comes second is refused."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.audit_entries.holds import EXPIRED, WITHDRAWN, EvidenceAdded, HoldProposed, ProposalRevised, Revision
from credit.facts import Facts, moved_materially
from credit.hold import OpenedHold, PriorDecision, proposal_note
from credit.notices import Cause, Occasion
from credit.plain_text import kept
from credit.policy import Policy
from credit.states import HoldStatus, ProposalKind, ProposalStatus
from credit.triggers import Admission, Trigger, admit, warnings
from db import customers, policies
from db.act import Act
from db.freight import eligibility
from db.holds import deadlines, holds, notifications, prior_holds
from db.models import AutoDecision, Decision, Hold, HoldTrigger, Proposal, ReflexionLog
from db.receivables import receivables
from db.receivables.admission import last_ending

_SHOWN = 5
"""How many earlier decisions, and earlier holds, a proposal's note names."""


def open_hold(act: Act, *, customer_id: str, new_hold_id: UUID, triggers: list[Trigger], run_id: str) -> OpenedHold:
    """Propose a hold for the triggers that are admitted, or take up the one the customer has open.

    Taking up what is there makes a second delivery, a reset and a new run after a terminate all the same thing.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    customers.lock(act.session, customer_id)
    triggers = [_kept(one) for one in {trigger.id: trigger for trigger in triggers}.values()]  # one may be sent twice
    hold = holds.open_of(act.session, customer_id)
    if hold is not None:
        hold.run_id = run_id
        late = [trigger for trigger in triggers if not add_evidence(act, hold_id=hold.id, trigger=trigger)]
        return OpenedHold(hold=holds.view(act.session, hold.id), late=late)
    admitted, turned_away = _admit(act, customer_id, triggers)
    if not admitted:
        return OpenedHold(hold=None, turned_away=turned_away)
    first, seen = admitted[0]
    hold = Hold(
        id=new_hold_id,
        customer_id=customer_id,
        status=HoldStatus.PROPOSED,
        reason=first.reason,
        warnings=[],
        as_of_shift_days=first.as_of_shift_days,
        run_id=run_id,
        proposed_at=act.now,
    )
    act.session.add(hold)
    act.session.flush()
    cause = Cause(first.actor, first.reason)
    opened_by = [trigger for trigger, _ in admitted]
    propose(act, hold, ProposalKind.PLACE, cause, revision=1, opened_by=opened_by, facts=seen)
    for trigger in opened_by:
        _record(act.session, trigger, customer_id, hold_id=hold.id, opened=trigger is first, facts=seen)
    act.by(first.actor).note(hold.id, HoldProposed(trigger=first.kind, why=first.reason, customer_id=customer_id))
    return OpenedHold(hold=holds.view(act.session, hold.id), turned_away=turned_away)


def _kept(trigger: Trigger) -> Trigger:
    """Return it without what could disguise the record: it may be a signal of a stranger."""
    return trigger.model_copy(update={"reason": kept(trigger.reason), "actor": kept(trigger.actor)})


def _admit(act: Act, customer_id: str, triggers: list[Trigger]) -> tuple[list[tuple[Trigger, Facts]], list[str]]:
    """Return the admitted triggers with what was seen of the customer, and why the others were turned away."""
    _, policy = policies.current(act.session)
    last = last_ending(act.session, customer_id)
    admitted: list[tuple[Trigger, Facts]] = []
    turned_away: list[str] = []
    for trigger in triggers:
        if holds.trigger(act.session, trigger.id) is not None:
            continue
        day = _business_day(act.now, trigger.as_of_shift_days)
        facts = receivables.read_facts(act.session, customer_id, day, policy)
        admission = admit(trigger.kind, facts, last, act.now, policy)
        if admission is Admission.ADMITTED:
            admitted.append((trigger, facts))
        else:
            turned_away.append(admission)
            _record(act.session, trigger, customer_id, refusal=admission, facts=facts)
    return admitted, turned_away


def add_evidence(act: Act, *, hold_id: UUID, trigger: Trigger) -> bool:
    """Add a trigger to an open hold. A new kind of trigger, or facts that moved, make a new revision.

    False where the hold is over or its proposal was settled against it: the trigger is for the next proposal.
    """
    trigger = _kept(trigger)
    hold = holds.lock(act.session, hold_id)
    if holds.trigger(act.session, trigger.id) is not None:
        return True
    proposal = holds.newest_proposal(act.session, hold_id)
    against = proposal.status not in (ProposalStatus.OPEN, ProposalStatus.APPROVED)
    leaving = hold.closed_at is not None or hold.status is HoldStatus.RELEASING
    if leaving or (against and hold.status is HoldStatus.PROPOSED):
        return False
    kinds = set(act.session.scalars(select(HoldTrigger.kind).where(HoldTrigger.hold_id == hold_id)))
    _, policy = policies.current(act.session)
    facts = read_facts(act.session, hold, policy, act.now)
    _record(act.session, trigger, hold.customer_id, hold_id=hold_id, facts=facts)
    act.by(trigger.actor).note(hold_id, EvidenceAdded(trigger=trigger.kind, why=trigger.reason))
    if trigger.kind in kinds:
        revise_if_moved(act, hold, facts, policy)
    elif _asks_about_the_customer(proposal):
        _revise(act, hold, proposal, facts=facts, policy=policy)
    return True


def revise_if_moved(act: Act, hold: Hold, facts: Facts, policy: Policy) -> None:
    """Give a hold's open proposal a new revision where the facts moved since: older approvals are stale."""
    proposal = holds.newest_proposal(act.session, hold.id)
    if _asks_about_the_customer(proposal) and moved_materially(Facts.model_validate(proposal.facts), facts, policy):
        _revise(act, hold, proposal, facts=facts, policy=policy)


def _asks_about_the_customer(proposal: Proposal) -> bool:
    """Whether an open proposal is about the facts; a repair asks about NetSuite, which they say nothing about."""
    return proposal.status is ProposalStatus.OPEN and proposal.kind is not ProposalKind.REPAIR


def _revise(act: Act, hold: Hold, proposal: Proposal, *, facts: Facts, policy: Policy) -> None:
    before = Revision(revision=proposal.revision, facts=proposal.facts)
    proposal.revision += 1
    proposal.facts = facts.model_dump(mode="json")
    proposal.warnings = warnings(facts, policy)
    proposal.note = _note(act, hold, proposal.kind, facts, proposal.return_reasons or [])
    hold.warnings = proposal.warnings
    after = Revision(revision=proposal.revision, facts=proposal.facts)
    entry = ProposalRevised(before=before, after=after, why="new kind of trigger, or the facts moved")
    act.by_system.note(hold.id, entry)


def propose(
    act: Act,
    hold: Hold,
    kind: ProposalKind,
    cause: Cause,
    *,
    revision: int,
    returns: Proposal | None = None,
    opened_by: Sequence[Trigger] = (),
    facts: Facts | None = None,
) -> Proposal:
    """Open a proposal on a hold with the facts of now, and let the approvers be told, except who asked for it.

    `facts`: as this transaction has read them already.
    """
    because = list(cause.changes) if cause.occasion is Occasion.WEAKENED else None
    version, policy = policies.current(act.session)
    facts = facts or read_facts(act.session, hold, policy, act.now)
    proposal = Proposal(
        hold_id=hold.id,
        kind=kind,
        status=ProposalStatus.OPEN,
        revision=revision,
        facts=facts.model_dump(mode="json"),
        warnings=warnings(facts, policy),
        note=_note(act, hold, kind, facts, because or [], opened_by),
        policy_version=version,
        asked_by=cause.by,
        reason=cause.reason,
        returns_id=returns.id if returns else None,
        return_reasons=because,
        opened_at=act.now,
    )
    deadlines.set_for(proposal, policy, act.now)
    act.session.add(proposal)
    hold.warnings = proposal.warnings
    act.session.flush()
    notifications.proposal_opened(act, hold, proposal, cause)
    return proposal


def _note(
    act: Act, hold: Hold, kind: ProposalKind, facts: Facts, because: list[str], opened_by: Sequence[Trigger] = ()
) -> str:
    kinds = list(dict.fromkeys(one.kind for one in opened_by)) or holds.trigger_kinds(act.session, hold.id)
    held = prior_holds.of_customer(act.session, hold.customer_id, before=act.now, limit=_SHOWN)
    stays = eligibility.causes_besides(act.session, hold, act.now) if kind is ProposalKind.RELEASE else []
    return proposal_note(facts, kinds, earlier_decisions(act.session, hold.customer_id), because, held, stays)


def settle(act: Act, proposal: Proposal, status: ProposalStatus) -> None:
    """End an open proposal: nobody is told any more that it waits. Its hold is locked."""
    proposal.status, proposal.settled_at = status, act.now
    notifications.forget_waiting(act.session, proposal)


def settle_undecided(act: Act, *, hold_id: UUID, proposal_id: UUID, ending: HoldStatus, why: str = "") -> bool:
    """Expire or withdraw a proposal nobody decided; False where a decision came first.

    Raises:
        ValueError: `ending` is something that only a decision can be.
    """
    if ending not in (HoldStatus.EXPIRED, HoldStatus.WITHDRAWN):
        msg = f"{ending}: a proposal that nobody decided expires or is withdrawn"
        raise ValueError(msg)
    hold = holds.lock(act.session, hold_id)
    proposal = act.session.get_one(Proposal, proposal_id, with_for_update=True, populate_existing=True)
    if proposal.status.value == ending.value:
        return True
    if proposal.status is not ProposalStatus.OPEN:
        return False
    endings = EXPIRED if ending is HoldStatus.EXPIRED else WITHDRAWN
    entry = endings[proposal.kind](before=hold.status, after=ending, why=why)
    settle(act, proposal, ProposalStatus(ending))
    if proposal.kind is ProposalKind.PLACE:
        hold.status, hold.closed_at = ending, act.now
    if ending is HoldStatus.EXPIRED:
        notifications.proposal_expired(act, hold, proposal)
    act.by_system.note(hold_id, entry)
    return True


def reflect(act: Act, hold: Hold, event: str, entry: str) -> None:
    """Write a lesson about a hold, found later by its tags (service-hold spec)."""
    tags = f"service_hold,customer:{hold.customer_id}"
    act.session.add(ReflexionLog(hold_id=hold.id, event=event, tags=tags, entry=entry, at=act.now))


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
