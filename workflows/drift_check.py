"""Compare NetSuite with the record: what was written there may be changed there by others.

A difference is a row, and for a hold in force a proposal that its own workflow opens. Nothing is rewritten here.
"""

from datetime import datetime

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

from credit.wording import counted

with workflow.unsafe.imports_passed_through():
    from credit.states import Beat
    from workflows import contract, policies, signatures
    from workflows.contract import DriftCheckInput, DriftReport, DriftSignal, RestoreAgainInput

MOST_TOLD = 500
"""Holds told in one check: the rest are listed, and told by the next one, so that a mass change in NetSuite floods
neither the approvers nor this history."""


@workflow.defn(name=contract.DRIFT_CHECK)
class DriftCheck:
    """One comparison, of everything."""

    @workflow.run
    async def run(self, start: DriftCheckInput) -> DriftReport:  # noqa: ARG002 (shown in the Web UI)
        """Compare every watched record, then look for customers that are ON without a hold; returns the counts."""
        report = DriftReport()
        await self._compare(report)
        report.unheld = await self._find_unheld(workflow.now())
        workflow.set_current_details(
            f"### {report.looked_at:,} compared, {report.differing:,} differ\n\n"
            f"{counted(report.asked, 'hold')} told; "
            f"{counted(report.unheld, 'customer')} ON in NetSuite without a hold here."
        )
        return report

    async def _compare(self, report: DriftReport) -> None:
        after: str | None = None
        while True:
            page = await workflow.execute_activity(
                signatures.compare_with_netsuite,
                signatures.DriftPage(after=after),
                **policies.NETSUITE_QUERY,
                task_queue=contract.netsuite_task_queue(workflow.info().task_queue),
                summary=f"Compare, after {after or 'the start'}",
            )
            report.looked_at += page.looked_at
            report.differing += page.differing
            for customer_id in page.to_tell[: MOST_TOLD - report.asked]:
                report.asked += await self._tell(customer_id)
            after = page.after
            if after is None:
                return

    @staticmethod
    async def _tell(customer_id: str) -> bool:
        hold = workflow.get_external_workflow_handle(contract.service_hold_id(customer_id))
        try:
            await hold.signal("netsuite_drift", DriftSignal(netsuite_id=customer_id))
        except ApplicationError:
            workflow.logger.warning("a hold's workflow is gone", extra={"customer_id": customer_id})
            return False
        return True

    @staticmethod
    async def _find_unheld(since: datetime) -> int:
        found = 0
        after: str | None = None
        while True:
            page = await workflow.execute_activity(
                signatures.find_unheld,
                signatures.UnheldPage(after=after, since=since),
                **policies.NETSUITE_QUERY,
                task_queue=contract.netsuite_task_queue(workflow.info().task_queue),
                summary=f"Find what is ON without a hold, after {after or 'the start'}",
            )
            found += page.unheld
            after = page.after
            if after is None:
                return found


@workflow.defn(name=contract.RESTORE_AGAIN)
class RestoreAgain:
    """Write a released hold's prior value once more: its own workflow has ended, so a person's order has this one."""

    @workflow.run
    async def run(self, start: RestoreAgainInput) -> None:
        """Try for as long as NetSuite is away; fails where no retry can mend it."""
        while True:
            order = signatures.RunBeat(hold_id=start.hold_id, beat=Beat.RESTORE_NETSUITE, now=workflow.now())
            try:
                await workflow.execute_activity(
                    signatures.restore_netsuite,
                    order,
                    **policies.NETSUITE_ROUND,
                    task_queue=contract.netsuite_task_queue(workflow.info().task_queue),
                    summary="Restore NetSuite's value again",
                )
            except ActivityError as error:
                hopeless = isinstance(error.cause, ApplicationError) and error.cause.non_retryable
                if hopeless or is_cancelled_exception(error):
                    raise
            else:
                return
