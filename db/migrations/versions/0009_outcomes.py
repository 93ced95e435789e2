"""A hold's dates, the situation that was seen last, and exceptions from it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("holds", sa.Column("end_date", sa.Date(), nullable=True))
    op.add_column("holds", sa.Column("review_date", sa.Date(), nullable=True))
    op.add_column("holds", sa.Column("situation", postgresql.JSONB(), nullable=True))
    op.add_column("holds", sa.Column("next_review_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "hold_exceptions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column(
            "scope",
            sa.Enum("order", "load", name="scope", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("until", sa.Date(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.String(), nullable=True),
        sa.Column("end_reason", sa.String(), nullable=True),
        sa.CheckConstraint("reference <> '' AND reason <> ''", name=op.f("ck_hold_exceptions_says_what_and_why")),
        sa.CheckConstraint(
            "num_nonnulls(ended_at, ended_by, end_reason) IN (0, 3)", name=op.f("ck_hold_exceptions_ended_whole")
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_hold_exceptions_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold_exceptions")),
    )
    op.create_index("ix_hold_exceptions_hold_id", "hold_exceptions", ["hold_id", "until"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_hold_exceptions_hold_id", table_name="hold_exceptions")
    op.drop_table("hold_exceptions")
    for name in ("next_review_at", "situation", "review_date", "end_date"):
        op.drop_column("holds", name)
