"""Where NetSuite differs from the record, what was seen around it, and holds that were adopted from it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OUTCOMES = ("repaired", "accepted", "adopted", "gone", "changed")


def upgrade() -> None:
    op.create_table(
        "netsuite_drift",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("netsuite_id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.Column("expected", sa.String(), nullable=True),
        sa.Column("found", sa.String(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(*_OUTCOMES, name="outcome", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (outcome IS NULL)", name=op.f("ck_netsuite_drift_outcome_when_settled")
        ),
        sa.CheckConstraint(
            "ended_at IS NULL OR settled_at IS NOT NULL", name=op.f("ck_netsuite_drift_settled_when_ended")
        ),
        sa.CheckConstraint("(hold_id IS NULL) = (expected IS NULL)", name=op.f("ck_netsuite_drift_expected_by_a_hold")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_netsuite_drift_hold_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_netsuite_drift_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_netsuite_drift")),
    )
    op.create_index(
        "uq_netsuite_drift_standing",
        "netsuite_drift",
        ["netsuite_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_netsuite_drift_hold_id", "netsuite_drift", ["hold_id"])
    op.create_table(
        "netsuite_readings",
        sa.Column("netsuite_id", sa.String(), nullable=False),
        sa.Column("gaps", postgresql.JSONB(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("netsuite_id", name=op.f("pk_netsuite_readings")),
    )
    op.create_table(
        "netsuite_adoptions",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("prior", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("prior IN ('AUTO', 'ON', 'OFF')", name=op.f("ck_netsuite_adoptions_prior_known")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_netsuite_adoptions_hold_id")),
        sa.PrimaryKeyConstraint("hold_id", name=op.f("pk_netsuite_adoptions")),
    )


def downgrade() -> None:
    op.drop_table("netsuite_adoptions")
    op.drop_table("netsuite_readings")
    op.drop_index("ix_netsuite_drift_hold_id", table_name="netsuite_drift")
    op.drop_index("uq_netsuite_drift_standing", table_name="netsuite_drift")
    op.drop_table("netsuite_drift")
