"""The beats of a hold: each is one activity, run until it is done. A beat never fails its hold.

Temporal retries what time can mend. What no retry can mend waits for `retry_beat`; a person may also have it skipped.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError, is_cancelled_exception

from credit.hold import HoldView
from credit.states import PLACING, Beat, BeatStatus
from workflows import contract, policies, signatures, waiting
from workflows.contract import BeatState, OutboundMessageInput

_UNDER_WAY = (BeatStatus.RUNNING, BeatStatus.RETRYING, BeatStatus.NEEDS_ATTENTION)


class Beats:
    """Where each beat of a run stands. `changed` is called whenever one has moved."""

    def __init__(self, planned: Iterable[Beat], changed: Callable[[], None]) -> None:
        self.states: dict[Beat, BeatState] = {}
        self.plan(planned)
        self._changed = changed
        self._stopping = False

    def plan(self, beats: Iterable[Beat]) -> None:
        """Let these beats be run from their beginning."""
        self.states |= {beat: BeatState() for beat in beats}

    def request_retry(self, beat: Beat | None) -> None:
        """Have one beat tried again now, or every unfinished one."""
        for one, state in self.states.items():
            state.retry_requested |= beat in (None, one) and state.status in _UNDER_WAY

    def has_first_outcome(self, beat: Beat) -> bool:
        """Whether its first try is over, however it ended."""
        return self.states[beat].status not in (BeatStatus.PENDING, BeatStatus.RUNNING)

    @contextlib.contextmanager
    def stopping(self) -> Iterator[None]:
        """Within this block no beat starts another try."""
        self._stopping = True
        yield
        self._stopping = False

    async def run(self, beat: Beat, hold: HoldView) -> None:
        """Run one beat until it is done or skipped."""
        state = self.states[beat]
        self._mark(beat, BeatStatus.RUNNING)
        while state.status is not BeatStatus.DONE and not self._stopping:
            state.retry_requested = False
            attempts = _start(beat, hold, first=state.last_error is None)
            await waiting.until(lambda: attempts.done() or state.retry_requested)  # noqa: B023 (awaited here)
            if not attempts.done():
                attempts.cancel()
            try:
                drafted = await attempts
            except ActivityError as error:
                if is_cancelled_exception(error):
                    continue  # by ourselves, to try again now
                cause = error.cause or error
                state.last_error = str(cause)
                if isinstance(cause, ApplicationError) and cause.type == contract.BEAT_SKIPPED:
                    self._mark(beat, BeatStatus.SKIPPED)
                    return
                if isinstance(cause, ApplicationError) and cause.non_retryable:
                    self._mark(beat, BeatStatus.NEEDS_ATTENTION)
                    await waiting.until(lambda: state.retry_requested)
                    self._mark(beat, BeatStatus.RETRYING)
                else:
                    self._mark(beat, BeatStatus.RETRYING)
                    await _pause(state, cause)
            else:
                if drafted is not None:
                    await _start_message(drafted, hold)
                self._mark(beat, BeatStatus.DONE)

    def _mark(self, beat: Beat, status: BeatStatus) -> None:
        self.states[beat].status = status
        self._changed()


async def _pause(state: BeatState, cause: BaseException) -> None:
    """Wait between two rounds for as long as NetSuite asked, or until a person wants a try now."""
    asked = cause.next_retry_delay if isinstance(cause, ApplicationError) else None
    await waiting.until(lambda: state.retry_requested, asked or policies.BETWEEN_ROUNDS, "Before the next try")


def _start(beat: Beat, hold: HoldView, *, first: bool) -> "workflow.ActivityHandle[Any]":
    order = signatures.RunBeat(hold_id=hold.hold_id, beat=beat, now=workflow.now())
    summary = f"{f'Beat {PLACING.index(beat) + 1}' if beat in PLACING else 'Release'}: {beat.label}"
    match beat:
        case Beat.FLAG_CUSTOMER:
            return workflow.start_activity(signatures.flag_customer, order, **policies.DATABASE, summary=summary)
        case Beat.UNFLAG_CUSTOMER:
            return workflow.start_activity(signatures.unflag_customer, order, **policies.DATABASE, summary=summary)
        case Beat.NOTIFY_SALES_REP | Beat.DRAFT_CUSTOMER_NOTICE | Beat.TELL_SALES_REP | Beat.DRAFT_RELEASE_NOTICE:
            return workflow.start_activity(signatures.draft_message, order, **policies.DATABASE, summary=summary)
        case Beat.PUSH_NETSUITE | Beat.RESTORE_NETSUITE:
            push = signatures.push_netsuite if beat is Beat.PUSH_NETSUITE else signatures.restore_netsuite
            options = policies.NETSUITE_FIRST_TRY if first else policies.NETSUITE_ROUND
            queue = contract.netsuite_task_queue(workflow.info().task_queue)
            return workflow.start_activity(push, order, **options, task_queue=queue, summary=summary)


async def _start_message(drafted: signatures.Drafted, hold: HoldView) -> None:
    """Give the draft a life of its own, which the end of this run does not end (docs/decisions/0014)."""
    try:
        await workflow.start_child_workflow(
            contract.OUTBOUND_MESSAGE,
            OutboundMessageInput(
                message_id=drafted.message_id,
                hold_id=hold.hold_id,
                customer_id=hold.customer_id,
                kind=drafted.kind,
                drafted_at=workflow.now(),
            ),
            id=contract.message_workflow_id(drafted.message_id),
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            static_summary=f"Draft for review: {drafted.kind.replace('_', ' ')}",
        )
    except WorkflowAlreadyStartedError:
        workflow.logger.info("the message has its workflow already", extra={"message_id": str(drafted.message_id)})
