"""Proposals and decisions: each activity is one transaction, and the same again when repeated."""

from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session
from temporalio import activity

from activities import serving
from credit.hold import HoldView, OpenedHold
from credit.plain_text import kept
from credit.states import RELEASING, HoldStatus
from credit.triggers import Trigger
from db import audit
from db.engine import transaction
from db.errors import UnknownCustomerError
from db.holds import deadlines, decisions, holds, outcomes, proposals, releases, requests
from db.models import Decision
from workflows.contract import ReleaseSignal
from workflows.signatures import (
    AddEvidence,
    CloseProposal,
    DecisionSettled,
    EvidenceAdded,
    HoldAt,
    OpenHold,
    RequestRelease,
    SettleDecision,
)

_ANY_STATUS = tuple(HoldStatus)
"""What reaches a hold late is answered, and kept for its record."""
_NOBODY_ASKED = "nobody asked for this: there is no row with this id"
_EXCERPT = 500


class HoldActivities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(no_thread_cancel_exception=True)
    def open_hold(self, order: OpenHold) -> OpenedHold:
        """Propose a hold, or take up the customer's open one. An unknown customer gets neither, and an audit row.

        Triggers that nobody asked for are audited and left out.
        """
        try:
            with serving.checked(self._engine) as session:
                serving.customer(order.customer_id)
                serving.not_from_the_future(order.now)
                return _open(session, order)
        except UnknownCustomerError as error:
            with transaction(self._engine) as session:
                audit.append(
                    session,
                    chain=audit.SYSTEM,
                    actor="service-holds",
                    action="trigger_refused",
                    at=order.now,
                    detail={"customer_id": kept(order.customer_id), "why": kept(str(error))},
                )
            return OpenedHold(hold=None, turned_away=[str(error)])

    @activity.defn(no_thread_cancel_exception=True)
    def add_evidence(self, order: AddEvidence) -> EvidenceAdded:
        """Add a trigger to an open hold; one that nobody asked for is audited, and adds nothing."""
        with serving.checked(self._engine) as session:
            hold = serving.hold(session, order.hold_id, order.now, _ANY_STATUS)
            trigger = requests.trigger(session, hold.customer_id, order.trigger.id)
            if trigger is None:
                _refuse_trigger(session, hold.customer_id, hold.id, order.trigger, order)
                return EvidenceAdded(kept=True, refused=True, hold=holds.view(session, hold.id))
            is_kept = proposals.add_evidence(session, hold_id=hold.id, trigger=trigger, now=order.now)
            return EvidenceAdded(kept=is_kept, hold=holds.view(session, hold.id))

    @activity.defn(no_thread_cancel_exception=True)
    def settle_decision(self, order: SettleDecision) -> DecisionSettled:
        with serving.checked(self._engine) as session:
            serving.hold(session, order.hold_id, order.now, _ANY_STATUS)
            decision = decisions.settle(session, hold_id=order.hold_id, decision_id=order.decision_id, now=order.now)
            outcomes.review(session, order.hold_id, order.now)  # at an approval: what later looks compare with
            return _settled(decision, holds.view(session, order.hold_id), order)

    @activity.defn(no_thread_cancel_exception=True)
    def close_proposal(self, order: CloseProposal) -> bool:
        with serving.checked(self._engine) as session:
            serving.proposal(session, order.hold_id, order.proposal_id, order.ending, order.now)
            return proposals.settle_undecided(
                session,
                hold_id=order.hold_id,
                proposal_id=order.proposal_id,
                ending=order.ending,
                why=_cancelled(order.reason) if order.ending is HoldStatus.WITHDRAWN else "",
                now=order.now,
            )

    @activity.defn(no_thread_cancel_exception=True)
    def look_at_hold(self, order: HoldAt) -> HoldView:
        with serving.checked(self._engine) as session:
            serving.hold(session, order.hold_id, order.now)
            deadlines.pass_by(session, order.hold_id, order.now)
            outcomes.review(session, order.hold_id, order.now)
            return holds.view(session, order.hold_id)

    @activity.defn(no_thread_cancel_exception=True)
    def request_release(self, order: RequestRelease) -> HoldView:
        """Propose to release a hold; refused (and audited) unless it is applying or in force, and somebody asked."""
        with serving.checked(self._engine) as session:
            hold = serving.hold(session, order.hold_id, order.now, _ANY_STATUS)
            asked = requests.release(session, hold.customer_id, hold.id, order.request.id)
            if asked is None:
                _refuse_release(session, hold.id, order.request, order)
                return holds.view(session, hold.id)
            releases.request(
                session,
                hold_id=hold.id,
                request_id=order.request.id,
                cause=asked.cause,
                reason=kept(asked.reason),
                actor=kept(asked.actor),
                asked_at=asked.at,
                now=order.now,
            )
            outcomes.review(session, hold.id, order.now)  # what asked may be gone again
            return holds.view(session, hold.id)

    @activity.defn(no_thread_cancel_exception=True)
    def finish_release(self, order: HoldAt) -> None:
        with serving.checked(self._engine) as session:
            serving.released(session, order.hold_id, order.now, RELEASING)
            releases.finish(session, order.hold_id, order.now)

    @activity.defn(no_thread_cancel_exception=True)
    def put_in_force(self, order: HoldAt) -> None:
        with serving.checked(self._engine) as session:
            serving.in_force(session, order.hold_id, order.now)
            decisions.put_in_force(session, hold_id=order.hold_id, now=order.now)


def _open(session: Session, order: OpenHold) -> OpenedHold:
    asked: list[Trigger] = []
    refused: list[Trigger] = []
    for sent in order.triggers:
        trigger = requests.trigger(session, order.customer_id, sent.id)
        if trigger is None:
            refused.append(sent)
        else:
            asked.append(trigger)
    opened = proposals.open_hold(
        session,
        customer_id=order.customer_id,
        new_hold_id=order.new_hold_id,
        triggers=asked,
        run_id=activity.info().workflow_run_id or "",
        now=order.now,
    )
    for one in refused:
        _refuse_trigger(session, order.customer_id, opened.hold.hold_id if opened.hold else None, one, order)
    turned_away = [*opened.turned_away, *([_NOBODY_ASKED] if refused else [])]
    return opened.model_copy(update={"turned_away": turned_away, "refused": len(refused)})


def _settled(decision: Decision | None, hold: HoldView, order: SettleDecision) -> DecisionSettled:
    if decision is None:
        return DecisionSettled(outcome="refused", actor="", why=decisions.NOBODY_DECIDED, hold=hold)
    if decision.outcome is None:
        wait = min(decision.effective_at - order.now, decision.effective_at - decision.decided_at)
        return DecisionSettled(outcome="waiting", actor=decision.actor, why="", wait=wait, hold=hold)
    return DecisionSettled(outcome=decision.outcome, actor=decision.actor, why=decision.reason, hold=hold)


def _refuse_trigger(
    session: Session, customer_id: str, hold_id: UUID | None, sent: Trigger, order: OpenHold | AddEvidence
) -> None:
    claimed = f"{sent.kind} by {sent.actor}: {sent.reason}"
    _refuse(session, hold_id or audit.SYSTEM, "trigger", sent.id, claimed, order, customer_id=customer_id)


def _refuse_release(session: Session, hold_id: UUID, sent: ReleaseSignal, order: RequestRelease) -> None:
    _refuse(session, hold_id, "request_release", sent.id, f"{sent.cause} by {sent.actor}: {sent.reason}", order)


def _refuse(
    session: Session,
    chain: UUID | str,
    signal: str,
    sent_id: str,
    claimed: str,
    order: OpenHold | AddEvidence | RequestRelease,
    **about: str,
) -> None:
    """Keep what a signal claimed that has no row behind it. Who sent it cannot be known (docs/decisions/0005)."""
    info = activity.info()
    detail = {
        "signal": signal,
        "id": kept(sent_id)[:_EXCERPT],
        "why": _NOBODY_ASKED,
        "content": kept(claimed)[:_EXCERPT],
        **about,
    }
    audit.append(
        session,
        chain=chain,
        actor="unknown",
        action="signal_refused",
        at=order.now,
        detail=detail,
        once=f"{info.workflow_run_id}/{info.activity_id}/{kept(sent_id)[:_EXCERPT]}",
    )


def _cancelled(reason: str) -> str:
    return kept(f"its workflow was cancelled in Temporal{': ' if reason else ''}{reason}")[:_EXCERPT]
