"""Message templates over HTTP: read them, see them rendered, put a new version into use."""

from http import HTTPStatus
from typing import Annotated

from fastapi import Path, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from sqlalchemy.orm import Session

from credit.states import TextFormat
from db.errors import UnknownTemplateError
from db.messages import templates
from db.models import ContentTemplate
from desk.api import settings_answers as answers
from desk.api.common import (
    Body,
    Desk,
    IfMatch,
    IfMatchMissingError,
    TemplateWriter,
    Text,
    Viewer,
    api_router,
    fresh,
    number_in,
    versioned,
)
from desk.problems import documented
from desk.surroundings import in_transaction
from rendering.renderer import BeyondLimitsError
from rendering.texts import aside, html_of
from services import settings_documents
from services.messages import template_check
from services.messages import templates as template_service
from services.messages.templates import BadTemplateError

router = api_router("templates", "/api/templates")

Name = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]*$")]
Organisation = Annotated[
    str, Query(max_length=200, pattern=r"^[^\x00]*$", description="Whose text; empty for everybody's.")
]
Language = Annotated[str, Query(max_length=35, pattern=r"^[^\x00]*$", description="A tag like `en` or `pt-BR`.")]
_MISSING = documented(HTTPStatus.NOT_FOUND)


class NewText(Body):
    """A template's text, in Jinja: placeholders like `{{ customer_name }}`, `{{ facts.total_open | money }}`."""

    subject: Annotated[Text, Field(min_length=1, max_length=template_check.LONGEST)]
    body: Annotated[Text, Field(min_length=1, max_length=template_check.LONGEST)]


@router.get("", response_model=answers.Templates)
async def list_templates(request: Request, desk: Desk, _: Viewer) -> Response:
    """List the version in use of each template."""
    rows = await in_transaction(desk, templates.newest)
    return fresh(request, {"templates": [settings_documents.template(row) for row in rows]})


@router.get("/{name}", response_model=answers.Template, responses=_MISSING)
async def show(
    request: Request,
    name: Name,
    desk: Desk,
    _: Viewer,
    organisation: Organisation = templates.EVERYBODY,
    language: Language = templates.LANGUAGE,
) -> Response:
    """Show the version in use of exactly this text, which has no fallback. The ETag is its number."""

    def read(session: Session) -> ContentTemplate:
        found = templates.versions(session, name, organisation, language)
        if not found:
            raise UnknownTemplateError(f"{name} ({organisation or 'everybody'}, {language})")
        return found[0]

    row = await in_transaction(desk, read)
    return versioned(request, settings_documents.template(row), row.version)


@router.put(
    "/{name}",
    response_model=answers.Template,
    responses=_MISSING | documented(HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED),
)
async def change(
    request: Request,
    name: Name,
    body: NewText,
    desk: Desk,
    who: TemplateWriter,
    if_match: IfMatch = None,
    organisation: Organisation = templates.EVERYBODY,
    language: Language = templates.LANGUAGE,
) -> Response:
    """Put a new version into use; `If-Match: "0"` makes an organisation's or language's first one.

    Drafts that are there keep their text.
    """
    version = number_in(if_match)
    if version is None:
        raise IfMatchMissingError
    row = await template_service.change(
        desk.engine,
        who,
        name,
        subject=body.subject,
        body=body.body,
        changed=version,
        organisation=organisation,
        language=language,
    )
    return versioned(request, settings_documents.template(row), row.version)


@router.post("/{name}/preview", response_model=answers.TemplatePreview)
async def preview(name: Name, body: NewText, _: TemplateWriter) -> Response:
    """Show a text rendered for an invented customer, to whom may change templates; nothing is kept."""
    subject, text = await template_service.rendered(name, body.subject, body.body)
    try:
        html = await aside(html_of, text, TextFormat.MARKDOWN)
    except BeyondLimitsError as error:
        raise BadTemplateError(f"template {name}: {error}") from error
    return JSONResponse({"subject": subject, "body": text, "html": html})
