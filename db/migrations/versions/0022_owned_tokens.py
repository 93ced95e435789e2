"""A token has an owner, an expiry, a scope and a last use"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_tokens", sa.Column("owner_id", sa.Uuid(), nullable=True))
    op.add_column("api_tokens", sa.Column("scope", sa.ARRAY(sa.String()), nullable=True))
    op.add_column("api_tokens", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "api_tokens",
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, server_default=_in(366)),
    )
    op.alter_column("api_tokens", "expires_at", server_default=_in(90))
    op.create_foreign_key(op.f("fk_api_tokens_owner_id"), "api_tokens", "users", ["owner_id"], ["id"])
    op.create_index("ix_api_tokens_owner_id", "api_tokens", ["owner_id"])
    op.execute("""
        UPDATE api_tokens SET owner_id = users.id FROM users
        WHERE users.login = lower(trim(api_tokens.name)) AND api_tokens.role <> 'sender'
    """)
    op.create_check_constraint(
        op.f("ck_api_tokens_sender_is_nobodys"), "api_tokens", "role <> 'sender' OR owner_id IS NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_api_tokens_sender_is_nobodys"), "api_tokens", type_="check")
    op.drop_index("ix_api_tokens_owner_id", table_name="api_tokens")
    for column in ("owner_id", "scope", "last_used_at", "expires_at"):
        op.drop_column("api_tokens", column)


def _in(days: int) -> sa.TextClause:
    return sa.text(f"now() + interval '{days} days'")
