"""Message templates over HTTP: read them, see them rendered, put a new version into use."""

from typing import Annotated

from fastapi import Path, Query
from fastapi.responses import Response
from pydantic import Field
from sqlalchemy.orm import Session

from credit.states import TextFormat
from credit.wording import words
from db.errors import StaleVersionError, UnknownOrganisationError, UnknownTemplateError
from db.messages import templates
from desk.api.common import (
    Body,
    Desk,
    IfMatch,
    IfMatchMissingError,
    TemplateWriter,
    Text,
    Viewer,
    api_router,
    number_in,
)
from desk.etags import versioned
from desk.problems import refuses
from desk.surroundings import in_transaction
from rendering.renderer import BeyondLimitsError, RendererAwayError
from rendering.texts import aside, html_of
from services.messages import answers, template_check
from services.messages import templates as template_service
from services.messages.templates import BadTemplateError

router = api_router("templates", "/api/templates")

Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$", examples=["service_hold_customer_notice"])]
Organisation = Annotated[
    str, Query(max_length=200, pattern=r"^[^\x00]*$", description="Whose text; empty for everybody's.")
]
Language = Annotated[str, Query(max_length=35, pattern=r"^[^\x00]*$", description="A tag like `en` or `pt-BR`.")]


class NewTemplateText(Body):
    """A template's text, in Jinja: placeholders like `{{ customer_name }}`, `{{ facts.total_open | money }}`."""

    subject: Annotated[Text, Field(min_length=1, max_length=template_check.LONGEST)]
    body: Annotated[Text, Field(min_length=1, max_length=template_check.LONGEST)]


@router.get("")
async def list_templates(desk: Desk, _: Viewer) -> answers.Templates:
    """List the version in use of each template."""

    def read(session: Session) -> answers.Templates:
        return answers.Templates(templates=[answers.Template.of_row(row) for row in templates.newest(session)])

    return await in_transaction(desk, read)


@router.get("/{name}")
@refuses(UnknownTemplateError)
async def show(
    name: Name,
    desk: Desk,
    _: Viewer,
    response: Response,
    organisation: Organisation = templates.EVERYBODY,
    language: Language = templates.LANGUAGE,
) -> answers.Template:
    """Show the version in use of exactly this text, which has no fallback. The ETag is its number."""

    def read(session: Session) -> answers.Template:
        found = templates.versions(session, name, organisation, language)
        if not found:
            raise UnknownTemplateError(f"{name} ({organisation or 'everybody'}, {language})")
        return answers.Template.of_row(found[0])

    return versioned(response, await in_transaction(desk, read))


@router.put("/{name}")
@refuses(
    UnknownTemplateError,
    UnknownOrganisationError,
    IfMatchMissingError,
    StaleVersionError,
    BadTemplateError,
    RendererAwayError,
)
async def change(
    name: Name,
    body: NewTemplateText,
    desk: Desk,
    who: TemplateWriter,
    response: Response,
    if_match: IfMatch = None,
    organisation: Organisation = templates.EVERYBODY,
    language: Language = templates.LANGUAGE,
) -> answers.Template:
    """Put a new version into use; `If-Match: "0"` makes an organisation's or language's first one.

    Drafts that are there keep their text.
    """
    version = number_in(if_match)
    if version is None:
        raise IfMatchMissingError
    row = await template_service.change(
        desk.engine, who, name, **vars(body), changed=version, organisation=organisation, language=language
    )
    return versioned(response, answers.Template.of_row(row))


@router.post("/{name}/preview")
@refuses(BadTemplateError, RendererAwayError)
async def preview(name: Name, body: NewTemplateText, _: TemplateWriter) -> answers.TemplatePreview:
    """Show a text rendered for an invented customer, to whom may change templates; nothing is kept."""
    subject, text = await template_service.rendered(name, body.subject, body.body)
    try:
        html = await aside(html_of, text, TextFormat.MARKDOWN)
    except BeyondLimitsError as error:
        raise BadTemplateError(f"template “{words(name)}”: {error}") from error
    return answers.TemplatePreview(subject=subject, body=text, html=html)
