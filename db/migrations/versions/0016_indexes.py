"""What is asked for often is found by an index, and what may be noted once is once by one"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_release_requests_proposal_id", "release_requests", ["proposal_id"])
    op.create_index("ix_netsuite_records_hold_id", "netsuite_records", ["hold_id"])
    op.create_index("ix_audit_events_actor", "audit_events", ["actor", "id"])
    op.create_index("ix_audit_events_action", "audit_events", ["action", "id"])
    op.create_index(
        "uq_audit_events_once",
        "audit_events",
        ["chain", sa.text("(detail ->> 'once')")],
        unique=True,
        postgresql_where=sa.text("(detail ->> 'once') IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_audit_events_once", table_name="audit_events")
    op.drop_index("ix_audit_events_action", table_name="audit_events")
    op.drop_index("ix_audit_events_actor", table_name="audit_events")
    op.drop_index("ix_netsuite_records_hold_id", table_name="netsuite_records")
    op.drop_index("ix_release_requests_proposal_id", table_name="release_requests")
