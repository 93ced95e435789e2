"""The time to take an approval back counts on one clock; a limit crossed while a hold has its block makes its own"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CAUSES = ("import", "invoice", "payment", "limit", "order", "family", "policy")
_TOLD = tuple(f"proposal.{what}" for what in ("opened", "decided", "reminded", "escalated", "expired"))
_UNIQUE = "uq_credit_hold_entries_all_tariffs"
_LIVE = "ended_at IS NULL AND tariffs IS NULL"


def upgrade() -> None:
    op.add_column("decisions", sa.Column("heard_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE decisions SET heard_at = decided_at WHERE applied_at IS NULL AND effective_at > decided_at")
    _one_live_entry(f"{_LIVE} AND hold_id IS NULL")
    _known("limit_transitions", "cause", *_CAUSES, "exemption", "release")
    _known("notifications", "event", *_TOLD, "hold.released")


def downgrade() -> None:
    op.execute("UPDATE limit_transitions SET cause = 'limit' WHERE cause IN ('exemption', 'release')")
    _known("limit_transitions", "cause", *_CAUSES)
    op.execute("DELETE FROM notifications WHERE event = 'hold.released'")
    _known("notifications", "event", *_TOLD)
    op.execute("""
        UPDATE credit_hold_entries e SET ended_at = now(), ended_by = 'service-holds', end_reason = 'there are two'
        WHERE ended_at IS NULL AND source = 'auto_apply' AND hold_id IS NULL AND EXISTS (
            SELECT FROM credit_hold_entries o WHERE o.customer_id = e.customer_id AND o.source = e.source
                AND o.ended_at IS NULL AND o.hold_id IS NOT NULL
        )
    """)
    _one_live_entry(_LIVE)
    op.drop_column("decisions", "heard_at")


def _one_live_entry(where: str) -> None:
    table = "credit_hold_entries"
    op.drop_index(_UNIQUE, table_name=table)
    op.create_index(_UNIQUE, table, ["customer_id", "source"], unique=True, postgresql_where=sa.text(where))


def _known(table: str, column: str, *values: str) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, sa.column(column).in_(values))
