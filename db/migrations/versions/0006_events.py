"""Inbound events: their outbox, what they write, two new triggers, and a notice that claims no overdue debt"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TRIGGERS = ("ar_aging_tick_threshold", "manual")
_NEW_TRIGGERS = ("customer_health_prediction", "repeated_disputes")
_RESOLUTIONS = ("upheld", "rejected", "withdrawn")
_PLAN_STATUS = ("agreed", "kept", "broken", "ended")
_TABLES = (
    "risk_events",
    "proposed_actions",
    "promises_to_pay",
    "payment_plan_instalments",
    "payments",
    "inbound_events",
)
_REVIEW_NOTICE = """\
Dear {{ customer_name }},

we are reviewing the terms on which we supply you, and have placed your account on hold meanwhile: we cannot accept \
new orders at the moment. This is a precaution; it does not say that a payment of yours is late.
{% if reason_class == "dispute_pattern" %}
The review is about the invoices that you disputed lately. We would like to settle those with you first.
{% endif %}
The hold can be lifted in any of these ways:

  1. A call: tell us how things stand, and what would help.
  2. Payment plan: propose dates and amounts to us, if that is easier for you.
  3. Dispute: if an invoice is wrong, name it and say why; we review it first.

Please reply to this message or call your contact with us. We would like to resume deliveries soon.
"""


def _allow(triggers: tuple[str, ...]) -> None:
    name = op.f("ck_hold_triggers_kind")
    op.drop_constraint(name, "hold_triggers", type_="check")
    op.create_check_constraint(name, "hold_triggers", sa.column("kind").in_(triggers))


def _one_of(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=False, length=40)


def upgrade() -> None:
    op.create_table(
        "inbound_events",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("id", sa.String(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "health-prediction",
                "dispute",
                "payment",
                "payment-plan",
                "promise-to-pay",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "recorded",
                "hold_recommended",
                "release_requested",
                "known_already",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("why", sa.String(), server_default="", nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("tell", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id <> ''", name=op.f("ck_inbound_events_id_not_empty")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_inbound_events_customer_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_inbound_events_hold_id")),
        sa.PrimaryKeyConstraint("source", "id", name=op.f("pk_inbound_events")),
    )
    op.create_index("ix_inbound_events_customer_id", "inbound_events", ["customer_id", "received_at"], unique=False)
    op.create_index(
        "ix_inbound_events_outbox",
        "inbound_events",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("handled_at IS NULL"),
    )
    op.create_table(
        "payments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("invoice_id", sa.String(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("amount_unapplied", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount_positive")),
        sa.CheckConstraint("amount_unapplied BETWEEN 0 AND amount", name=op.f("ck_payments_amount_unapplied_within")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_payments_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    op.create_index("ix_payments_customer_id", "payments", ["customer_id", "received_at"], unique=False)
    op.create_table(
        "payment_plan_instalments",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("missed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_plan_instalments_amount_positive")),
        sa.CheckConstraint("number >= 1", name=op.f("ck_payment_plan_instalments_number_counts_from_one")),
        sa.CheckConstraint(
            "paid_at IS NULL OR missed_at IS NULL", name=op.f("ck_payment_plan_instalments_paid_or_missed")
        ),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["payment_plans.id"], name=op.f("fk_payment_plan_instalments_plan_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("plan_id", "number", name=op.f("pk_payment_plan_instalments")),
    )
    op.create_table(
        "promises_to_pay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=18, scale=2), nullable=False),
        sa.Column("promised_for", sa.Date(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "kept", "broken", "superseded", name="outcome", native_enum=False, create_constraint=True, length=40
            ),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (outcome IS NULL)", name=op.f("ck_promises_to_pay_outcome_when_settled")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("ck_promises_to_pay_amount_positive")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_promises_to_pay_customer_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_promises_to_pay_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises_to_pay")),
    )
    op.create_index("ix_promises_to_pay_customer_id", "promises_to_pay", ["customer_id", "made_at"], unique=False)
    op.create_index(
        "uq_promises_to_pay_open",
        "promises_to_pay",
        ["customer_id"],
        unique=True,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "proposed_actions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("ar_review", "ar_hold_review", name="kind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        sa.Column("dispute_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "staged", "taken", "dismissed", name="status", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(settled_at IS NULL) = (status = 'staged')", name=op.f("ck_proposed_actions_settled_when_not_staged")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_proposed_actions_customer_id")),
        sa.ForeignKeyConstraint(
            ["dispute_id"],
            ["customer_invoice_dispute.id"],
            name=op.f("fk_proposed_actions_dispute_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_proposed_actions_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposed_actions")),
    )
    op.create_index("ix_proposed_actions_customer_id", "proposed_actions", ["customer_id", "created_at"], unique=False)
    op.create_index("ix_proposed_actions_hold_id", "proposed_actions", ["hold_id"], unique=False)
    op.create_table(
        "risk_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("customer_id", sa.String(), nullable=False),
        sa.Column(
            "risk",
            sa.Enum("low", "medium", "high", name="risk", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("score", sa.Numeric(precision=5, scale=4), nullable=True),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("predicted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disputes_before", sa.Integer(), nullable=False),
        sa.Column("proposed", sa.Boolean(), nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("ck_risk_events_score_a_share")),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=op.f("fk_risk_events_customer_id")),
        sa.ForeignKeyConstraint(
            ["source", "event_id"],
            ["inbound_events.source", "inbound_events.id"],
            name=op.f("fk_risk_events_source_event_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_events")),
    )
    op.create_index("ix_risk_events_customer_id", "risk_events", ["customer_id", "recorded_at"], unique=False)
    op.add_column("customer_invoice_dispute", sa.Column("resolution", _one_of("resolution", *_RESOLUTIONS)))
    op.create_check_constraint(
        op.f("ck_customer_invoice_dispute_resolution"),
        "customer_invoice_dispute",
        sa.column("resolution").in_(_RESOLUTIONS),
    )
    op.create_check_constraint(
        op.f("ck_customer_invoice_dispute_resolved_when_closed"),
        "customer_invoice_dispute",
        "resolution IS NULL OR closed_at IS NOT NULL",
    )
    op.add_column("payment_plans", sa.Column("outcome", _one_of("outcome", *_PLAN_STATUS)))
    op.create_check_constraint(
        op.f("ck_payment_plans_outcome"), "payment_plans", sa.column("outcome").in_(_PLAN_STATUS)
    )
    op.create_check_constraint(
        op.f("ck_payment_plans_outcome_when_ended"),
        "payment_plans",
        "outcome IS NULL OR (ended_at IS NOT NULL AND outcome <> 'agreed')",
    )
    _allow(_TRIGGERS + _NEW_TRIGGERS)
    templates = sa.table(
        "content_templates",
        *(sa.column(name) for name in ("name", "language", "version", "subject", "body", "created_by")),
    )
    op.bulk_insert(
        templates,
        [
            {
                "name": "service_hold_review_notice",
                "language": "en",
                "version": 1,
                "subject": "Your account is on hold while we review it",
                "body": _REVIEW_NOTICE,
                "created_by": "migration",
            }
        ],
    )


def downgrade() -> None:
    op.execute("DELETE FROM content_templates WHERE name = 'service_hold_review_notice'")
    _allow(_TRIGGERS)
    op.drop_column("payment_plans", "outcome")
    op.drop_column("customer_invoice_dispute", "resolution")
    for table in _TABLES:
        op.drop_table(table)
