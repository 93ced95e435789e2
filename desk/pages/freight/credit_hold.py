"""`/customers/…/credit-hold`: the Credit Hold page, where tariffs are blocked and blocks deleted (freight spec)."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session

from db import customers
from db.errors import BadInputError, EntryOfHoldError
from db.freight import credit_hold_page, tariffs
from db.models import CreditHoldEntry
from db.reasons import needs_reason
from desk.flashes import see_other
from desk.pages.common import Desk, ProfileChanger, Reason, Viewer
from desk.pages.freight.accounting_profile import address_of, ask_to_block, read_accounting
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
    request: Request,
    customer_id: str,
    desk: Desk,
    who: ProfileChanger,
    scope: Typed = ALL,
    tariff: Annotated[list[str] | None, Form()] = None,
    note: Typed = "",
    *,
    confirmed: Annotated[bool, Form()] = False,
) -> Response:
    """Block tariffs; asks first, and says what a block by hand skips."""
    chosen = [code for code in tariff or () if code]
    if scope == SOME and not chosen:
        raise BadInputError("choose the tariffs to block, or block all of them")
    tariffs = chosen if scope == SOME else None
    if not confirmed:
        needs_reason(note)
        fields = [("scope", scope), *(("tariff", code) for code in chosen), ("note", note)]
        return await ask_to_block(request, desk, customer_id, tariffs, why=note, fields=fields)
    _, is_new = await desk.profiles.block(who, customer_id, tariffs=tariffs, note=note.strip())
    return see_other(address_of(customer_id, "credit-hold"), "tariffs_blocked" if is_new else "tariffs_were_blocked")


@router.get("/customers/{customer_id:path}/credit-hold/{entry_id}/delete")
async def ask(request: Request, customer_id: str, entry_id: UUID, desk: Desk, _: ProfileChanger) -> Response:
    """Ask whether an entry is to be deleted: nothing is done yet."""

    def read(session: Session) -> dict[str, Any]:
        customer = customers.get(session, customer_id)
        return {"customer": customer, "entry": _by_hand(session, customer_id, entry_id)}

    return render(request, "freight/credit_hold_delete.html", label=label, **await in_transaction(desk, read))


@router.post("/customers/{customer_id:path}/credit-hold/{entry_id}/delete")
async def delete(customer_id: str, entry_id: UUID, desk: Desk, who: ProfileChanger, reason: Reason) -> Response:
    """Delete an entry, which lifts its block; a service hold's goes with the hold's release, on the hold's page."""
    await in_transaction(desk, _by_hand, customer_id, entry_id)
    await desk.profiles.unblock(who, customer_id, entry_id, reason=reason)
    return see_other(address_of(customer_id, "credit-hold"), "block_deleted")


def _by_hand(session: Session, customer_id: str, entry_id: UUID) -> CreditHoldEntry:
    entry = credit_hold_page.live(session, customer_id, entry_id)
    if entry.hold_id is not None:
        raise EntryOfHoldError(customer_id, entry.hold_id)
    return entry
