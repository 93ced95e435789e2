"""Proposals and decisions: each activity is one transaction, and the same again when repeated."""

from sqlalchemy import Engine
from temporalio import activity

from credit.hold import HoldView
from db.engine import transaction
from db.errors import UnknownCustomerError
from db.repositories import audit, deadlines, decisions, holds, outcomes, proposals, releases
from workflows.signatures import (
    AddEvidence,
    CloseProposal,
    DecisionSettled,
    EvidenceAdded,
    HoldAt,
    OpenedHold,
    OpenHold,
    RequestRelease,
    SettleDecision,
)


class HoldActivities:
    """What happens to a hold's rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(no_thread_cancel_exception=True)
    def open_hold(self, order: OpenHold) -> OpenedHold:
        """Propose a hold, or take up the customer's open one. An unknown customer gets neither, and an audit row."""
        try:
            with transaction(self._engine) as session:
                opened = proposals.open_hold(
                    session,
                    customer_id=order.customer_id,
                    new_hold_id=order.new_hold_id,
                    triggers=order.triggers,
                    workflow_id=order.workflow_id,
                    run_id=order.run_id,
                    now=order.now,
                )
        except UnknownCustomerError as error:
            with transaction(self._engine) as session:
                audit.append(
                    session,
                    chain=audit.SYSTEM,
                    actor="service-holds",
                    action="trigger_refused",
                    at=order.now,
                    detail={"customer_id": order.customer_id, "why": str(error)},
                )
            return OpenedHold(hold=None, turned_away=[str(error)])
        return OpenedHold(hold=opened.hold, turned_away=opened.turned_away, late=opened.late)

    @activity.defn(no_thread_cancel_exception=True)
    def add_evidence(self, order: AddEvidence) -> EvidenceAdded:
        """Add a trigger to an open hold."""
        with transaction(self._engine) as session:
            added = proposals.add_evidence(session, hold_id=order.hold_id, trigger=order.trigger, now=order.now)
        return EvidenceAdded(kept=added.kept, hold=added.hold)

    @activity.defn(no_thread_cancel_exception=True)
    def settle_decision(self, order: SettleDecision) -> DecisionSettled:
        """Obey a decision's row, once."""
        with transaction(self._engine) as session:
            settled = decisions.settle(session, hold_id=order.hold_id, decision_id=order.decision_id, now=order.now)
            outcomes.review(session, order.hold_id, order.now)  # at an approval: what later looks compare with
            return DecisionSettled(**settled.model_dump() | {"hold": holds.view(session, order.hold_id)})

    @activity.defn(no_thread_cancel_exception=True)
    def close_proposal(self, order: CloseProposal) -> bool:
        """Expire or withdraw a proposal; False where a decision came first."""
        with transaction(self._engine) as session:
            return proposals.settle_undecided(
                session, hold_id=order.hold_id, proposal_id=order.proposal_id, ending=order.ending, now=order.now
            )

    @activity.defn(no_thread_cancel_exception=True)
    def look_at_hold(self, order: HoldAt) -> HoldView:
        """Do what has become due about a hold, and answer how it stands."""
        with transaction(self._engine) as session:
            deadlines.pass_by(session, order.hold_id, order.now)
            outcomes.review(session, order.hold_id, order.now)
            return holds.view(session, order.hold_id)

    @activity.defn(no_thread_cancel_exception=True)
    def request_release(self, order: RequestRelease) -> HoldView:
        """Propose to release a hold; refused (and audited) unless it is applying or in force."""
        asked = order.request
        with transaction(self._engine) as session:
            releases.request(
                session,
                hold_id=order.hold_id,
                request_id=asked.id,
                cause=asked.cause,
                reason=asked.reason,
                actor=asked.actor,
                asked_at=asked.at,
                now=order.now,
            )
            outcomes.review(session, order.hold_id, order.now)  # what asked may be gone again
            return holds.view(session, order.hold_id)

    @activity.defn(no_thread_cancel_exception=True)
    def finish_release(self, order: HoldAt) -> None:
        """Close a hold whose release is carried out."""
        with transaction(self._engine) as session:
            releases.finish(session, order.hold_id, order.now)

    @activity.defn(no_thread_cancel_exception=True)
    def put_in_force(self, order: HoldAt) -> None:
        """Mark an applying hold as in force."""
        with transaction(self._engine) as session:
            decisions.put_in_force(session, hold_id=order.hold_id, now=order.now)
