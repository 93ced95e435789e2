"""Beat 1: the flag that order forms read, and the credit hold of the accounting profile."""

from sqlalchemy import Engine
from temporalio import activity

from activities.attempts import beat_in_one_transaction
from credit.audit_entries.holds import CustomerFlagged
from credit.states import Beat, EntityStatus
from db import customers
from db.freight import accounting_profiles
from db.holds import holds, releases
from workflows.signatures import RunBeat


class CustomerActivities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @activity.defn(no_thread_cancel_exception=True)
    def flag_customer(self, order: RunBeat) -> None:
        """`UPDATE customers SET entitystatus='hold', last_modified=now` (service-hold spec, beat 1).

        The credit hold comes with it: one that auto-apply made before becomes this hold's.
        """
        with beat_in_one_transaction(self._engine, order, Beat.FLAG_CUSTOMER) as act:
            if act is None:
                return
            hold = holds.lock(act.session, order.hold_id)
            accounting_profiles.block_for_hold(act, hold)
            before = customers.set_entitystatus(act.session, hold.customer_id, EntityStatus.HOLD, act.now)
            hold.prior_entitystatus = before
            act.note(hold.id, CustomerFlagged(before=before, after=EntityStatus.HOLD))

    @activity.defn(no_thread_cancel_exception=True)
    def unflag_customer(self, order: RunBeat) -> None:
        """Give `customers.entitystatus` back what beat 1 found, and lift the hold's block. Other blocks stay."""
        with beat_in_one_transaction(self._engine, order, Beat.UNFLAG_CUSTOMER) as act:
            if act is None:
                return
            hold = holds.lock(act.session, order.hold_id)
            releases.unflag(act, hold)
