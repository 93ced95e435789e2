"""Who asked for what is proposed and why, and notifications that can never be told"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_WAITED = "sent_at IS NULL"
_WAITS = "sent_at IS NULL AND given_up_at IS NULL"

# A release's first request, or, of one whose approval was taken back, the newest before it.
_ASKED = """
UPDATE proposals p SET asked_by = asked.actor, reason = asked.reason
FROM (
    SELECT DISTINCT ON (o.id) o.id, r.actor, r.reason
    FROM proposals o JOIN release_requests r ON r.hold_id = o.hold_id AND r.refusal IS NULL
    WHERE o.kind = 'release' AND (r.proposal_id = o.id OR r.at <= o.opened_at)
    ORDER BY o.id, (r.proposal_id = o.id) DESC,
        CASE WHEN r.proposal_id = o.id THEN r.at END, r.at DESC
) AS asked
WHERE p.id = asked.id
"""
_PROPOSED = """
UPDATE proposals p SET asked_by = t.actor, reason = h.reason
FROM holds h JOIN hold_triggers t ON t.hold_id = h.id AND t.opened
WHERE p.kind = 'place' AND h.id = p.hold_id
"""
_FOUND = "UPDATE proposals SET asked_by = 'service-holds', reason = note WHERE kind = 'repair'"


def upgrade() -> None:
    for name in ("asked_by", "reason"):
        op.add_column("proposals", sa.Column(name, sa.String(), server_default="", nullable=False))
    for statement in (_PROPOSED, _ASKED, _FOUND):
        op.execute(statement)
    op.add_column("notifications", sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_notifications_sent_or_given_up"), "notifications", "sent_at IS NULL OR given_up_at IS NULL"
    )
    _outbox(_WAITS)


def downgrade() -> None:
    _outbox(_WAITED)
    op.drop_constraint(op.f("ck_notifications_sent_or_given_up"), "notifications", type_="check")
    op.execute("UPDATE notifications SET sent_at = given_up_at WHERE given_up_at IS NOT NULL")
    op.drop_column("notifications", "given_up_at")
    op.drop_column("proposals", "reason")
    op.drop_column("proposals", "asked_by")


def _outbox(waits: str) -> None:
    op.drop_index("ix_notifications_outbox", table_name="notifications")
    op.create_index("ix_notifications_outbox", "notifications", ["created_at"], postgresql_where=sa.text(waits))
