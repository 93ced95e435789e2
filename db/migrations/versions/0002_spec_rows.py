"""The rows the spec names: the workflow's definition, the first policy and the first message templates"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_POLICY = {
    "ledger_currency": "USD",
    "trigger_days_overdue": 90,
    "trigger_total_open": "25000",
    "warn_days_overdue": 60,
    "warn_ar_balance": "10000",
    "count_disputed": True,
    "material_share": "0.10",
    "weakened_share": "0.20",
    "worsened_share": "0.25",
    "decline_snooze": "P14D",
    "release_grace": "P7D",
    "claim_lease": "PT15M",
    "proposal_expires_after": "P30D",
}

_SALES_REP = """\
Hello {{ rep_name or "there" }},

{{ customer_name }} ({{ customer_id }}) is on service hold: new orders are refused until it is lifted.

  AR balance      {{ facts.ar_balance | money }} {{ facts.currency }}
  Days overdue    {{ facts.days_overdue }}\
{% if facts.oldest_due_date %} (oldest due {{ facts.oldest_due_date }}){% endif %}

  Prior holds     {{ facts.prior_holds }}
{%- if facts.open_disputes %}
  Open disputes   {{ facts.open_disputes }} ({{ facts.disputed_amount | money }} {{ facts.currency }})
{%- endif %}
{%- if facts.payment_plan %}
  Payment plan    active
{%- endif %}

Why: {{ reason }}

{% if invoices -%}
Oldest open invoices:
{% for invoice in invoices -%}
  {{ invoice.id }}  due {{ invoice.due_date }}  {{ invoice.amount_open | money }} {{ facts.currency }}
{% endfor %}
{% endif -%}
Recommended next call: {{ next_call }}
"""

_CUSTOMER_NOTICE = """\
Dear {{ customer_name }},

we have placed your account on hold and cannot accept new orders at the moment.
{% if facts.total_open > 0 %}
Our records show {{ facts.total_open | money }} {{ facts.currency }} open{% if facts.days_overdue %}, the oldest \
invoice {{ facts.days_overdue }} days past due{% endif %}.
{%- endif %}
{% if invoices %}
{% for invoice in invoices -%}
  {{ invoice.id }}  due {{ invoice.due_date }}  {{ invoice.amount_open | money }} {{ facts.currency }}
{% endfor %}
{%- endif %}
The hold can be lifted in any of these ways:

  1. Payment: settle the open amount, and tell us when it was sent.
  2. Payment plan: if the whole amount is difficult now, propose dates and amounts to us.
  3. Dispute: if an invoice is wrong, name it and say why; we review it first.

Please reply to this message or call your contact with us. We would like to resume deliveries soon.
"""


def upgrade() -> None:
    definitions = sa.table(
        "workflow_definitions",
        sa.column("workflow_type"),
        sa.column("risk_level"),
        sa.column("expected_duration_minutes"),
        sa.column("trigger"),
        sa.column("sources", postgresql.ARRAY(sa.Text)),
    )
    op.bulk_insert(
        definitions,
        [
            {
                "workflow_type": "service_hold_trigger",
                "risk_level": 4,
                "expected_duration_minutes": 15,
                "trigger": "event",
                "sources": ["ar_aging_tick_threshold", "manual"],
            }
        ],
    )
    policies = sa.table(
        "policies",
        sa.column("version"),
        sa.column("settings", postgresql.JSONB),
        sa.column("note"),
        sa.column("created_by"),
    )
    op.bulk_insert(
        policies,
        [{"version": 1, "settings": _POLICY, "note": "the service-hold spec's numbers", "created_by": "migration"}],
    )
    templates = sa.table(
        "content_templates",
        *(sa.column(name) for name in ("name", "language", "version", "subject", "body", "created_by")),
    )
    subjects = {
        "service_hold_sales_rep": ("Service hold: {{ customer_name }} needs your call", _SALES_REP),
        "service_hold_customer_notice": ("Your account is on hold", _CUSTOMER_NOTICE),
    }
    op.bulk_insert(
        templates,
        [
            {"name": name, "language": "en", "version": 1, "subject": subject, "body": body, "created_by": "migration"}
            for name, (subject, body) in subjects.items()
        ],
    )


def downgrade() -> None:
    for table in ("content_templates", "policies", "workflow_definitions"):
        op.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        op.execute(f"DELETE FROM {table}")  # noqa: S608
        op.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
