"""What is answered about the policy."""

from collections.abc import Sequence
from typing import Self

from credit.policy import Policy
from db import models
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
        return cls.of_row(row, policy=Policy.model_validate(row.settings))


class PolicyVersions(Answer):
    """The newest versions, newest first."""

    versions: list[PolicyVersion]

    @classmethod
    def of(cls, rows: Sequence[models.PolicyVersion]) -> Self:
        """Show versions in the order given."""
        return cls(versions=[PolicyVersion.of(row) for row in rows])
