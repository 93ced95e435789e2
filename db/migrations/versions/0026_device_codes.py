"""Programs that wait for a person to confirm them at the desk"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "device_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("device_sha256", sa.String(), nullable=False),
        sa.Column("user_sha256", sa.String(), nullable=False),
        sa.Column("client_name", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("token_lifetime", sa.Interval(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(confirmed IS NULL) = (user_id IS NULL)", name=op.f("ck_device_codes_answered_by_somebody")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_device_codes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_codes")),
        sa.UniqueConstraint("device_sha256", name=op.f("uq_device_codes_device_sha256")),
        sa.UniqueConstraint("user_sha256", name=op.f("uq_device_codes_user_sha256")),
    )
    for column in ("address", "expires_at", "user_id"):
        op.create_index(f"ix_device_codes_{column}", "device_codes", [column])


def downgrade() -> None:
    op.drop_table("device_codes")
