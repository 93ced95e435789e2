"""Writing over what somebody changed in NetSuite is let by the answer to a question that was put"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("netsuite_records", sa.Column("restore_asked", sa.String(), nullable=True))
    op.add_column("netsuite_records", sa.Column("restore_over", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("netsuite_records", "restore_over")
    op.drop_column("netsuite_records", "restore_asked")
