"""What was asked for is a row before a signal says so, and a hold's workflow id is made of its customer's id"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_KINDS = (
    "ar_aging_tick_threshold",
    "credit_limit_exceeded",
    "customer_health_prediction",
    "repeated_disputes",
    "manual",
)
_CAUSES = ("person", "dispute", "payment", "payment_plan", "end_date")


def upgrade() -> None:
    op.create_table(
        "hold_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("what", sa.String(length=40), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=True),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=40), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.CheckConstraint("id <> ''", name=op.f("ck_hold_requests_id_not_empty")),
        sa.CheckConstraint("what IN ('trigger', 'release', 'scan', 'reconcile')", name=op.f("ck_hold_requests_what")),
        sa.CheckConstraint(f"kind IN {_KINDS}", name=op.f("ck_hold_requests_kind")),
        sa.CheckConstraint(f"cause IN {_CAUSES}", name=op.f("ck_hold_requests_cause")),
        sa.CheckConstraint(
            "(what IN ('trigger', 'release')) = (customer_id IS NOT NULL)", name=op.f("ck_hold_requests_of_a_customer")
        ),
        sa.CheckConstraint("(what = 'trigger') = (kind IS NOT NULL)", name=op.f("ck_hold_requests_kind_of_a_trigger")),
        sa.CheckConstraint(
            "(what = 'release') = (cause IS NOT NULL)", name=op.f("ck_hold_requests_cause_of_a_release")
        ),
        sa.CheckConstraint(
            "(what = 'release') = (hold_id IS NOT NULL)", name=op.f("ck_hold_requests_hold_of_a_release")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_hold_requests_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_hold_requests_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold_requests")),
    )
    op.create_index("ix_hold_requests_customer_id", "hold_requests", ["customer_id", "asked_at"])
    # A version before this one believed whoever took a hold up: what a foreign workflow took over is given back here.
    op.drop_column("holds", "workflow_id")
    op.add_column(
        "holds",
        sa.Column(
            "workflow_id", sa.String(), sa.Computed("'service-hold/' || customer_id", persisted=True), nullable=False
        ),
    )


def downgrade() -> None:
    op.execute("ALTER TABLE holds ALTER COLUMN workflow_id DROP EXPRESSION")
    op.drop_index("ix_hold_requests_customer_id", table_name="hold_requests")
    op.drop_table("hold_requests")
