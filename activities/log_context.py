"""Every activity's log lines carry the hold, workflow and attempt they belong to."""

from typing import Any

import structlog
from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class LogContext(Interceptor):
    """Binds the context of each activity; give it to the worker."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Put ours before the rest."""
        return _Bind(next)


class _Bind(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        order = input.args[0] if input.args else None
        hold_id = getattr(order, "hold_id", None)
        with structlog.contextvars.bound_contextvars(
            activity=info.activity_type,
            attempt=info.attempt,
            workflow_id=info.workflow_id,
            hold_id=str(hold_id) if hold_id else None,
        ):
            return await super().execute_activity(input)
