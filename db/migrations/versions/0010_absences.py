"""Absences with a delegate, on whose behalf decisions were made, and what is told of a proposal that waits"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TOLD_BEFORE = ("proposal.opened", "proposal.decided")
_TOLD_NOW = (*_TOLD_BEFORE, "proposal.reminded", "proposal.escalated", "proposal.expired")


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("delegate", sa.String(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("delegate <> login", name=op.f("ck_absences_somebody_else_stands_in")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_absences_lasts")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_absences_says_why")),
        sa.ForeignKeyConstraint(["login"], ["users.login"], name=op.f("fk_absences_login")),
        sa.ForeignKeyConstraint(["delegate"], ["users.login"], name=op.f("fk_absences_delegate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index("ix_absences_login", "absences", ["login", "ends_at"])
    op.create_index("ix_absences_delegate", "absences", ["delegate", "ends_at"])
    for table in ("decisions", "approvals"):
        nobody = sa.text("'[]'::jsonb")
        op.add_column(table, sa.Column("on_behalf_of", postgresql.JSONB(), nullable=False, server_default=nobody))
    op.add_column("proposals", sa.Column("escalated_to", sa.String(), nullable=True))
    _tell_of(_TOLD_NOW)


def downgrade() -> None:
    op.execute(f"DELETE FROM notifications WHERE NOT {_one_of(_TOLD_BEFORE)}")  # noqa: S608 (our own names)
    _tell_of(_TOLD_BEFORE)
    op.drop_column("proposals", "escalated_to")
    op.drop_column("approvals", "on_behalf_of")
    op.drop_column("decisions", "on_behalf_of")
    op.drop_index("ix_absences_delegate", table_name="absences")
    op.drop_index("ix_absences_login", table_name="absences")
    op.drop_table("absences")


def _tell_of(events: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_notifications_event"), "notifications", type_="check")
    op.create_check_constraint(op.f("ck_notifications_event"), "notifications", _one_of(events))


def _one_of(events: tuple[str, ...]) -> str:
    return f"(event IN ({', '.join(repr(event) for event in events)}))"
