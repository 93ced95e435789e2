"""Proposals and decisions: each activity is one transaction, and the same again when repeated."""

from uuid import UUID

from sqlalchemy import Engine
from temporalio import activity

from activities import serving
from credit.actors import OwnActor
from credit.audit_entries.system import SignalRefused, TriggerRefused
from credit.hold import HoldView, OpenedHold
from credit.plain_text import kept
from credit.states import RELEASING, HoldStatus
from credit.triggers import Trigger
from db import audit
from db.act import Act
from db.engine import transaction
from db.errors import UnknownCustomerError
from db.holds import deadlines, decisions, drift, holds, outcomes, proposals, releases, requests
from db.messages import messages
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
            with serving.acting(self._engine, order.now) as act:
                serving.customer(order.customer_id)
                serving.not_from_the_future(order.now)
                return _open(act, order)
        except UnknownCustomerError as error:
            with transaction(self._engine) as session:
                entry = TriggerRefused(customer_id=kept(order.customer_id), why=kept(str(error)))
                Act.of_system(session, order.now).note(audit.SYSTEM, entry)
            return OpenedHold(hold=None, turned_away=[str(error)])

    @activity.defn(no_thread_cancel_exception=True)
    def add_evidence(self, order: AddEvidence) -> EvidenceAdded:
        """Add a trigger to an open hold; one that nobody asked for is audited, and adds nothing."""
        with serving.acting(self._engine, order.now) as act:
            hold = serving.hold(act.session, order.hold_id, order.now, _ANY_STATUS)
            trigger = requests.trigger(act.session, hold.customer_id, order.trigger.id)
            if trigger is None:
                _refuse_trigger(act, hold.customer_id, hold.id, order.trigger)
                return EvidenceAdded(kept=True, refused=True, hold=holds.view(act.session, hold.id))
            is_kept = proposals.add_evidence(act, hold_id=hold.id, trigger=trigger)
            if is_kept:
                drift.adopt_as_asked(act, hold.id, trigger)
            return EvidenceAdded(kept=is_kept, hold=holds.view(act.session, hold.id))

    @activity.defn(no_thread_cancel_exception=True)
    def settle_decision(self, order: SettleDecision) -> DecisionSettled:
        with serving.acting(self._engine, order.now) as act:
            serving.hold(act.session, order.hold_id, order.now, _ANY_STATUS)
            decision = decisions.settle(act, hold_id=order.hold_id, decision_id=order.decision_id)
            outcomes.review(act, order.hold_id)  # at an approval: what later looks compare with
            return _settled(act, decision, order)

    @activity.defn(no_thread_cancel_exception=True)
    def close_proposal(self, order: CloseProposal) -> bool:
        with serving.acting(self._engine, order.now) as act:
            serving.proposal(act.session, order.hold_id, order.proposal_id, order.ending, order.now)
            return proposals.settle_undecided(
                act,
                hold_id=order.hold_id,
                proposal_id=order.proposal_id,
                ending=order.ending,
                why=_cancelled(order.reason) if order.ending is HoldStatus.WITHDRAWN else "",
            )

    @activity.defn(no_thread_cancel_exception=True)
    def look_at_hold(self, order: HoldAt) -> HoldView:
        with serving.acting(self._engine, order.now) as act:
            serving.hold(act.session, order.hold_id, order.now)
            deadlines.pass_by(act, order.hold_id)
            outcomes.review(act, order.hold_id)
            return holds.view(act.session, order.hold_id)

    @activity.defn(no_thread_cancel_exception=True)
    def request_release(self, order: RequestRelease) -> HoldView:
        """Propose to release a hold; refused (and audited) unless it is applying or in force, and somebody asked."""
        with serving.acting(self._engine, order.now) as act:
            hold = serving.hold(act.session, order.hold_id, order.now, _ANY_STATUS)
            asked = requests.release(act.session, hold.customer_id, hold.id, order.request.id)
            if asked is None:
                _refuse_release(act, hold.id, order.request)
                return holds.view(act.session, hold.id)
            who, why = act.by(kept(asked.actor)), kept(asked.reason)
            releases.request(who, hold.id, order.request.id, asked.cause, why, asked_at=asked.at)
            outcomes.review(act, hold.id)  # what asked may be gone again
            return holds.view(act.session, hold.id)

    @activity.defn(no_thread_cancel_exception=True)
    def finish_release(self, order: HoldAt) -> None:
        with serving.acting(self._engine, order.now) as act:
            serving.released(act.session, order.hold_id, order.now, RELEASING)
            releases.finish(act, order.hold_id)
            messages.withdraw_left(act, order.hold_id)

    @activity.defn(no_thread_cancel_exception=True)
    def put_in_force(self, order: HoldAt) -> None:
        with serving.acting(self._engine, order.now) as act:
            serving.in_force(act.session, order.hold_id, order.now)
            decisions.put_in_force(act, hold_id=order.hold_id)


def _open(act: Act, order: OpenHold) -> OpenedHold:
    asked: list[Trigger] = []
    refused: list[Trigger] = []
    for sent in order.triggers:
        trigger = requests.trigger(act.session, order.customer_id, sent.id)
        if trigger is None:
            refused.append(sent)
        else:
            asked.append(trigger)
    opened = proposals.open_hold(
        act,
        customer_id=order.customer_id,
        new_hold_id=order.new_hold_id,
        triggers=asked,
        run_id=activity.info().workflow_run_id or "",
    )
    for one in asked:
        if opened.hold is not None and one.id not in {late.id for late in opened.late}:
            drift.adopt_as_asked(act, opened.hold.hold_id, one)
    for one in refused:
        _refuse_trigger(act, order.customer_id, opened.hold.hold_id if opened.hold else None, one)
    turned_away = [*opened.turned_away, *([_NOBODY_ASKED] if refused else [])]
    return opened.model_copy(update={"turned_away": turned_away, "refused": len(refused)})


def _settled(act: Act, decision: Decision | None, order: SettleDecision) -> DecisionSettled:
    hold = holds.view(act.session, order.hold_id)
    if decision is None:
        return DecisionSettled(outcome="refused", actor="", why=decisions.NOBODY_DECIDED, hold=hold)
    if decision.outcome is None:
        wait = decisions.left(decision, order.now)
        return DecisionSettled(outcome="waiting", actor=decision.actor, why="", wait=wait, hold=hold)
    push_again = decision.outcome == "approved" and drift.orders_a_push(act.session, decision)
    return DecisionSettled(
        outcome=decision.outcome, actor=decision.actor, why=decision.reason, hold=hold, push_again=push_again
    )


def _refuse_trigger(act: Act, customer_id: str, hold_id: UUID | None, sent: Trigger) -> None:
    claimed = f"{sent.kind} by {sent.actor}: {sent.reason}"
    _refuse(act, hold_id or audit.SYSTEM, "trigger", sent.id, claimed, customer_id=customer_id)


def _refuse_release(act: Act, hold_id: UUID, sent: ReleaseSignal) -> None:
    _refuse(act, hold_id, "request_release", sent.id, f"{sent.cause} by {sent.actor}: {sent.reason}")


def _refuse(
    act: Act, chain: UUID | str, signal: str, sent_id: str, claimed: str, customer_id: str | None = None
) -> None:
    """Keep what a signal claimed that has no row behind it. Who sent it cannot be known (docs/decisions/0005)."""
    info = activity.info()
    entry = SignalRefused(
        signal=signal,
        id=kept(sent_id)[:_EXCERPT],
        why=_NOBODY_ASKED,
        content=kept(claimed)[:_EXCERPT],
        customer_id=customer_id,
    )
    act.by(OwnActor.UNKNOWN).note(
        chain, entry, once=f"{info.workflow_run_id}/{info.activity_id}/{kept(sent_id)[:_EXCERPT]}"
    )


def _cancelled(reason: str) -> str:
    return kept(f"its workflow was cancelled in Temporal{': ' if reason else ''}{reason}")[:_EXCERPT]
