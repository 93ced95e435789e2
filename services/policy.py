"""The policy: what is answered about it, and how a new one is put in force. The authority behind API and pages."""

from collections.abc import Sequence
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.permissions import Permission
from credit.policy import Policy
from credit.policy_change import PolicyChangeError, require_bounds
from db import models, policies, policy_change
from db.act import Act, acting
from db.errors import BadInputError
from db.people.tokens import Caller
from services.answers import Answer, Login, Time


class PolicyVersion(Answer):
    """One version of the policy. Durations are ISO 8601, amounts and shares strings."""

    version: int
    policy: Policy
    """Whole: values that are younger than the version are at their defaults."""
    note: str
    created_by: Login
    created_at: Time

    @classmethod
    def of(cls, row: models.PolicyVersion) -> Self:
        """Show a version."""
        return cls.of_row(row, policy=Policy.stored(row.settings))


class PolicyVersions(Answer):
    """The newest versions, newest first."""

    versions: list[PolicyVersion]

    @classmethod
    def of(cls, rows: Sequence[models.PolicyVersion]) -> Self:
        """Show versions in the order given."""
        return cls(versions=[PolicyVersion.of(row) for row in rows])


def newest(session: Session) -> PolicyVersion:
    """Show the policy in force."""
    return PolicyVersion.of(policies.versions(session, limit=1)[0])


async def change(engine: Engine, who: Caller, policy: Policy, *, note: str, changed: int) -> PolicyVersion:
    """Put a policy in force, whole, in the place of version `changed`; `note` says why.

    Raises:
        NotAllowedError: the caller may not change the policy.
        StaleVersionError: `changed` is not in force any more.
        BadInputError: a number makes no sense, or a new name or address that mail cannot carry.
        CurrencyInUseError: another currency for a ledger that has amounts.
    """
    who.require(Permission.CHANGE_POLICY)
    return await acting(engine, who.name, _change, policy, note, changed)


def _change(act: Act, policy: Policy, note: str, changed: int) -> PolicyVersion:
    try:
        require_bounds(policy, policies.current(act.session)[1])
    except PolicyChangeError as error:
        raise BadInputError(str(error)) from error
    policy_change.change(act, policy, note=note, changed=changed)
    return newest(act.session)
