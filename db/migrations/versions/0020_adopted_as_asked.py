"""That a hold is adopted from NetSuite is asked for with its trigger, not afterwards"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("hold_requests", sa.Column("adopt_prior", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_hold_requests_adopts"),
        "hold_requests",
        "adopt_prior IS NULL OR (what = 'trigger' AND adopt_prior IN ('AUTO', 'OFF'))",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_hold_requests_adopts"), "hold_requests", type_="check")
    op.drop_column("hold_requests", "adopt_prior")
