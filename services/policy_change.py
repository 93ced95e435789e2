"""A new policy is put in force: the one authority behind the API and the pages."""

from datetime import UTC, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.permissions import Permission
from credit.policy import Policy
from db import policies, policy_change
from db.engine import in_transaction
from db.models import PolicyVersion
from db.people.tokens import Caller


async def change(engine: Engine, who: Caller, policy: Policy, *, note: str, changed: int) -> PolicyVersion:
    """Put a policy in force, whole, in the place of version `changed`; `note` says why. Returns the new version.

    Raises:
        NotAllowedError: the caller may not change the policy.
        StaleVersionError: `changed` is not in force any more.
        BadInputError: a duration makes no sense, or a new name or address that mail cannot carry.
        CurrencyInUseError: another currency for a ledger that has amounts.
    """
    who.require(Permission.CHANGE_POLICY)
    return await in_transaction(engine, _change, policy, note, changed, who.name)


def _change(session: Session, policy: Policy, note: str, changed: int, actor: str) -> PolicyVersion:
    policy_change.change(session, policy, actor=actor, note=note, at=datetime.now(UTC), changed=changed)
    return policies.versions(session, limit=1)[0]
