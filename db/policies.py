"""The policy in force, and every one before it."""

import json
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from credit.policy import Policy
from db.models import PolicyVersion
from db.transaction_memory import POLICY

LEDGER_CURRENCY = "ledger currency"
"""The lock that a change of it and whoever writes amounts hold."""


def current(session: Session) -> tuple[int, Policy]:
    """Return the version and the policy that this transaction goes by: read once, or by `newest` since."""
    return POLICY.recall(session, None) or newest(session)


def newest(session: Session) -> tuple[int, Policy]:
    """Return the version and the policy in force at this moment: for who has just locked something for it."""
    row = session.scalars(select(PolicyVersion).order_by(PolicyVersion.version.desc()).limit(1)).one()
    return POLICY.remember(session, None, (row.version, _understood(json.dumps(row.settings))))


@lru_cache(maxsize=4)
def _understood(settings: str) -> Policy:
    """Return the policy that was saved so: it is asked for many times for each change of it."""
    return Policy.stored(json.loads(settings))


def for_amounts(session: Session) -> Policy:
    """Return the policy for a transaction that writes amounts: the ledger's currency stays until it ends."""
    session.execute(select(func.pg_advisory_xact_lock_shared(func.hashtextextended(LEDGER_CURRENCY, 0))))
    return newest(session)[1]


def versions(session: Session, limit: int = 100) -> Sequence[PolicyVersion]:
    return session.scalars(select(PolicyVersion).order_by(PolicyVersion.version.desc()).limit(limit)).all()
