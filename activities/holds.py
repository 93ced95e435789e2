"""Proposals and decisions: each activity is one transaction, and the same again when repeated."""

from sqlalchemy import Engine
from temporalio import activity

from db.engine import transaction
from db.errors import UnknownCustomerError
from db.repositories import audit, decisions, proposals
from workflows.signatures import (
    AddEvidence,
    CloseProposal,
    DecisionSettled,
    EvidenceAdded,
    HoldAt,
    OpenedHold,
    OpenHold,
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
        return DecisionSettled(**settled.model_dump())

    @activity.defn(no_thread_cancel_exception=True)
    def close_proposal(self, order: CloseProposal) -> bool:
        """Expire or withdraw a proposal; False where a decision came first."""
        with transaction(self._engine) as session:
            return proposals.settle_undecided(
                session, hold_id=order.hold_id, proposal_id=order.proposal_id, ending=order.ending, now=order.now
            )

    @activity.defn(no_thread_cancel_exception=True)
    def put_in_force(self, order: HoldAt) -> None:
        """Mark an applying hold as in force."""
        with transaction(self._engine) as session:
            decisions.put_in_force(session, hold_id=order.hold_id, now=order.now)
