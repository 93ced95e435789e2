"""Look at NetSuite's customer records in bulk, and note where they differ from what this system wants of them.

SuiteQL shows which records may differ; each of those is then read by itself, because what SuiteQL answers for a hold is
not documented. So a false alarm takes a wrong answer of the record API.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import Engine
from temporalio import activity

from activities import serving
from activities.netsuite import calling
from credit.drift import LimitHandling, Relative, Surroundings, gaps
from credit.hold import HoldView
from db import policies, session_locks
from db.act import Act
from db.engine import transaction
from db.holds import drift
from db.holds.drift import Watched
from db.receivables import receivables
from netsuite import suiteql
from netsuite.client import NetSuiteClient
from netsuite.errors import RecordNotFound
from netsuite.records import CreditHoldOverride
from netsuite.suiteql import Row
from workflows.contract import DRIFT_CHECK
from workflows.signatures import DriftCompared, DriftPage, HoldAt, UnheldFound, UnheldPage

_PAGE = 500
_CUSTOMERS = """
SELECT c.id, c.companyname, c.creditholdoverride, c.creditlimit, cu.symbol AS currency, c.parent, c.terms
FROM customer c LEFT JOIN currency cu ON cu.id = c.currency
"""


class RepairActivities:
    """What a hold's workflow does about a difference."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn
    def propose_repair(self, order: HoldAt) -> HoldView:
        """Open the proposal to repair, or withdraw the one that has become moot."""
        with serving.acting(self._engine, order.now) as act:
            serving.hold(act.session, order.hold_id, order.now)
            return drift.propose_repair(act, order.hold_id)


class DriftActivities:
    """Comparisons with NetSuite, one page at a time."""

    def __init__(self, engine: Engine, client: NetSuiteClient, handling: LimitHandling, concurrency: int) -> None:
        self._engine = engine
        self._client = client
        self._handling = handling
        self._calls = session_locks.netsuite_calls(concurrency)

    @activity.defn(no_thread_cancel_exception=True)
    def compare_with_netsuite(self, order: DriftPage) -> DriftCompared:
        """Compare the next 500 records.

        Raises:
            ApplicationError: typed by the NetSuite error's name, non-retryable where only a person can mend it.
        """
        now = activity.info().started_time
        with serving.checked(self._engine) as session:
            serving.only(DRIFT_CHECK)
            page = drift.watched(session, after=order.after, limit=_PAGE, now=now)
            standing = drift.standing_at(session, [one.netsuite_id for one in page])
        with calling(self._engine, self._calls):
            rows = self._read(suiteql.one_of("c.id", [one.netsuite_id for one in page])) if page else {}
            found = {one: self._found(one, rows.get(one.netsuite_id)) for one in page}
            around = self._surroundings(page, rows, now)
        differing = 0
        for one, value in found.items():
            if value is None or (value == one.desired and one.netsuite_id not in standing):
                continue
            with transaction(self._engine) as session:
                counts = drift.note(Act.of_system(session, now), one, value)
            differing += counts and value != one.desired
        with transaction(self._engine) as session:
            drift.note_gaps(session, {key: gaps(seen, self._handling) for key, seen in around.items()}, now)
            to_tell = drift.to_tell(session, [one.netsuite_id for one in page])
        after = page[-1].netsuite_id if len(page) == _PAGE else None
        return DriftCompared(looked_at=len(page), differing=differing, to_tell=to_tell, after=after)

    @activity.defn(no_thread_cancel_exception=True)
    def find_unheld(self, order: UnheldPage) -> UnheldFound:
        """Note the next 1,000 customers that are ON without a hold; behind the last page, end what is so no more.

        Raises:
            ApplicationError: as `compare_with_netsuite`.
        """
        now = activity.info().started_time
        with serving.checked(self._engine):
            serving.only(DRIFT_CHECK)
            serving.not_from_the_future(order.since)
        with calling(self._engine, self._calls):
            page = suiteql.page_after(self._client, _CUSTOMERS, "c.creditholdoverride = 'ON'", "c.id", order.after)
        with transaction(self._engine) as session:
            unheld = drift.note_unheld(session, [row["id"] for row in page.rows], now)
            if not page.has_more:
                drift.end_unheld(session, not_seen_since=order.since, now=now)
        return UnheldFound(unheld=unheld, after=page.rows[-1]["id"] if page.has_more else None)

    def _read(self, where: str) -> dict[str, Row]:
        return {row["id"]: row for row in suiteql.walk(self._client, _CUSTOMERS, where, "c.id")}

    def _found(self, one: Watched, row: Row | None) -> CreditHoldOverride | None:
        """What NetSuite says of a record; None where it has no such record (any more)."""
        said = suiteql.hold_value(row.get("creditholdoverride")) if row else None
        if said == one.desired:
            return said
        try:
            return self._client.read_customer(one.netsuite_id).credit_hold_override
        except RecordNotFound:
            return None

    def _surroundings(self, page: Sequence[Watched], rows: dict[str, Row], now: datetime) -> dict[str, Surroundings]:
        """What NetSuite says around each record: its sub-customers, its parent, its terms and limit."""
        if not rows:
            return {}
        subs = defaultdict(list)
        for row in self._read(suiteql.one_of("c.parent", rows)).values():
            subs[row["parent"]].append(_relative(row))
        wanted = {row["parent"] for row in rows.values() if row.get("parent")}
        parents = self._read(suiteql.one_of("c.id", sorted(wanted))) if wanted else {}
        with transaction(self._engine) as session:
            policy = policies.current(session)[1]
            facts = receivables.read_many(session, [one.customer_id for one in page], now.date(), policy)
        seen = [(one, rows[one.netsuite_id]) for one in page if one.netsuite_id in rows]
        return {
            one.netsuite_id: Surroundings(
                released=one.released,
                after_release=one.desired if one.released else one.prior or "AUTO",
                total_open=facts[one.customer_id].total_open,
                currency=policy.ledger_currency,
                credit_limit=_amount(row.get("creditlimit")),
                limit_currency=row.get("currency"),
                has_terms="terms" in row,
                parent=_relative(parents[parent]) if (parent := row.get("parent", "")) in parents else None,
                sub_customers=subs[one.netsuite_id],
            )
            for one, row in seen
        }


def _relative(row: Row) -> Relative:
    held = suiteql.hold_value(row.get("creditholdoverride")) is CreditHoldOverride.ON
    return Relative(netsuite_id=row["id"], name=row.get("companyname", row["id"]), is_held=held)


def _amount(value: str | None) -> Decimal | None:
    try:
        return Decimal(value) if value is not None else None
    except InvalidOperation:
        return None
