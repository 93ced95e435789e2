"""`/customers/…/credit-hold`: the Credit Hold page, where tariffs are blocked and blocks deleted (freight spec)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from db import customers
from db.errors import BadInputError, RefusedError
from db.freight import credit_hold_page, tariffs
from db.models import CreditHoldEntry, Tariff
from desk.flashes import see_other
from desk.pages.accounting_profile import Accounting, address_of, read_accounting
from desk.pages.common import Desk, ProfileChanger, Requester, Viewer, refused
from desk.rendering import render
from desk.surroundings import Surroundings, in_transaction
from services.freight.answers import label
from services.freight.profiles import Profiles

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=2000)]

HISTORY = 20
ALL, SOME = "all", "some"


@router.get("/customers/{customer_id:path}/credit-hold")
async def show(request: Request, customer_id: str, desk: Desk, _: Viewer) -> Response:
    """Show what is blocked, what was, and the form to block more."""
    return await _page(request, desk, customer_id)


@router.post("/customers/{customer_id:path}/credit-hold")
async def block(
    request: Request,
    customer_id: str,
    desk: Desk,
    who: ProfileChanger,
    scope: Typed = ALL,
    tariff: Annotated[list[str] | None, Form()] = None,
    note: Typed = "",
) -> Response:
    """Block all tariffs, or those chosen."""
    chosen = [code for code in tariff or () if code]
    try:
        if scope == SOME and not chosen:
            raise BadInputError("choose the tariffs to block, or block all of them")
        if not note.strip():
            raise BadInputError("say why in the note: other users read it")
        tariffs = chosen if scope == SOME else None
        _, is_new = await Profiles(desk.engine, desk.credit_holds).block(
            who, customer_id, tariffs=tariffs, note=note.strip()
        )
    except RefusedError as error:
        return await _page(request, desk, customer_id, error=error, scope=scope, chosen=chosen, note=note)
    return see_other(address_of(customer_id, "credit-hold"), "tariffs_blocked" if is_new else "tariffs_were_blocked")


@router.get("/customers/{customer_id:path}/credit-hold/{entry_id}/delete")
async def ask(request: Request, customer_id: str, entry_id: UUID, desk: Desk, _: Requester) -> Response:
    """Ask whether an entry is to be deleted: nothing is done yet."""
    return await _asked(request, desk, customer_id, entry_id)


@router.post("/customers/{customer_id:path}/credit-hold/{entry_id}/delete")
async def delete(
    request: Request, customer_id: str, entry_id: UUID, desk: Desk, who: Requester, reason: Typed = ""
) -> Response:
    """Delete an entry, or ask for the release of the service hold that made it."""
    try:
        if not reason.strip():
            raise BadInputError("say why: it is kept in the record")
        done = await Profiles(desk.engine, desk.credit_holds).unblock(who, customer_id, entry_id, reason=reason)
    except RefusedError as error:
        return await _asked(request, desk, customer_id, entry_id, error=error, reason=reason)
    flash = "block_deleted" if done.ended else f"credit_release_{done.status}"
    return see_other(address_of(customer_id, "credit-hold"), flash)


async def _page(
    request: Request,
    desk: Surroundings,
    customer_id: str,
    *,
    error: RefusedError | None = None,
    scope: str = ALL,
    chosen: list[str] | None = None,
    note: str = "",
) -> Response:
    def read(session: Session) -> tuple[Accounting, list[CreditHoldEntry], list[Tariff]]:
        shown = read_accounting(session, customer_id)
        over = credit_hold_page.ended(session, customer_id, HISTORY)
        return shown, list(over), list(tariffs.tariffs(session))

    shown, over, known = await in_transaction(desk, read)
    return render(
        request,
        "credit_hold.html",
        await refused(request, error) if error else 200,
        accounting=shown,
        over=over,
        history=HISTORY,
        tariffs=known,
        label=label,
        scope=scope,
        chosen=chosen or [],
        note=note,
        problem=str(error) if error else "",
    )


async def _asked(
    request: Request,
    desk: Surroundings,
    customer_id: str,
    entry_id: UUID,
    *,
    error: RefusedError | None = None,
    reason: str = "",
) -> Response:
    def read(session: Session) -> dict[str, object]:
        customer = customers.get(session, customer_id)
        return {"customer": customer, "entry": credit_hold_page.live(session, customer_id, entry_id)}

    shown = await in_transaction(desk, read)
    return render(
        request,
        "credit_hold_delete.html",
        await refused(request, error) if error else 200,
        label=label,
        reason=reason,
        problem=str(error) if error else "",
        **shown,
    )
