"""The time in which an approval can be taken back counts from when its workflow heard of it"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("decisions", sa.Column("heard_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE decisions SET heard_at = decided_at WHERE applied_at IS NULL AND effective_at > decided_at")


def downgrade() -> None:
    op.drop_column("decisions", "heard_at")
