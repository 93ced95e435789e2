"""The freight credit hold: blocks, limit state, organisations, tariffs, orders, loads"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_TRIGGERS = ("ar_aging_tick_threshold", "customer_health_prediction", "repeated_disputes", "manual")
_EVENTS = ("health-prediction", "dispute", "payment", "payment-plan", "promise-to-pay")
_FRONT_OFFICE = """\
Your account is on credit hold, so we cannot give you rates or take new orders on credit at the moment.
Please call {{ rep_name or 'your account manager' }} or our credit team; quote account {{ customer_id }}.
"""
_BACK_OFFICE = """\
{{ customer_name }} ({{ customer_id }}) is on credit hold{% if reference %}: {{ reference }} cannot pass Committed{% endif %}.
Blocked: {{ blocked }}. The Credit Hold page of the customer says why; the credit team decides when it is lifted.
"""  # noqa: E501 (one line of the message)
_TARIFFS = (
    ("LTL-STANDARD", "Less than truckload, standard", (("", "", "410.00", 4), ("Chicago", "Dallas", "365.00", 3))),
    ("LTL-EXPEDITED", "Less than truckload, expedited", (("", "", "695.00", 2), ("Chicago", "Dallas", "620.00", 1))),
    ("FTL-DRY-VAN", "Full truckload, dry van", (("", "", "2150.00", 3), ("Chicago", "Dallas", "1890.00", 2))),
    ("FTL-REEFER", "Full truckload, refrigerated", (("", "", "2780.00", 3),)),
    ("INTERMODAL", "Rail and truck", (("", "", "1540.00", 6),)),
)
_OPENING_STATES = """
INSERT INTO accounting_profiles (customer_id) SELECT id FROM customers ON CONFLICT DO NOTHING;
UPDATE accounting_profiles p SET exposure = o.amount - c.amount,
    limit_state = CASE WHEN o.amount - c.amount > p.credit_limit THEN 'exceeded' ELSE 'acceptable' END
FROM customers k,
    LATERAL (SELECT coalesce(sum(amount_open), 0) AS amount FROM invoices WHERE customer_id = k.id) o,
    LATERAL (SELECT coalesce(sum(amount_unapplied), 0) AS amount FROM credits WHERE customer_id = k.id) c
WHERE k.id = p.customer_id;
INSERT INTO credit_hold_entries (id, customer_id, source, note, hold_id, created_by, created_at)
SELECT gen_random_uuid(), h.customer_id, 'service_hold', h.reason, h.id, 'migration', b.done_at
FROM holds h JOIN hold_beats b ON b.hold_id = h.id AND b.beat = 'flag_customer' AND b.status = 'done'
WHERE h.status IN ('applying', 'in_force', 'releasing') AND NOT EXISTS (
    SELECT FROM hold_beats u WHERE u.hold_id = h.id AND u.beat = 'unflag_customer' AND u.status = 'done'
);
UPDATE accounting_profiles SET credit_status = 'credit_hold'
WHERE customer_id IN (SELECT customer_id FROM credit_hold_entries);
"""
"""Who is beyond its limit already was so before: no edge, no block. Holds in force get the entry beat 1 makes now."""


def _states(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=40)


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _stamp(name: str) -> sa.Column[object]:
    default = sa.text("clock_timestamp()")
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.String(), nullable=nullable)


def _money(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Numeric(precision=18, scale=2), nullable=nullable)


def _of_customer(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_customer_id")
    return sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name=name, ondelete="CASCADE")


def _allow(table: str, *kinds: str) -> None:
    name = op.f(f"ck_{table}_kind")
    op.drop_constraint(name, table, type_="check")
    op.create_check_constraint(name, table, sa.column("kind").in_(kinds))


def upgrade() -> None:
    _organisations()
    _profiles()
    _blocks()
    _freight()
    _templates()
    _allow("hold_triggers", *_TRIGGERS, "credit_limit_exceeded")
    _allow("inbound_events", *_EVENTS, "invoice")
    op.execute(_OPENING_STATES)


def _organisations() -> None:
    organisations = op.create_table(
        "org_settings",
        _text("organisation"),
        sa.Column("auto_apply_credit_hold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("auto_lift_credit_hold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        _text("updated_by"),
        _stamp("updated_at"),
        sa.CheckConstraint("organisation <> ''", name=op.f("ck_org_settings_named")),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_org_settings")),
    )
    op.bulk_insert(organisations, [{"organisation": "main", "updated_by": "migration"}])
    op.add_column("customers", sa.Column("organisation", sa.String(), server_default="main", nullable=False))
    op.add_column("customers", _text("parent_id", nullable=True))
    op.create_foreign_key(
        op.f("fk_customers_organisation"), "customers", "org_settings", ["organisation"], ["organisation"]
    )
    op.create_foreign_key(op.f("fk_customers_parent_id"), "customers", "customers", ["parent_id"], ["id"])
    op.create_check_constraint(op.f("ck_customers_not_its_own_parent"), "customers", "parent_id <> id")
    only_children = sa.text("parent_id IS NOT NULL")
    op.create_index("ix_customers_parent_id", "customers", ["parent_id"], postgresql_where=only_children)


def _profiles() -> None:
    table = "accounting_profiles"
    status = sa.Column("credit_status", sa.String(length=40), server_default="good", nullable=False)
    op.add_column(table, status)
    op.create_check_constraint(op.f(f"ck_{table}_credit_status"), table, "credit_status IN ('good', 'credit_hold')")
    op.add_column(table, sa.Column("limit_state", sa.String(length=40), nullable=True))
    op.create_check_constraint(op.f(f"ck_{table}_limit_state"), table, "limit_state IN ('acceptable', 'exceeded')")
    op.add_column(table, _money("exposure", nullable=True))
    op.add_column(table, _moment("overridden_at", nullable=True))
    op.add_column(table, _text("overridden_by", nullable=True))
    op.add_column(table, _text("override_reason", nullable=True))
    whole = "num_nonnulls(overridden_at, overridden_by, override_reason) IN (0, 3)"
    op.create_check_constraint(op.f(f"ck_{table}_override_whole"), table, whole)
    while_exceeded = "overridden_at IS NULL OR limit_state = 'exceeded'"
    op.create_check_constraint(op.f(f"ck_{table}_override_while_exceeded"), table, while_exceeded)


def _blocks() -> None:
    table = "credit_hold_entries"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("customer_id"),
        sa.Column("source", _states("source", "manual", "auto_apply", "service_hold"), nullable=False),
        sa.Column("tariffs", postgresql.ARRAY(sa.String()), nullable=True),
        _text("note"),
        sa.Column("hold_id", sa.Uuid(), nullable=True),
        _text("created_by"),
        _moment("created_at"),
        _moment("ended_at", nullable=True),
        _text("ended_by", nullable=True),
        _text("end_reason", nullable=True),
        sa.CheckConstraint("tariffs IS NULL OR cardinality(tariffs) > 0", name=op.f(f"ck_{table}_names_tariffs")),
        sa.CheckConstraint("tariffs IS NULL OR source = 'manual'", name=op.f(f"ck_{table}_only_people_choose_tariffs")),
        sa.CheckConstraint("source <> 'service_hold' OR hold_id IS NOT NULL", name=op.f(f"ck_{table}_says_which_hold")),
        sa.CheckConstraint(
            "num_nonnulls(ended_at, ended_by, end_reason) IN (0, 3)", name=op.f(f"ck_{table}_ended_whole")
        ),
        _of_customer(table),
        sa.ForeignKeyConstraint(["hold_id"], ["holds.id"], name=op.f(f"fk_{table}_hold_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    live = sa.text("ended_at IS NULL")
    op.create_index("ix_credit_hold_entries_live", table, ["customer_id"], postgresql_where=live)
    over = sa.text("ended_at IS NOT NULL")
    op.create_index("ix_credit_hold_entries_ended", table, ["customer_id", "ended_at"], postgresql_where=over)
    of_all = sa.text("ended_at IS NULL AND tariffs IS NULL")
    op.create_index(
        "uq_credit_hold_entries_all_tariffs", table, ["customer_id", "source"], unique=True, postgresql_where=of_all
    )
    of_holds = sa.text("hold_id IS NOT NULL")
    op.create_index("ix_credit_hold_entries_hold_id", table, ["hold_id"], postgresql_where=of_holds)

    table = "limit_transitions"
    causes = ("import", "invoice", "payment", "limit", "order", "family", "policy")
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("customer_id"),
        sa.Column("after", _states("after", "acceptable", "exceeded"), nullable=False),
        _money("exposure"),
        _money("credit_limit", nullable=True),
        sa.Column("cause", _states("cause", *causes), nullable=False),
        _text("actor"),
        _moment("at"),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.Column("lifted", sa.Boolean(), nullable=False),
        _moment("proposed_at", nullable=True),
        _moment("tried_at", nullable=True),
        sa.CheckConstraint("proposed_at IS NULL OR applied", name=op.f(f"ck_{table}_proposed_when_applied")),
        sa.CheckConstraint("NOT applied OR after = 'exceeded'", name=op.f(f"ck_{table}_applied_when_exceeded")),
        sa.CheckConstraint("NOT lifted OR after = 'acceptable'", name=op.f(f"ck_{table}_lifted_when_acceptable")),
        _of_customer(table),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_limit_transitions_customer_id", table, ["customer_id", "at"])
    waiting = sa.text("applied AND proposed_at IS NULL")
    op.create_index("ix_limit_transitions_unproposed", table, ["at"], postgresql_where=waiting)
    op.create_index("ix_hold_exceptions_reference", "hold_exceptions", ["reference", "scope"], postgresql_where=live)


def _freight() -> None:
    tariffs = op.create_table(
        "tariffs",
        _text("code"),
        _text("name"),
        _text("currency"),
        _text("updated_by"),
        _stamp("updated_at"),
        sa.CheckConstraint("code <> ''", name=op.f("ck_tariffs_named")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_tariffs")),
    )
    rates = op.create_table(
        "tariff_rates",
        _text("tariff"),
        _text("origin"),
        _text("destination"),
        _money("amount"),
        sa.Column("transit_days", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_tariff_rates_amount_positive")),
        sa.CheckConstraint("transit_days >= 0", name=op.f("ck_tariff_rates_transit_not_negative")),
        sa.ForeignKeyConstraint(["tariff"], ["tariffs.code"], name=op.f("fk_tariff_rates_tariff"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("tariff", "origin", "destination", name=op.f("pk_tariff_rates")),
    )
    op.bulk_insert(
        tariffs,
        [{"code": code, "name": name, "currency": "USD", "updated_by": "migration"} for code, name, _ in _TARIFFS],
    )
    columns = ("origin", "destination", "amount", "transit_days")
    op.bulk_insert(
        rates,
        [{"tariff": code, **dict(zip(columns, lane, strict=True))} for code, _, lanes in _TARIFFS for lane in lanes],
    )
    op.create_table(
        "orders",
        _text("id"),
        _text("customer_id"),
        sa.Column("lines", postgresql.JSONB(), nullable=False),
        _money("amount"),
        sa.Column("prepaid", sa.Boolean(), nullable=False),
        sa.Column("status", _states("status", "open", "invoiced", "cancelled"), nullable=False),
        _text("created_by"),
        _moment("created_at"),
        _moment("closed_at", nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (status = 'open')", name=op.f("ck_orders_closed_when_over")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_orders_amount_not_negative")),
        _of_customer("orders"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    on_credit = sa.text("status = 'open' AND NOT prepaid")
    op.create_index(
        "ix_orders_open", "orders", ["customer_id"], postgresql_include=["amount"], postgresql_where=on_credit
    )
    statuses = ("quoted", "committed", "ready", "dispatched", "in_transit", "delivered")
    op.create_table(
        "loads",
        _text("id"),
        _text("customer_id"),
        _text("tariff", nullable=True),
        _text("origin"),
        _text("destination"),
        sa.Column("status", _states("status", *statuses), nullable=False),
        _text("created_by"),
        _moment("created_at"),
        _moment("advanced_at", nullable=True),
        _of_customer("loads"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loads")),
    )
    for table in ("orders", "loads"):
        op.create_index(f"ix_{table}_customer_id", table, ["customer_id", "created_at"])
        op.create_index(f"ix_{table}_created_at", table, ["created_at"])


def _templates() -> None:
    table = "content_templates"
    op.add_column(table, sa.Column("organisation", sa.String(), server_default="", nullable=False))
    _key(table, "name", "organisation", "language", "version")
    templates = sa.table(
        table, *(sa.column(name) for name in ("name", "language", "version", "subject", "body", "created_by"))
    )
    texts = {
        "INFO Front Office Credit Hold": ("Your account is on credit hold", _FRONT_OFFICE),
        "INFO Back Office Credit Hold": ("{{ customer_name }} is on credit hold", _BACK_OFFICE),
    }
    common = {"language": "en", "version": 1, "created_by": "migration"}
    op.bulk_insert(
        templates,
        [{"name": name, "subject": subject, "body": body, **common} for name, (subject, body) in texts.items()],
    )


def _key(table: str, *columns: str) -> None:
    name = op.f(f"pk_{table}")
    op.drop_constraint(name, table, type_="primary")
    op.create_primary_key(name, table, columns)


def downgrade() -> None:
    op.execute("DELETE FROM hold_triggers WHERE kind = 'credit_limit_exceeded'")
    _allow("hold_triggers", *_TRIGGERS)
    op.execute("DELETE FROM inbound_events WHERE kind = 'invoice'")
    _allow("inbound_events", *_EVENTS)
    op.execute("DELETE FROM content_templates WHERE organisation <> '' OR name LIKE 'INFO %'")
    _key("content_templates", "name", "language", "version")
    op.drop_column("content_templates", "organisation")
    for table in ("loads", "orders", "tariff_rates", "tariffs", "limit_transitions", "credit_hold_entries"):
        op.drop_table(table)
    for column in ("override_reason", "overridden_by", "overridden_at", "exposure", "limit_state", "credit_status"):
        op.drop_column("accounting_profiles", column)
    op.drop_index("ix_hold_exceptions_reference", "hold_exceptions")
    op.drop_column("customers", "parent_id")
    op.drop_column("customers", "organisation")
    op.drop_table("org_settings")
