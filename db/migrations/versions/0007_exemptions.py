"""Exemptions from automatic holds, and what a scan makes of an exempt customer"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_DISPOSITIONS = ("proposed", "open_hold", "snoozed", "in_grace", "no_longer_due")


def _allow(dispositions: tuple[str, ...]) -> None:
    name = op.f("ck_ar_aging_items_disposition")
    op.drop_constraint(name, "ar_aging_items", type_="check")
    op.create_check_constraint(name, "ar_aging_items", sa.column("disposition").in_(dispositions))


def upgrade() -> None:
    op.create_table(
        "exemptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint("owner <> '' AND reason <> ''", name=op.f("ck_exemptions_answered_for")),
        sa.CheckConstraint(
            "num_nonnulls(ended_at, ended_by, end_reason) IN (0, 3)", name=op.f("ck_exemptions_ended_whole")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_exemptions_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exemptions")),
    )
    op.create_index("ix_exemptions_customer_id", "exemptions", ["customer_id", "until"], unique=False)
    _allow((*_DISPOSITIONS, "exempt"))


def downgrade() -> None:
    op.execute("DELETE FROM ar_aging_items WHERE disposition = 'exempt'")
    _allow(_DISPOSITIONS)
    op.drop_index("ix_exemptions_customer_id", table_name="exemptions")
    op.drop_table("exemptions")
