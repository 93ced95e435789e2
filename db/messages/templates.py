"""Content templates: versions are added, never changed.

A name may have a text for each organisation and language. The organisation "" is everybody's who has none of its own,
and English is everybody's whose language has none.
"""

import re
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from credit.audit_entries.system import TemplateChanged, TemplateText
from credit.mail_text import clean_line
from credit.wording import words
from db import audit
from db.act import Act
from db.errors import BadInputError, StaleVersionError, UnknownTemplateError
from db.freight import org_settings
from db.models import ContentTemplate, Customer, OrgSettings

EVERYBODY = ""
LANGUAGE = "en"
_LANGUAGE_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def newest(session: Session) -> Sequence[ContentTemplate]:
    """Return the version in use of each template: by name, organisation and language."""
    key = (ContentTemplate.name, ContentTemplate.organisation, ContentTemplate.language)
    query = select(ContentTemplate).ext(distinct_on(*key))
    return session.scalars(query.order_by(*key, ContentTemplate.version.desc())).all()


def for_customer(session: Session, name: str, customer: Customer) -> ContentTemplate:
    """Return the version in use for a customer: its organisation's, in its organisation's language where there is one.

    Raises:
        UnknownTemplateError: there is none of this name.
    """
    language = session.get_one(OrgSettings, customer.organisation).language
    return find(session, name, customer.organisation, language)


def find(session: Session, name: str, organisation: str = EVERYBODY, language: str = LANGUAGE) -> ContentTemplate:
    """Return the version in use for an organisation.

    Its own in this language, else its own in English, else everybody's in this language, else everybody's in English.

    Raises:
        UnknownTemplateError: there is none of this name.
    """
    query = (
        select(ContentTemplate)
        .where(
            ContentTemplate.name == name,
            ContentTemplate.organisation.in_({organisation, EVERYBODY}),
            ContentTemplate.language.in_({language, LANGUAGE}),
        )
        .order_by(
            (ContentTemplate.organisation == organisation).desc(),
            (ContentTemplate.language == language).desc(),
            ContentTemplate.version.desc(),
        )
        .limit(1)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise UnknownTemplateError(name)
    return found


def versions(
    session: Session, name: str, organisation: str = EVERYBODY, language: str = LANGUAGE
) -> Sequence[ContentTemplate]:
    """Return every version of exactly this text, newest first; none where it falls back to another.

    Raises:
        UnknownTemplateError: there is none of this name, whosever.
    """
    query = select(ContentTemplate).where(
        ContentTemplate.name == name, ContentTemplate.organisation == organisation, ContentTemplate.language == language
    )
    found = session.scalars(query.order_by(ContentTemplate.version.desc())).all()
    if not found:
        find(session, name)
    return found


def change(
    act: Act,
    name: str,
    *,
    subject: str,
    body: str,
    changed: int,
    organisation: str = EVERYBODY,
    language: str = LANGUAGE,
) -> ContentTemplate:
    """Put a new version into use, after version `changed`; after 0 an organisation's or language's first one.

    Changes queue behind each other.

    Raises:
        UnknownTemplateError: there is none of this name.
        StaleVersionError: `changed` is not in use any more.
        UnknownOrganisationError: there is none of this name.
        BadInputError: the language is no language tag, or no mail can carry the subject.
    """
    try:
        clean_line(" ".join(subject.split()), "the subject")
    except ValueError as error:
        raise BadInputError(str(error)) from error
    act.session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"template:{name}", 0))))
    before = next(iter(versions(act.session, name, organisation, language)), None)
    in_use = before.version if before else 0
    if changed != in_use:
        raise StaleVersionError(f"template “{words(name)}”", changed, in_use)
    if before is None:
        _check_variant(act.session, organisation, language)
    fresh = ContentTemplate(
        name=name,
        organisation=organisation,
        language=language,
        version=changed + 1,
        subject=subject,
        body=body,
        created_by=act.actor,
        created_at=act.now,
    )
    act.session.add(fresh)
    act.session.flush()
    entry = TemplateChanged(
        name=name,
        organisation=organisation,
        language=language,
        version=fresh.version,
        before=TemplateText(subject=before.subject, body=before.body) if before else None,
        after=TemplateText(subject=subject, body=body),
    )
    act.note(audit.SYSTEM, entry)
    return fresh


def _check_variant(session: Session, organisation: str, language: str) -> None:
    if organisation != EVERYBODY:
        org_settings.get(session, organisation)
    if not _LANGUAGE_TAG.fullmatch(language):
        raise BadInputError(f"{language!r} is no language: give a tag like en, de or pt-BR")
