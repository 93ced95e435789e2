"""A scan whose history is full goes on in a fresh one: everybody above the threshold is looked at once."""

from datetime import UTC, datetime

from sqlalchemy import text

from db.engine import transaction
from tests.long_histories.test_continue_as_new import runs_of_id
from tests.world import World
from workflows.contract import AR_AGING, ArAgingInput, ArAgingReport

_CUSTOMERS = 2000
_HELD = """
INSERT INTO customers (id, name, netsuite_id) SELECT 'S' || n, 'S' || n, 'S' || n FROM generate_series(1, :count) n;
INSERT INTO invoices (id, customer_id, due_date, amount_open, source_amount, source_currency)
SELECT 'S' || n, 'S' || n, current_date - 120, 30000, 30000, 'USD' FROM generate_series(1, :count) n;
INSERT INTO holds (id, customer_id, status, reason, warnings, run_id, proposed_at)
SELECT gen_random_uuid(), 'S' || n, 'proposed', 'x', '[]', 'r', now()
FROM generate_series(1, :count) n WHERE n % 100 <> 0;
"""


async def test_scan_outlives_full_histories_and_looks_at_everybody_once(running: World) -> None:
    with transaction(running.engine) as session:
        for statement in filter(str.strip, _HELD.split(";")):
            session.execute(text(statement), {"count": _CUSTOMERS})
    name = f"long-scan-{running.settings.task_queue}"

    report: ArAgingReport = await running.client.execute_workflow(
        AR_AGING,
        ArAgingInput(requested_by="robin", as_of=datetime.now(UTC).date()),
        id=name,
        task_queue=running.settings.task_queue,
        result_type=ArAgingReport,
    )

    assert report.counts == {"open_hold": _CUSTOMERS * 99 // 100, "proposed": _CUSTOMERS // 100}
    assert await runs_of_id(running, name) > 1
