"""The content templates, tried and put into use: the one authority behind the API and the pages."""

from http import HTTPStatus

from sqlalchemy import Engine

from credit.permissions import Permission
from credit.templates import TemplateRefusedError
from db.act import acting
from db.errors import RefusedError
from db.messages import templates
from db.models import ContentTemplate
from db.people.tokens import Caller
from rendering.texts import aside
from services.messages import template_check


class BadTemplateError(RefusedError):
    """The text cannot be rendered."""

    code = "template_refused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY


async def rendered(name: str, subject: str, body: str) -> tuple[str, str]:
    """Return subject and body as they come out for an invented customer; nothing is kept.

    Raises:
        BadTemplateError: they are too long, or cannot be rendered for one of several customers.
        RendererAwayError: nothing can be rendered right now.
    """
    try:
        return await aside(template_check.rendered, name, subject, body)
    except TemplateRefusedError as error:
        raise BadTemplateError(str(error)) from error


async def change(
    engine: Engine,
    who: Caller,
    name: str,
    *,
    subject: str,
    body: str,
    changed: int,
    organisation: str = templates.EVERYBODY,
    language: str = templates.LANGUAGE,
) -> ContentTemplate:
    """Put a new version into use after version `changed`; after 0 an organisation's or language's first one.

    Raises:
        NotAllowedError: the caller may not change templates.
        BadTemplateError, RendererAwayError: as `rendered`.
        UnknownTemplateError, UnknownOrganisationError, StaleVersionError: as they say.
        BadInputError: the language is no language tag, or no mail can carry the subject.
    """
    who.require(Permission.CHANGE_TEMPLATE)
    await rendered(name, subject, body)
    return await acting(
        engine,
        who.name,
        templates.change,
        name,
        subject=subject,
        body=body,
        changed=changed,
        organisation=organisation,
        language=language,
    )
