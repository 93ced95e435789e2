"""What is kept of things that changed nothing."""

from sqlalchemy import Engine
from temporalio import activity

from activities import serving
from credit.actors import OwnActor
from credit.audit_entries.system import SignalRefused
from credit.plain_text import kept
from db import audit
from db.act import Act
from workflows.signatures import RefuseSignal


class AuditActivities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(no_thread_cancel_exception=True)
    def refuse_signal(self, order: RefuseSignal) -> None:
        """Keep a row of a signal that meant nothing. A workflow cannot see who sent it (docs/decisions/0005)."""
        info = activity.info()
        entry = SignalRefused(
            signal=kept(order.signal),
            why=kept(order.problem),
            content=kept(order.content),
            customer_id=kept(order.customer_id),
        )
        with serving.checked(self._engine) as session:
            serving.about(session, order.customer_id, order.hold_id, order.now)
            Act(session, OwnActor.UNKNOWN, order.now).note(
                order.hold_id or audit.SYSTEM, entry, once=f"{info.workflow_run_id}/{info.activity_id}"
            )
