"""Compare the record with Temporal: find holds whose workflow is gone, and workflows that contradict the record.

Either can happen from outside: somebody terminates a workflow, somebody restores an older database
(docs/decisions/0016).
"""

from temporalio import workflow

from credit.wording import counted

with workflow.unsafe.imports_passed_through():
    from workflows import contract, policies, signatures
    from workflows.contract import Finding, ReconcileInput, ReconcileReport


@workflow.defn(name=contract.RECONCILE)
class Reconcile:
    """One comparison, of everything."""

    @workflow.run
    async def run(self, start: ReconcileInput) -> ReconcileReport:
        """Compare holds, messages and running workflows, page by page; returns what was found."""
        task_queue = workflow.info().task_queue
        looked_at = 0
        findings: list[Finding] = []
        for look in signatures.Look:
            after: str | None = None
            while True:
                page = await workflow.execute_activity(
                    signatures.reconcile_page,
                    signatures.ReconcilePage(
                        look=look,
                        mending=start.mending,
                        requested_by=start.requested_by,
                        task_queue=task_queue,
                        after=after,
                        now=workflow.now(),
                    ),
                    **policies.RECONCILE_PAGE,
                    task_queue=contract.background_task_queue(task_queue),
                    summary=f"Compare {look}, after {after or 'the start'}",
                )
                looked_at += page.looked_at
                findings += page.findings
                after = page.after
                if after is None:
                    break
        self._show(looked_at, findings)
        return ReconcileReport(looked_at=looked_at, findings=findings)

    @staticmethod
    def _show(looked_at: int, findings: list[Finding]) -> None:
        rows = "".join(
            f"\n- `{finding.workflow_id}`: {finding.problem}. {finding.done or 'Only reported.'}"
            for finding in findings
        )
        workflow.set_current_details(f"### {looked_at:,} compared, {counted(len(findings), 'disagreement')}\n{rows}")
