"""One-time passwords end, devices are known, and an absence lasts a year at most"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("one_time_until", sa.DateTime(timezone=True)))
    op.execute("UPDATE users SET one_time_until = now() + interval '24 hours' WHERE one_time_password")
    op.create_table(
        "known_devices",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_known_devices_user_id")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_known_devices")),
    )
    op.create_index("ix_known_devices_user_id", "known_devices", ["user_id"])
    op.create_index("ix_known_devices_seen_at", "known_devices", ["seen_at"])
    op.add_column("sign_in_failures", sa.Column("device", sa.String()))
    op.execute("UPDATE absences SET ends_at = starts_at + interval '366 days' WHERE ends_at - starts_at > '366 days'")
    op.create_check_constraint(
        op.f("ck_absences_lasts_a_year_at_most"), "absences", "ends_at - starts_at <= interval '366 days'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_absences_lasts_a_year_at_most"), "absences", type_="check")
    op.drop_column("sign_in_failures", "device")
    op.drop_index("ix_known_devices_seen_at", "known_devices")
    op.drop_index("ix_known_devices_user_id", "known_devices")
    op.drop_table("known_devices")
    op.drop_column("users", "one_time_until")
