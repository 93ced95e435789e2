"""Releases, the beats that take a hold back and the texts that tell of it; reminders and escalation"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_PLACING = ("flag_customer", "notify_sales_rep", "draft_customer_notice", "push_netsuite")
_RELEASING = ("unflag_customer", "tell_sales_rep", "draft_release_notice", "restore_netsuite")
_DEADLINES = ("remind_at", "escalate_at", "escalated_at")
_KINDS = ("sales_rep", "customer_notice")
_RELEASE_KINDS = ("sales_rep_release", "release_notice")

_SALES_REP = """\
Hello {{ rep_name or "there" }},

{{ customer_name }} ({{ customer_id }}) is off service hold: new orders are accepted again.

  AR balance      {{ facts.ar_balance | money }} {{ facts.currency }}
  Days overdue    {{ facts.days_overdue }}

Why: {{ reason }}

Recommended next call: today, to say so before they hear it from an order form.
"""
_RELEASE_NOTICE = """\
Dear {{ customer_name }},

the hold on your account is lifted: we accept new orders again as of today.
{% if facts.total_open > 0 %}
Our records still show {{ facts.total_open | money }} {{ facts.currency }} open.
{% endif %}
Thank you for settling this with us.
"""


def _one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def _allow(table: str, column: str, values: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_{column}")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, _one_of(column, values))


def upgrade() -> None:
    op.create_table(
        "release_requests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("hold_id", sa.Uuid(), nullable=False),
        sa.Column("proposal_id", sa.Uuid(), nullable=True),
        sa.Column(
            "cause",
            sa.Enum(
                "person",
                "dispute",
                "payment",
                "payment_plan",
                "end_date",
                name="cause",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("refusal", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(proposal_id IS NULL) = (refusal IS NOT NULL)", name=op.f("ck_release_requests_refused_or_proposed")
        ),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f("fk_release_requests_hold_id")),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_release_requests_proposal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_requests")),
    )
    op.create_index("ix_release_requests_hold_id", "release_requests", ["hold_id"], unique=False)
    op.add_column(
        "netsuite_records", sa.Column("restore_confirmed", sa.Boolean(), server_default="false", nullable=False)
    )
    for name in _DEADLINES:
        op.add_column("proposals", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("hold_beats", sa.Column("stopped", sa.String(), nullable=True))
    _allow("hold_beats", "beat", _PLACING + _RELEASING)
    _allow("messages", "kind", _KINDS + _RELEASE_KINDS)
    templates = sa.table(
        "content_templates",
        *(sa.column(name) for name in ("name", "language", "version", "subject", "body", "created_by")),
    )
    texts = {
        "service_hold_sales_rep_release": ("Off service hold: {{ customer_name }}", _SALES_REP),
        "service_hold_release_notice": ("The hold on your account is lifted", _RELEASE_NOTICE),
    }
    op.bulk_insert(
        templates,
        [
            {"name": name, "language": "en", "version": 1, "subject": subject, "body": body, "created_by": "migration"}
            for name, (subject, body) in texts.items()
        ],
    )


def downgrade() -> None:
    op.execute("DELETE FROM content_templates WHERE name LIKE 'service\\_hold\\_%release%'")
    _allow("messages", "kind", _KINDS)
    _allow("hold_beats", "beat", _PLACING)
    op.drop_column("hold_beats", "stopped")
    for name in reversed(_DEADLINES):
        op.drop_column("proposals", name)
    op.drop_column("netsuite_records", "restore_confirmed")
    op.drop_index("ix_release_requests_hold_id", table_name="release_requests")
    op.drop_table("release_requests")
