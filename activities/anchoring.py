"""Write the heads of the audit chains down outside the database."""

import asyncio

from sqlalchemy import Engine
from temporalio import activity

from activities import serving
from activities.heartbeats import steady_heartbeats
from credit.audit_entries.system import AnchorFileChanged, AnchorFileRead
from db import anchor_file, audit, audit_check
from db.act import Act
from db.anchor_file import AnchorFile
from db.engine import transaction
from workflows.contract import AUDIT_ANCHOR, AuditAnchorReport
from workflows.signatures import AnchorAudit

_CUT_OFF = (
    "it does not hold the line that the anchor before it ended with: it was edited or cut off, or another worker keeps "
    "a file of its own (let all workers share HOLD_AUDIT_ANCHOR_FILE)"
)


class AnchoringActivities:
    def __init__(self, engine: Engine, file: AnchorFile) -> None:
        self._engine = engine
        self._file = file

    @activity.defn
    async def anchor_audit(self, order: AnchorAudit) -> AuditAnchorReport:
        """Append what grew since the file's last line; a repeated call finds nothing new and writes nothing."""
        async with steady_heartbeats():
            await asyncio.to_thread(self._serve, order)
            return await asyncio.to_thread(self._anchor, order)

    def _serve(self, order: AnchorAudit) -> None:
        with serving.checked(self._engine):
            serving.only(AUDIT_ANCHOR)
            serving.not_from_the_future(order.now)

    def _anchor(self, order: AnchorAudit) -> AuditAnchorReport:
        previous = order.previous if order.previous and order.previous.lines else None
        with self._file.locked():
            reading = self._file.read([(previous.lines, previous.digest)] if previous else [])
            with transaction(self._engine) as session:
                heads = audit_check.unanchored(session, reading)
                total_rows = audit_check.count(session)
                anchored = self._file.append(reading, heads, total_rows=total_rows, at=order.now)
                anchor_file.remember(session, reading, order.now)
        problem = reading.problem or (_CUT_OFF if reading.unseen else "")
        report = AuditAnchorReport(
            lines=reading.lines, digest=reading.digest, heads=anchored, total_rows=total_rows, problem=problem
        )
        if problem:
            self._report(order, report, previous)
        return report

    def _report(self, order: AnchorAudit, report: AuditAnchorReport, previous: AuditAnchorReport | None) -> None:
        before = AnchorFileRead(lines=previous.lines, digest=previous.digest) if previous else None
        after = AnchorFileRead(lines=report.lines, digest=report.digest)
        entry = AnchorFileChanged(why=report.problem, before=before, after=after)
        with transaction(self._engine) as session:
            Act.of_system(session, order.now).note(audit.SYSTEM, entry, once=f"{order.now.date()}: {report.problem}")
