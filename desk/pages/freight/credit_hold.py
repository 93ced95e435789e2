"""`/customers/…/credit-hold`: the Credit Hold page, where tariffs are blocked and blocks deleted (freight spec)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from db import customers
from db.errors import BadInputError
from db.freight import credit_hold_page, tariffs
from desk.flashes import see_other
from desk.pages.common import Desk, ProfileChanger, Reason, Requester, Viewer
from desk.pages.freight.accounting_profile import address_of, read_accounting
from desk.rendering import render
from desk.surroundings import in_transaction
from services.freight.answers import label

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=2000)]

HISTORY = 20
ALL, SOME = "all", "some"


@router.get("/customers/{customer_id:path}/credit-hold")
async def show(request: Request, customer_id: str, desk: Desk, _: Viewer) -> Response:
    """Show what is blocked, what was, and the form to block more."""

    def read(session: Session) -> dict[str, Any]:
        return {
            "accounting": read_accounting(session, customer_id),
            "over": credit_hold_page.ended(session, customer_id, HISTORY),
            "tariffs": tariffs.tariffs(session),
        }

    shown = await in_transaction(desk, read)
    return render(request, "freight/credit_hold.html", history=HISTORY, label=label, **shown)


@router.post("/customers/{customer_id:path}/credit-hold")
async def block(
    customer_id: str,
    desk: Desk,
    who: ProfileChanger,
    scope: Typed = ALL,
    tariff: Annotated[list[str] | None, Form()] = None,
    note: Typed = "",
) -> Response:
    chosen = [code for code in tariff or () if code]
    if scope == SOME and not chosen:
        raise BadInputError("choose the tariffs to block, or block all of them")
    _, is_new = await desk.profiles.block(
        who, customer_id, tariffs=chosen if scope == SOME else None, note=note.strip()
    )
    return see_other(address_of(customer_id, "credit-hold"), "tariffs_blocked" if is_new else "tariffs_were_blocked")


@router.get("/customers/{customer_id:path}/credit-hold/{entry_id}/delete")
async def ask(request: Request, customer_id: str, entry_id: UUID, desk: Desk, _: Requester) -> Response:
    """Ask whether an entry is to be deleted: nothing is done yet."""

    def read(session: Session) -> dict[str, Any]:
        customer = customers.get(session, customer_id)
        return {"customer": customer, "entry": credit_hold_page.live(session, customer_id, entry_id)}

    return render(request, "freight/credit_hold_delete.html", label=label, **await in_transaction(desk, read))


@router.post("/customers/{customer_id:path}/credit-hold/{entry_id}/delete")
async def delete(customer_id: str, entry_id: UUID, desk: Desk, who: Requester, reason: Reason) -> Response:
    """Delete an entry, or ask for the release of the service hold that made it."""
    done = await desk.profiles.unblock(who, customer_id, entry_id, reason=reason)
    flash = "block_deleted" if done.ended else f"credit_release_{done.status}"
    return see_other(address_of(customer_id, "credit-hold"), flash)
