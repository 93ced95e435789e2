"""The policy in force."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.policy import Policy
from db.models import PolicyVersion
from db.repositories import audit


def current(session: Session) -> tuple[int, Policy]:
    """Return the newest policy and its version."""
    row = session.scalars(select(PolicyVersion).order_by(PolicyVersion.version.desc()).limit(1)).one()
    return row.version, Policy.model_validate(row.settings)


def change(session: Session, policy: Policy, *, actor: str, note: str, at: datetime) -> int:
    """Put a new version in force and return its number. Two changes at once: the second fails on the number."""
    version, before = current(session)
    settings = policy.model_dump(mode="json")
    session.add(PolicyVersion(version=version + 1, settings=settings, note=note, created_by=actor))
    detail = {"version": version + 1, "note": note, "before": before.model_dump(mode="json"), "after": settings}
    audit.append(session, chain=audit.SYSTEM, actor=actor, action="policy_changed", at=at, detail=detail)
    return version + 1
