"""Tokens of senders; a beat that needs attention says since when"""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_PEOPLE = "'viewer', 'requester', 'approver', 'admin'"


def upgrade() -> None:
    _roles(f"'sender', {_PEOPLE}")
    op.execute("""
        UPDATE hold_beats SET started_at = coalesce(holds.in_force_at, holds.proposed_at)
        FROM holds WHERE holds.id = hold_id AND hold_beats.status = 'needs_attention' AND started_at IS NULL
    """)
    op.create_check_constraint(
        op.f("ck_hold_beats_attention_since"), "hold_beats", "status <> 'needs_attention' OR started_at IS NOT NULL"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_hold_beats_attention_since"), "hold_beats", type_="check")
    op.execute("UPDATE api_tokens SET role = 'viewer', revoked_at = coalesce(revoked_at, now()) WHERE role = 'sender'")
    _roles(_PEOPLE)


def _roles(known: str) -> None:
    op.drop_constraint(op.f("ck_api_tokens_role_known"), "api_tokens", type_="check")
    op.create_check_constraint(op.f("ck_api_tokens_role_known"), "api_tokens", f"role IN ({known})")
