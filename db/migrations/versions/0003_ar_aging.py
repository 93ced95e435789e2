"""AR aging runs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ar_aging_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(["policy_version"], ["policies.version"], name=op.f("fk_ar_aging_runs_policy_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ar_aging_runs")),
    )
    op.create_index("ix_ar_aging_runs_started_at", "ar_aging_runs", ["started_at"], unique=False)
    op.create_table(
        "ar_aging_items",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column(
            "disposition",
            sa.Enum(
                "proposed",
                "open_hold",
                "snoozed",
                "in_grace",
                "no_longer_due",
                name="disposition",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_ar_aging_items_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_ar_aging_items_hold_id")),
        sa.ForeignKeyConstraint(
            ["run_id"], ["ar_aging_runs.id"], name=op.f("fk_ar_aging_items_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "customer_id", name=op.f("pk_ar_aging_items")),
    )
    op.create_index("ix_ar_aging_items_customer_id", "ar_aging_items", ["customer_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_ar_aging_items_customer_id", table_name="ar_aging_items")
    op.drop_table("ar_aging_items")
    op.drop_index("ix_ar_aging_runs_started_at", table_name="ar_aging_runs")
    op.drop_table("ar_aging_runs")
