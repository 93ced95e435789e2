"""The desk: people and their sessions, reviewed and sent messages, second approvals, notifications"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CHECKS = {
    ("claims", "of_one_thing"): "num_nonnulls(proposal_id, message_id) = 1",
    ("messages", "decided_when_approved"): "(decision_id IS NOT NULL) = (status IN ('approved', 'sent'))",
    ("messages", "delivery_when_approved"): "(delivery IS NOT NULL) = (status IN ('approved', 'sent'))",
    ("messages", "sent_when_sent"): "(sent_at IS NOT NULL) = (status = 'sent')",
}


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("request_sha256", sa.String(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False)
    op.create_table(
        "sign_in_failures",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failures")),
    )
    op.create_index("ix_sign_in_failures_address", "sign_in_failures", ["address", "at"], unique=False)
    op.create_index("ix_sign_in_failures_login", "sign_in_failures", ["login", "at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("one_time_password", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("oidc_issuer", sa.String(), nullable=True),
        sa.Column("oidc_subject", sa.String(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("login <> '' AND login = lower(login)", name=op.f("ck_users_login_lower_case")),
        sa.CheckConstraint("role IN ('viewer', 'requester', 'approver', 'admin')", name=op.f("ck_users_role_known")),
        sa.CheckConstraint("(oidc_issuer IS NULL) = (oidc_subject IS NULL)", name=op.f("ck_users_oidc_whole")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("login", name=op.f("uq_users_login")),
        sa.UniqueConstraint("oidc_issuer", "oidc_subject", name=op.f("uq_users_oidc_issuer_oidc_subject")),
    )
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("csrf_token", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("sha256", name=op.f("uq_user_sessions_sha256")),
    )
    op.create_index("ix_user_sessions_expires_at", "user_sessions", ["expires_at"], unique=False)
    op.create_index("ix_user_sessions_user_id", "user_sessions", ["user_id"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("mail", "webhook", name="channel", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("recipient", sa.String(), nullable=False),
        sa.Column(
            "event",
            sa.Enum(
                "proposal.opened",
                "proposal.decided",
                name="event",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_notifications_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint("key", "channel", "recipient", name=op.f("uq_notifications_key_channel_recipient")),
    )
    op.create_index("ix_notifications_hold_id", "notifications", ["hold_id"], unique=False)
    op.create_index(
        "ix_notifications_outbox",
        "notifications",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("sent_at IS NULL"),
    )
    op.create_table(
        "approvals",
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_approvals_proposal_id")),
        sa.PrimaryKeyConstraint("proposal_id", "revision", name=op.f("pk_approvals")),
    )
    op.add_column("claims", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.alter_column("claims", "proposal_id", existing_type=sa.UUID(), nullable=True)
    op.create_unique_constraint(op.f("uq_claims_id_message_id"), "claims", ["id", "message_id"])
    op.create_index(
        "uq_claims_one_live_of_message",
        "claims",
        ["message_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_foreign_key(op.f("fk_claims_message_id"), "claims", "messages", ["message_id"], ["id"])
    op.create_table(
        "message_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("approve", "discard", name="verdict", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recalled_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["claim_id", "message_id"],
            ["claims.id", "claims.message_id"],
            name=op.f("fk_message_decisions_claim_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["message_id", "revision"],
            ["message_revisions.message_id", "message_revisions.revision"],
            name=op.f("fk_message_decisions_message_id_revision"),
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_decisions_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_decisions")),
    )
    op.create_index("ix_message_decisions_message_id", "message_decisions", ["message_id", "decided_at"], unique=False)
    op.create_index(
        "ix_message_decisions_outbox",
        "message_decisions",
        ["decided_at"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_table(
        "message_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("message_id_header", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["message_decisions.id"], name=op.f("fk_message_deliveries_decision_id")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_deliveries_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_deliveries")),
    )
    op.create_index(
        "ix_message_deliveries_message_id", "message_deliveries", ["message_id", "started_at"], unique=False
    )
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_index(
        "ix_customers_search",
        "customers",
        ["name", "id"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops", "id": "gin_trgm_ops"},
    )
    op.add_column("decisions", sa.Column("effective_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE decisions SET effective_at = decided_at")
    op.alter_column("decisions", "effective_at", nullable=False)
    op.add_column("message_revisions", sa.Column("recipient", sa.String(), nullable=True))
    op.add_column(
        "message_revisions",
        sa.Column(
            "format",
            sa.Enum("text", "markdown", name="format", native_enum=False, create_constraint=True, length=40),
            server_default="text",
            nullable=False,
        ),
    )
    op.add_column("messages", sa.Column("decision_id", sa.Uuid(), nullable=True))
    op.add_column("messages", sa.Column("send_after", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "messages",
        sa.Column(
            "delivery",
            sa.Enum(
                "cooling_off",
                "sending",
                "retrying",
                "refused",
                "unknown",
                "sent",
                name="delivery",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
    )
    op.add_column("messages", sa.Column("delivery_error", sa.String(), nullable=True))
    op.add_column("messages", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_messages_waiting",
        "messages",
        ["drafted_at"],
        unique=False,
        postgresql_where=sa.text("status IN ('pending_review', 'approved')"),
    )
    op.execute("ALTER TABLE message_revisions DISABLE TRIGGER message_revisions_append_only")
    op.execute("UPDATE message_revisions SET recipient = m.recipient FROM messages m WHERE m.id = message_id")
    op.execute("ALTER TABLE message_revisions ENABLE TRIGGER message_revisions_append_only")
    for name, rule in _CHECKS.items():
        table, constraint = name
        op.create_check_constraint(op.f(f"ck_{table}_{constraint}"), table, rule)


def downgrade() -> None:
    for table, constraint in _CHECKS:
        op.drop_constraint(op.f(f"ck_{table}_{constraint}"), table, type_="check")
    op.drop_index("ix_message_deliveries_message_id", table_name="message_deliveries")
    op.drop_table("message_deliveries")
    op.drop_index(
        "ix_message_decisions_outbox", table_name="message_decisions", postgresql_where=sa.text("applied_at IS NULL")
    )
    op.drop_index("ix_message_decisions_message_id", table_name="message_decisions")
    op.drop_table("message_decisions")
    op.execute("DELETE FROM claims WHERE proposal_id IS NULL")
    op.drop_index(
        "ix_messages_waiting",
        table_name="messages",
        postgresql_where=sa.text("status IN ('pending_review', 'approved')"),
    )
    op.drop_column("messages", "sent_at")
    op.drop_column("messages", "delivery_error")
    op.drop_column("messages", "delivery")
    op.drop_column("messages", "send_after")
    op.drop_column("messages", "decision_id")
    op.drop_column("message_revisions", "format")
    op.drop_column("message_revisions", "recipient")
    op.drop_column("decisions", "effective_at")
    op.drop_index(
        "ix_customers_search",
        table_name="customers",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops", "id": "gin_trgm_ops"},
    )
    op.drop_constraint(op.f("fk_claims_message_id"), "claims", type_="foreignkey")
    op.drop_index("uq_claims_one_live_of_message", table_name="claims", postgresql_where=sa.text("released_at IS NULL"))
    op.drop_constraint(op.f("uq_claims_id_message_id"), "claims", type_="unique")
    op.alter_column("claims", "proposal_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("claims", "message_id")
    op.drop_table("approvals")
    op.drop_index("ix_notifications_outbox", table_name="notifications", postgresql_where=sa.text("sent_at IS NULL"))
    op.drop_index("ix_notifications_hold_id", table_name="notifications")
    op.drop_table("notifications")
    op.drop_index("ix_user_sessions_user_id", table_name="user_sessions")
    op.drop_index("ix_user_sessions_expires_at", table_name="user_sessions")
    op.drop_table("user_sessions")
    op.drop_table("users")
    op.drop_index("ix_sign_in_failures_login", table_name="sign_in_failures")
    op.drop_index("ix_sign_in_failures_address", table_name="sign_in_failures")
    op.drop_table("sign_in_failures")
    op.drop_index("ix_idempotency_keys_created_at", table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.execute("DROP EXTENSION pg_trgm")
