"""A scan says of a customer that its workflow did not answer"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_BEFORE = ("proposed", "open_hold", "snoozed", "in_grace", "exempt", "no_longer_due")


def upgrade() -> None:
    _known(*_BEFORE, "unanswered")


def downgrade() -> None:
    op.execute("UPDATE ar_aging_items SET disposition = 'no_longer_due' WHERE disposition = 'unanswered'")
    _known(*_BEFORE)


def _known(*dispositions: str) -> None:
    name = op.f("ck_ar_aging_items_disposition")
    op.drop_constraint(name, "ar_aging_items", type_="check")
    op.create_check_constraint(name, "ar_aging_items", sa.column("disposition").in_(dispositions))
