"""`/settings/organisations`: what each organisation has chosen (freight spec, LSP Org Settings)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from db.freight import org_settings
from desk.flashes import see_other
from desk.pages.common import Desk, PolicyMaker
from desk.rendering import render
from desk.surroundings import in_transaction
from services.freight import organisations

router = APIRouter(include_in_schema=False)

_HERE = "/settings/organisations"

Typed = Annotated[str, Form(max_length=200)]


@router.get(_HERE)
async def show(request: Request, desk: Desk, _: PolicyMaker) -> Response:
    return render(request, "freight/org_settings.html", rows=await in_transaction(desk, org_settings.listed))


@router.post(_HERE)
async def create(desk: Desk, who: PolicyMaker, organisation: Typed = "") -> Response:
    await organisations.create(desk.engine, who, organisation.strip())
    return see_other(_HERE, "organisation_created")


@router.post(_HERE + "/{organisation}")
async def change(
    organisation: str,
    desk: Desk,
    who: PolicyMaker,
    version: Annotated[int, Form()],
    auto_apply_credit_hold: Annotated[bool, Form()] = False,  # noqa: FBT002 (a box that is not ticked sends nothing)
    auto_lift_credit_hold: Annotated[bool, Form()] = False,  # noqa: FBT002
    language: Typed = "en",
) -> Response:
    wanted: dict[str, bool | str] = {
        "auto_apply_credit_hold": auto_apply_credit_hold,
        "auto_lift_credit_hold": auto_lift_credit_hold,
        "language": language.strip(),
    }
    row = await organisations.change(desk.engine, who, organisation, wanted, changed=version)
    return see_other(_HERE, "org_settings_changed" if row.version != version else "policy_unchanged")
