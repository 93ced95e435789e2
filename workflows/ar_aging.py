"""The AR aging scan: finds customers above the threshold and proposes a hold for each, page by page.

Run by the schedule `ar-aging`, or by a person. It decides nothing: every proposal waits for its approver. It may be
killed anywhere and run twice on one day: a candidate's trigger has the same id on every try, and a customer with an
open hold, in a snooze or in a grace is left out, with the reason kept.
"""

import asyncio
from datetime import date, datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from credit.wording import counted

with workflow.unsafe.imports_passed_through():
    from workflows import contract, policies, record, signatures
    from workflows.contract import ArAgingInput, ArAgingReport

_PAGE = 100
_BATCH = 20
_DUE_AT = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name=contract.AR_AGING)
class ArAging:
    """One scan."""

    def __init__(self) -> None:
        self._proposed = 0

    @workflow.run
    async def run(self, start: ArAgingInput) -> ArAgingReport:
        """Scan the whole ledger; returns what was made of everybody above the threshold."""
        scan = await self._open(start)
        after = start.after
        while True:
            self._show(scan.as_of, after)
            page = await workflow.execute_activity(
                signatures.read_aging_page,
                signatures.ReadAgingPage(
                    run_id=scan.run_id, as_of=scan.as_of, after=after, limit=_PAGE, now=workflow.now()
                ),
                **policies.SCAN_PAGE,
                summary=f"Customers above the threshold, after {after or 'the start'}",
            )
            batches = [page.to_propose[at : at + _BATCH] for at in range(0, len(page.to_propose), _BATCH)]
            proposed = await asyncio.gather(*(self._propose(start, scan, batch) for batch in batches))
            self._proposed += sum(proposed)
            if page.last is None:
                return await self._close(scan)
            after = page.last
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(
                    start.model_copy(update={"run_id": scan.run_id, "as_of": scan.as_of, "after": after})
                )

    async def _open(self, start: ArAgingInput) -> signatures.AgingRun:
        if start.run_id is not None and start.as_of is not None:
            return signatures.AgingRun(run_id=start.run_id, as_of=start.as_of)
        order = signatures.OpenAgingRun(
            run_id=workflow.uuid4(),
            workflow_id=workflow.info().workflow_id,
            requested_by=start.requested_by,
            as_of=start.as_of,
            due_at=self._due_at(),
            time_zone=start.time_zone,
            now=workflow.now(),
        )
        return await record.ask(signatures.open_aging_run, order, "Begin the scan")

    @staticmethod
    def _due_at() -> datetime:
        """When the schedule wanted this run: a run that waited is about the day it was due."""
        return workflow.info().typed_search_attributes.get(_DUE_AT) or workflow.now()

    async def _propose(
        self, start: ArAgingInput, scan: signatures.AgingRun, batch: list[signatures.AgingCandidate]
    ) -> int:
        task_queue = workflow.info().task_queue
        return await workflow.execute_activity(
            signatures.propose_candidates,
            signatures.ProposeCandidates(
                run_id=scan.run_id,
                as_of=scan.as_of,
                requested_by=start.requested_by,
                task_queue=task_queue,
                candidates=batch,
            ),
            **policies.PROPOSE_BATCH,
            task_queue=contract.background_task_queue(task_queue),
            summary=f"Propose {counted(len(batch), 'hold')}, from customer {batch[0].customer_id}",
        )

    async def _close(self, scan: signatures.AgingRun) -> ArAgingReport:
        order = signatures.CloseAgingRun(run_id=scan.run_id, now=workflow.now())
        counts = await record.ask(signatures.close_aging_run, order, "Close the scan")
        rows = "\n".join(f"| {disposition.replace('_', ' ')} | {count:,} |" for disposition, count in counts.items())
        workflow.set_current_details(
            f"### AR aging as of {scan.as_of}: done\n\n| Customers above the threshold | |\n|---|---|\n{rows}"
        )
        return ArAgingReport(run_id=scan.run_id, as_of=scan.as_of, counts=counts)

    def _show(self, as_of: date, after: str | None) -> None:
        where = f"customers after `{after}`" if after else "the first customers"
        workflow.set_current_details(
            f"### AR aging as of {as_of}: running\n\nReading {where}. "
            f"{counted(self._proposed, 'hold')} proposed since this history began; each waits for its approver."
        )
