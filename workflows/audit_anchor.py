"""Anchor the audit trail: write the heads of its chains down outside the database.

Each run's result says how long the anchor file is and what its last line's digest is. So Temporal's history knows what
the file must contain: the next run of the schedule compares, and a person can in the Web UI.
"""

from temporalio import workflow

from credit.wording import counted

with workflow.unsafe.imports_passed_through():
    from workflows import contract, policies, signatures
    from workflows.contract import AuditAnchorReport


@workflow.defn(name=contract.AUDIT_ANCHOR)
class AuditAnchor:
    """One anchor, of everything that grew since the last one."""

    @workflow.run
    async def run(self) -> AuditAnchorReport:
        """Anchor; returns where the file stands."""
        previous = workflow.get_last_completion_result(AuditAnchorReport)
        report = await workflow.execute_activity(
            signatures.anchor_audit,
            signatures.AnchorAudit(previous=previous, now=workflow.now()),
            **policies.ANCHOR,
            task_queue=contract.background_task_queue(workflow.info().task_queue),
            summary="Write the heads of the audit chains down",
        )
        problem = f"**The anchor file was changed** {report.problem}\n\n" if report.problem else ""
        workflow.set_current_details(
            f"### {counted(report.heads, 'chain')} anchored\n\n{problem}"
            f"The anchor file has {counted(report.lines, 'line')}; "
            f"the last one's SHA-256 is `{report.digest or 'none'}`. "
            f"The audit trail has {counted(report.total_rows, 'row')}."
        )
        return report
