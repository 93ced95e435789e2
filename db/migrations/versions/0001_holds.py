"""Holds, receivables and the record"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# Append-only tables: the database itself refuses to change or remove a row.
_APPEND_ONLY = ("audit_events", "message_revisions", "policies", "auto_decisions")
_REFUSE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""


def upgrade() -> None:
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('viewer', 'requester', 'approver', 'admin')", name=op.f("ck_api_tokens_role_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("name", name=op.f("uq_api_tokens_name")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_tokens_sha256")),
    )
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("chain", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("detail", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prev_hash", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("chain", "seq", name=op.f("uq_audit_events_chain_seq")),
    )
    op.create_index("ix_audit_events_at", "audit_events", ["at"], unique=False)
    op.create_table(
        "content_templates",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("name", "language", "version", name=op.f("pk_content_templates")),
    )
    op.create_table(
        "imports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=True),
        sa.Column("counts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
    )
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_policies_version_counts_from_one")),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policies")),
    )
    op.create_table(
        "sales_reps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_sales_reps_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_reps")),
        sa.UniqueConstraint("email", name=op.f("uq_sales_reps_email")),
    )
    op.create_table(
        "workflow_definitions",
        sa.Column("workflow_type", sa.String(), nullable=False),
        sa.Column("risk_level", sa.Integer(), nullable=False),
        sa.Column("expected_duration_minutes", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("sources", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("workflow_type", name=op.f("pk_workflow_definitions")),
    )
    op.create_table(
        "customers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "entitystatus",
            sa.Enum("active", "hold", name="entitystatus", native_enum=False, create_constraint=True, length=40),
            server_default="active",
            nullable=False,
        ),
        sa.Column(
            "last_modified", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("netsuite_id", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("sales_rep_id", sa.Integer(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("id <> ''", name=op.f("ck_customers_id_not_empty")),
        sa.CheckConstraint("netsuite_id <> ''", name=op.f("ck_customers_netsuite_id_not_empty")),
        sa.ForeignKeyConstraint(["sales_rep_id"], ["sales_reps.id"], name=op.f("fk_customers_sales_rep_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
        sa.UniqueConstraint("netsuite_id", name=op.f("uq_customers_netsuite_id")),
    )
    op.create_index("ix_customers_sales_rep_id", "customers", ["sales_rep_id"], unique=False)
    op.create_table(
        "accounting_profiles",
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("credit_limit", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.CheckConstraint("credit_limit >= 0", name=op.f("ck_accounting_profiles_limit_not_negative")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_accounting_profiles_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("pk_accounting_profiles")),
    )
    op.create_table(
        "credits",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("amount_unapplied", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("source_amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("source_currency", sa.String(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=18, scale=8), server_default="1", nullable=False),
        sa.CheckConstraint("amount_unapplied >= 0", name=op.f("ck_credits_amount_not_negative")),
        sa.CheckConstraint("rate > 0", name=op.f("ck_credits_rate_positive")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_credits_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credits")),
    )
    op.create_index(
        "ix_credits_customer_id", "credits", ["customer_id"], unique=False, postgresql_include=["amount_unapplied"]
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "applying",
                "in_force",
                "releasing",
                "released",
                "declined",
                "expired",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("as_of_shift_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("prior_entitystatus", sa.String(), nullable=True),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("in_force_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (status IN ('proposed', 'applying', 'in_force', 'releasing'))",
            name=op.f("ck_holds_closed_when_over"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_holds_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index("ix_holds_customer_id", "holds", ["customer_id", "proposed_at"], unique=False)
    op.create_index("ix_holds_status", "holds", ["status", "proposed_at"], unique=False)
    op.create_index(
        "uq_holds_one_open",
        "holds",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('proposed', 'applying', 'in_force', 'releasing')"),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount_open", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("source_amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("source_currency", sa.String(), nullable=False),
        sa.Column("rate", sa.Numeric(precision=18, scale=8), server_default="1", nullable=False),
        sa.CheckConstraint("amount_open >= 0", name=op.f("ck_invoices_amount_not_negative")),
        sa.CheckConstraint("rate > 0", name=op.f("ck_invoices_rate_positive")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_invoices_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
    )
    op.create_index(
        "ix_invoices_open",
        "invoices",
        ["customer_id"],
        unique=False,
        postgresql_include=["due_date", "amount_open"],
        postgresql_where=sa.text("amount_open > 0"),
    )
    op.create_table(
        "payment_plans",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_payment_plans_customer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_plans")),
    )
    op.create_index(
        "uq_payment_plans_active",
        "payment_plans",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "customer_invoice_dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_customer_invoice_dispute_customer_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["invoices.id"], name=op.f("fk_customer_invoice_dispute_invoice_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_invoice_dispute")),
    )
    op.create_index(
        "ix_customer_invoice_dispute_customer_id", "customer_invoice_dispute", ["customer_id"], unique=False
    )
    op.create_index(
        "uq_customer_invoice_dispute_open",
        "customer_invoice_dispute",
        ["invoice_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "hold_beats",
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column(
            "beat",
            sa.Enum(
                "flag_customer",
                "notify_sales_rep",
                "draft_customer_notice",
                "push_netsuite",
                name="beat",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "running",
                "retrying",
                "done",
                "needs_attention",
                "skipped",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(done_at IS NOT NULL) = (status = 'done')", name=op.f("ck_hold_beats_done_when_done")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_hold_beats_hold_id")),
        sa.PrimaryKeyConstraint("hold_id", "beat", name=op.f("pk_hold_beats")),
    )
    op.create_index(
        "ix_hold_beats_unfinished",
        "hold_beats",
        ["status"],
        unique=False,
        postgresql_where=sa.text("status NOT IN ('done', 'skipped')"),
    )
    op.create_table(
        "hold_triggers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "ar_aging_tick_threshold", "manual", name="kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened", sa.Boolean(), nullable=False),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "recorded_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.CheckConstraint("(hold_id IS NULL) = (refusal IS NOT NULL)", name=op.f("ck_hold_triggers_refused_or_held")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_hold_triggers_customer_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_hold_triggers_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold_triggers")),
    )
    op.create_index("ix_hold_triggers_hold_id", "hold_triggers", ["hold_id"], unique=False)
    op.create_index(
        "uq_hold_triggers_opener", "hold_triggers", ["hold_id"], unique=True, postgresql_where=sa.text("opened")
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("sales_rep", "customer_notice", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "pending_review",
                "approved",
                "sent",
                "discarded",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("recipient", sa.String(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("drafted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_messages_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("hold_id", "kind", name=op.f("uq_messages_hold_id_kind")),
    )
    op.create_table(
        "netsuite_records",
        sa.Column("netsuite_id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("desired", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("prior", sa.String(), nullable=True),
        sa.Column("value", sa.String(), nullable=True),
        sa.Column("read_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("desired IN ('AUTO', 'ON', 'OFF')", name=op.f("ck_netsuite_records_desired_known")),
        sa.CheckConstraint("prior IN ('AUTO', 'ON', 'OFF')", name=op.f("ck_netsuite_records_prior_known")),
        sa.CheckConstraint("value IN ('AUTO', 'ON', 'OFF')", name=op.f("ck_netsuite_records_value_known")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_netsuite_records_hold_id")),
        sa.PrimaryKeyConstraint("netsuite_id", name=op.f("pk_netsuite_records")),
    )
    op.create_table(
        "proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("place", "release", "repair", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "status",
            sa.Enum(
                "open",
                "approved",
                "declined",
                "expired",
                "withdrawn",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("warnings", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("returns_id", sa.Uuid(), nullable=True),
        sa.Column("return_reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(settled_at IS NULL) = (status = 'open')", name=op.f("ck_proposals_settled_when_not_open")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_proposals_revision_counts_from_one")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_proposals_hold_id")),
        sa.ForeignKeyConstraint(["policy_version"], ["policies.version"], name=op.f("fk_proposals_policy_version")),
        sa.ForeignKeyConstraint(["returns_id"], ["proposals.id"], name=op.f("fk_proposals_returns_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
        sa.UniqueConstraint("returns_id", name=op.f("uq_proposals_returns_id")),
    )
    op.create_index("ix_proposals_hold_id", "proposals", ["hold_id", "opened_at"], unique=False)
    op.create_index(
        "uq_proposals_one_open", "proposals", ["hold_id"], unique=True, postgresql_where=sa.text("status = 'open'")
    )
    op.create_table(
        "reflexion_log",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("tags", sa.String(), nullable=False),
        sa.Column("entry", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_reflexion_log_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reflexion_log")),
        sa.UniqueConstraint("hold_id", "event", name=op.f("uq_reflexion_log_hold_id_event")),
    )
    op.create_index("ix_reflexion_log_tags", "reflexion_log", ["tags"], unique=False)
    op.create_table(
        "claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("expires_at > claimed_at", name=op.f("ck_claims_lease_positive")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_claims_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
        sa.UniqueConstraint("id", "proposal_id", name=op.f("uq_claims_id_proposal_id")),
    )
    op.create_index(
        "uq_claims_one_live", "claims", ["proposal_id"], unique=True, postgresql_where=sa.text("released_at IS NULL")
    )
    op.create_table(
        "message_revisions",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("editor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_message_revisions_revision_counts_from_one")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_revisions_message_id")),
        sa.PrimaryKeyConstraint("message_id", "revision", name=op.f("pk_message_revisions")),
    )
    op.create_table(
        "netsuite_pushes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("netsuite_id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_netsuite_pushes_hold_id")),
        sa.ForeignKeyConstraint(
            ["netsuite_id"], ["netsuite_records.netsuite_id"], name=op.f("fk_netsuite_pushes_netsuite_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_netsuite_pushes")),
    )
    op.create_index("ix_netsuite_pushes_netsuite_id", "netsuite_pushes", ["netsuite_id", "started_at"], unique=False)
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("approve", "decline", name="verdict", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("keep_block", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.CheckConstraint("(applied_at IS NULL) = (outcome IS NULL)", name=op.f("ck_decisions_outcome_when_applied")),
        sa.ForeignKeyConstraint(
            ["claim_id", "proposal_id"],
            ["claims.id", "claims.proposal_id"],
            name=op.f("fk_decisions_claim_id_proposal_id"),
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_decisions_hold_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_decisions_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_decisions_proposal_id")),
    )
    op.create_index("ix_decisions_hold_id", "decisions", ["hold_id"], unique=False)
    op.create_index(
        "ix_decisions_outbox", "decisions", ["decided_at"], unique=False, postgresql_where=sa.text("applied_at IS NULL")
    )
    op.create_table(
        "auto_decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workflow_type", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column(
            "verdict",
            sa.Enum("approve", "decline", name="verdict", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_auto_decisions_customer_id")),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name=op.f("fk_auto_decisions_decision_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_auto_decisions_hold_id")),
        sa.ForeignKeyConstraint(
            ["policy_version"], ["policies.version"], name=op.f("fk_auto_decisions_policy_version")
        ),
        sa.ForeignKeyConstraint(
            ["workflow_type"], ["workflow_definitions.workflow_type"], name=op.f("fk_auto_decisions_workflow_type")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auto_decisions")),
        sa.UniqueConstraint("decision_id", name=op.f("uq_auto_decisions_decision_id")),
    )
    op.create_index("ix_auto_decisions_customer_id", "auto_decisions", ["customer_id", "decided_at"], unique=False)
    op.execute(_REFUSE)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_index("ix_auto_decisions_customer_id", table_name="auto_decisions")
    op.drop_table("auto_decisions")
    op.drop_index("ix_decisions_outbox", table_name="decisions", postgresql_where=sa.text("applied_at IS NULL"))
    op.drop_index("ix_decisions_hold_id", table_name="decisions")
    op.drop_table("decisions")
    op.drop_index("ix_netsuite_pushes_netsuite_id", table_name="netsuite_pushes")
    op.drop_table("netsuite_pushes")
    op.drop_table("message_revisions")
    op.drop_index("uq_claims_one_live", table_name="claims", postgresql_where=sa.text("released_at IS NULL"))
    op.drop_table("claims")
    op.drop_index("ix_reflexion_log_tags", table_name="reflexion_log")
    op.drop_table("reflexion_log")
    op.drop_index("uq_proposals_one_open", table_name="proposals", postgresql_where=sa.text("status = 'open'"))
    op.drop_index("ix_proposals_hold_id", table_name="proposals")
    op.drop_table("proposals")
    op.drop_table("netsuite_records")
    op.drop_table("messages")
    op.drop_index("uq_hold_triggers_opener", table_name="hold_triggers", postgresql_where=sa.text("opened"))
    op.drop_index("ix_hold_triggers_hold_id", table_name="hold_triggers")
    op.drop_table("hold_triggers")
    op.drop_index(
        "ix_hold_beats_unfinished",
        table_name="hold_beats",
        postgresql_where=sa.text("status NOT IN ('done', 'skipped')"),
    )
    op.drop_table("hold_beats")
    op.drop_index(
        "uq_customer_invoice_dispute_open",
        table_name="customer_invoice_dispute",
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.drop_index("ix_customer_invoice_dispute_customer_id", table_name="customer_invoice_dispute")
    op.drop_table("customer_invoice_dispute")
    op.drop_index("uq_payment_plans_active", table_name="payment_plans", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_table("payment_plans")
    op.drop_index(
        "ix_invoices_open",
        table_name="invoices",
        postgresql_include=["due_date", "amount_open"],
        postgresql_where=sa.text("amount_open > 0"),
    )
    op.drop_table("invoices")
    op.drop_index(
        "uq_holds_one_open",
        table_name="holds",
        postgresql_where=sa.text("status IN ('proposed', 'applying', 'in_force', 'releasing')"),
    )
    op.drop_index("ix_holds_status", table_name="holds")
    op.drop_index("ix_holds_customer_id", table_name="holds")
    op.drop_table("holds")
    op.drop_index("ix_credits_customer_id", table_name="credits", postgresql_include=["amount_unapplied"])
    op.drop_table("credits")
    op.drop_table("accounting_profiles")
    op.drop_index("ix_customers_sales_rep_id", table_name="customers")
    op.drop_table("customers")
    op.drop_table("workflow_definitions")
    op.drop_table("sales_reps")
    op.drop_table("policies")
    op.drop_table("imports")
    op.drop_table("content_templates")
    op.drop_index("ix_audit_events_at", table_name="audit_events")
    op.drop_table("audit_events")
    op.drop_table("api_tokens")
    op.execute("DROP FUNCTION refuse_change()")
