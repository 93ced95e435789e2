"""`/settings`: the policy and the content templates, with every version before."""

from typing import Annotated, NamedTuple
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy.orm import Session

from credit import freight_messages
from credit.policy import Policy
from credit.reason import SAY_WHY
from credit.states import TextFormat
from db import policies
from db.errors import RefusedError
from db.freight import org_settings
from db.messages import templates
from db.models import ContentTemplate, PolicyVersion
from desk.flashes import see_other
from desk.forms.model_form import BadFieldsError, ModelForm
from desk.pages.common import Desk, PolicyMaker, TemplateWriter, refused
from desk.rendering import part, render
from desk.security import MAIL_PREVIEW_POLICY
from desk.surroundings import Surroundings, in_transaction
from rendering.texts import aside, difference, html_of
from services import policy as policy_service
from services.messages import templates as template_service
from services.messages.templates import BadTemplateError

router = APIRouter(include_in_schema=False)

_form = ModelForm(Policy)
_LABELS = {name: setting.label for name, setting in _form.settings.items()} | {"note": "Why this change?"}

_PLACEHOLDERS = {
    "customer_id": "the customer’s number",
    "customer_name": "the customer’s name",
    "rep_name": "the sales rep’s name; may be empty",
    "reason": "why the hold was proposed",
    "facts": "total_open, ar_balance, days_overdue, currency, open_disputes, disputed_amount, prior_holds …",
    "invoices": "the oldest open invoices, ten at most: id, due_date, amount_open",
    "next_call": "whom to call about what",
    "reason_class": "what the hold rests on: delinquency, prediction, dispute_pattern or manual",
}
"""What a hold's message may name: the fields of `credit.templates.MessageContext`."""

Organisation = Annotated[str, Query(max_length=200)]
Language = Annotated[str, Query(max_length=35)]


class _Text(NamedTuple):
    name: str
    organisation: str
    language: str

    def address(self, action: str = "") -> str:
        """Return its page's address; names may have spaces in them."""
        path = f"/settings/templates/{quote(self.name, safe='')}{action}"
        if (self.organisation, self.language) == (templates.EVERYBODY, templates.LANGUAGE):
            return path
        return f"{path}?{urlencode({'organisation': self.organisation, 'language': self.language})}"


def _named(
    name: str, organisation: Organisation = templates.EVERYBODY, language: Language = templates.LANGUAGE
) -> _Text:
    return _Text(name, organisation, language.strip())


@router.get("/settings")
async def show(request: Request, desk: Desk, _: PolicyMaker) -> Response:
    return await _page(request, desk)


@router.post("/settings")
async def change(request: Request, desk: Desk, who: PolicyMaker) -> Response:
    """Put a new version of the policy in force; what was typed stays where it is refused."""
    fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    note, version = fields.get("note", "").strip(), fields.get("version", "")
    _, in_force = await in_transaction(desk, policies.current)
    problems = {} if note else {"note": SAY_WHY}
    try:
        policy = _form.parsed(fields, in_force)
    except BadFieldsError as error:
        return await _page(request, desk, fields, status=422, problems=error.problems | problems)
    if problems:
        return await _page(request, desk, fields, status=422, problems=problems)
    if policy == in_force:
        return see_other("/settings", "policy_unchanged")
    changed = int(version) if version.isdecimal() else 0
    try:
        await policy_service.change(desk.engine, who, policy, note=note, changed=changed)
    except RefusedError as error:
        status = await refused(request, error)
        return await _page(request, desk, fields, status=status, problem=str(error))
    return see_other("/settings", "policy_changed")


async def _page(
    request: Request,
    desk: Surroundings,
    fields: dict[str, str] | None = None,
    *,
    status: int = 200,
    problem: str = "",
    problems: dict[str, str] | None = None,
) -> Response:
    def read(session: Session) -> tuple[list[PolicyVersion], list[ContentTemplate]]:
        return list(policies.versions(session, 50)), list(templates.newest(session))

    versions, texts = await in_transaction(desk, read)
    in_force = _form.typed(Policy.stored(versions[0].settings))
    return render(
        request,
        "settings.html",
        status,
        groups=_form.groups,
        fields=in_force if fields is None else fields,
        in_force=in_force,
        version=versions[0].version,
        history=_history(versions),
        templates=texts,
        address_of=lambda row: _Text(row.name, row.organisation, row.language).address(),
        problem=problem,
        problems=problems or {},
        labels=_LABELS,
    )


def _history(versions: list[PolicyVersion]) -> list[tuple[PolicyVersion, list[tuple[str, str, str]]]]:
    """Return each version with what it changed: label, before, after."""
    shown = [_form.typed(Policy.stored(row.settings)) for row in versions]
    history = []
    for number, row in enumerate(versions):
        before = shown[number + 1] if number + 1 < len(shown) else None
        changes = [
            (setting.label, before[name] or "–", shown[number][name] or "–")
            for name, setting in _form.settings.items()
            if before is not None and before[name] != shown[number][name]
        ]
        history.append((row, changes))
    return history


@router.get("/settings/templates/{name}")
async def template(
    request: Request, desk: Desk, _: TemplateWriter, which: Annotated[_Text, Depends(_named)]
) -> Response:
    """Show a template to edit; one that is not there yet with the text that is used in its place."""
    return await _template_page(request, desk, which)


@router.get("/settings/templates/{name}/preview")
async def preview_in_use(
    request: Request, desk: Desk, who: TemplateWriter, which: Annotated[_Text, Depends(_named)]
) -> Response:
    """Show the version in use as it comes out for an invented customer."""
    used = await in_transaction(desk, templates.find, *which)
    return await preview_template(request, which.name, desk, who, used.subject, used.body)


@router.post("/settings/templates/{name}/preview")
async def preview_template(
    request: Request,
    name: str,
    desk: Desk,
    _: TemplateWriter,
    subject: Annotated[str, Form(max_length=1000)] = "",
    body: Annotated[str, Form(max_length=200_000)] = "",
) -> Response:
    """Show the text as it would come out for an invented customer; keeps nothing."""
    try:
        subject, text = await template_service.rendered(name, subject, body)
        problem = ""
    except BadTemplateError as error:
        text, problem = "", str(error)
    response = part(
        request,
        "template_preview.html",
        subject=subject,
        body=Markup(html_of(text, TextFormat.TEXT)),  # noqa: S704 (safe by its contract)
        problem=problem,
        sender=desk.settings.mail_from,
    )
    response.headers["Content-Security-Policy"] = MAIL_PREVIEW_POLICY
    return response


@router.post("/settings/templates/{name}")
async def change_template(
    request: Request,
    desk: Desk,
    who: TemplateWriter,
    which: Annotated[_Text, Depends(_named)],
    version: Annotated[int, Form()],
    subject: Annotated[str, Form(max_length=1000)] = "",
    body: Annotated[str, Form(max_length=200_000)] = "",
) -> Response:
    try:
        await template_service.change(desk.engine, who, subject=subject, body=body, changed=version, **which._asdict())
    except BadTemplateError as error:
        return await _template_page(request, desk, which, status=error.status, problem=str(error), text=(subject, body))
    except RefusedError as error:
        status = await refused(request, error)
        return await _template_page(request, desk, which, status=status, problem=str(error), text=(subject, body))
    return see_other(which.address(), "template_changed")


async def _template_page(
    request: Request,
    desk: Surroundings,
    which: _Text,
    *,
    status: int = 200,
    problem: str = "",
    text: tuple[str, str] | None = None,
) -> Response:
    def read(session: Session) -> tuple[list[ContentTemplate], ContentTemplate, list[str]]:
        named = [row.organisation for row in org_settings.listed(session)]
        return list(templates.versions(session, *which)), templates.find(session, *which), named

    versions, used, organisations = await in_transaction(desk, read)
    subject, body = text or (used.subject, used.body)
    is_on_hold = which.name in freight_messages.TEMPLATES
    return render(
        request,
        "template.html",
        status,
        which=which,
        path=f"/settings/templates/{quote(which.name, safe='')}",
        newest=versions[0] if versions else None,
        used=used,
        organisations=organisations,
        subject=subject,
        body=body,
        problem=problem,
        typed=text is not None,
        differs=await aside(difference, used.body, body) if text is not None and used.body != body else [],
        placeholders=freight_messages.PLACEHOLDERS if is_on_hold else _PLACEHOLDERS,
        has_variants=is_on_hold,
        versions=versions,
    )
