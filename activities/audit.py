"""What is kept of things that changed nothing."""

from sqlalchemy import Engine
from temporalio import activity

from db.engine import transaction
from db.repositories import audit
from workflows.signatures import RefuseSignal


class AuditActivities:
    """What happens to the audit trail alone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(no_thread_cancel_exception=True)
    def refuse_signal(self, order: RefuseSignal) -> None:
        """Keep a row of a signal that meant nothing. A workflow cannot see who sent it (design 3.3)."""
        info = activity.info()
        detail = {
            "signal": _storable(order.signal),
            "why": _storable(order.problem),
            "content": _storable(order.content),
            "customer_id": order.customer_id,
        }
        with transaction(self._engine) as session:
            audit.append(
                session,
                chain=order.hold_id or audit.SYSTEM,
                actor="unknown",
                action="signal_refused",
                at=order.now,
                detail=detail,
                once=f"{info.workflow_run_id}/{info.activity_id}",
            )


def _storable(text: str) -> str:
    """Return the text without NUL characters, which PostgreSQL cannot keep."""
    return text.replace("\x00", "\\0")
