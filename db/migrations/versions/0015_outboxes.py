"""What was asked of a hold is told until what it asks for has a row"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hold_requests", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("hold_requests", sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True))
    # Whoever asked the version before was answered: what it could not tell was refused, and is not told now.
    op.execute("UPDATE hold_requests SET handled_at = asked_at")
    op.create_index(
        "ix_hold_requests_outbox", "hold_requests", ["asked_at"], postgresql_where=sa.text("handled_at IS NULL")
    )
    op.add_column("inbound_events", sa.Column("noted", sa.BigInteger(), nullable=True))
    op.execute("""
        UPDATE inbound_events SET noted = (SELECT max(seq) FROM audit_events WHERE chain = hold_id::text)
        WHERE handled_at IS NULL AND hold_id IS NOT NULL
    """)
    op.add_column("netsuite_drift", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_netsuite_drift_repaired", "netsuite_drift", ["hold_id"], postgresql_where=sa.text("outcome = 'repaired'")
    )


def downgrade() -> None:
    op.drop_index("ix_netsuite_drift_repaired", table_name="netsuite_drift")
    op.drop_column("netsuite_drift", "tried_at")
    op.drop_column("inbound_events", "noted")
    op.drop_index("ix_hold_requests_outbox", table_name="hold_requests")
    op.drop_column("hold_requests", "handled_at")
    op.drop_column("hold_requests", "tried_at")
