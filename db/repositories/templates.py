"""Message templates: versions are added, never changed."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from db.errors import StaleVersionError, UnknownTemplateError
from db.models import ContentTemplate
from db.repositories import audit

LANGUAGE = "en"


def newest(session: Session) -> Sequence[ContentTemplate]:
    """Return the version in use of each template, by name."""
    query = select(ContentTemplate).ext(distinct_on(ContentTemplate.name, ContentTemplate.language))
    order = (ContentTemplate.name, ContentTemplate.language, ContentTemplate.version.desc())
    return session.scalars(query.order_by(*order)).all()


def versions(session: Session, name: str, language: str = LANGUAGE) -> Sequence[ContentTemplate]:
    """Return every version of a template, newest first.

    Raises:
        UnknownTemplateError: there is none of this name.
    """
    query = select(ContentTemplate).where(ContentTemplate.name == name, ContentTemplate.language == language)
    found = session.scalars(query.order_by(ContentTemplate.version.desc())).all()
    if not found:
        raise UnknownTemplateError(name)
    return found


def change(
    session: Session,
    name: str,
    *,
    subject: str,
    body: str,
    changed: int,
    actor: str,
    at: datetime,
    language: str = LANGUAGE,
) -> ContentTemplate:
    """Put a new version into use, after version `changed`. Changes queue behind each other.

    Raises:
        UnknownTemplateError: there is none of this name.
        StaleVersionError: `changed` is not in use any more.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"template:{name}", 0))))
    before = versions(session, name, language)[0]
    if changed != before.version:
        raise StaleVersionError(f"template {name}", changed, before.version)
    fresh = ContentTemplate(
        name=name, language=language, version=changed + 1, subject=subject, body=body, created_by=actor, created_at=at
    )
    session.add(fresh)
    session.flush()
    detail = {
        "name": name,
        "version": fresh.version,
        "before": {"subject": before.subject, "body": before.body},
        "after": {"subject": subject, "body": body},
    }
    audit.append(session, chain=audit.SYSTEM, actor=actor, action="template_changed", at=at, detail=detail)
    return fresh
