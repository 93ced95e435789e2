"""`/customers/…/accounting-profile`: a customer's credit status and limit, shown and edited (freight spec)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import TypeAdapter
from sqlalchemy.orm import Session

from credit import credit_limit
from credit.credit_hold import CreditStatus
from credit.credit_limit import Limit
from credit.customer_standing import CustomerStanding
from credit.typed_number import typed_number
from db import customers, policies
from db.errors import BadInputError, EntryOfHoldError
from db.freight import accounting_profiles
from db.holds import customer_standings
from db.models import AccountingProfile, CreditHoldEntry, Customer
from desk.flashes import see_other
from desk.pages.common import Desk, ProfileChanger, Reason
from desk.rendering import render
from desk.surroundings import Surroundings, in_transaction
from services.freight.block_effects import BlockEffects

router = APIRouter(include_in_schema=False)

Typed = Annotated[str, Form(max_length=2000)]

_limit: TypeAdapter[Decimal] = TypeAdapter(Limit)


@dataclass(frozen=True)
class Accounting:
    """What the pages show of a customer's credit."""

    customer: Customer
    standing: CustomerStanding
    profile: AccountingProfile
    entries: Sequence[CreditHoldEntry]
    currency: str

    @property
    def held_by(self) -> UUID | None:
        """The service hold that blocks all tariffs."""
        return next((entry.hold_id for entry in self.entries if entry.hold_id and entry.tariffs is None), None)

    @property
    def left(self) -> Decimal | None:
        """What is left of the limit, below zero where it is exceeded; None without a limit."""
        return credit_limit.available(self.profile.credit_limit, self.profile.exposure)

    @property
    def used(self) -> int:
        """How much of the limit is used, in hundredths, 100 at most."""
        limit, exposure = self.profile.credit_limit, self.profile.exposure
        if limit is None or exposure is None or exposure <= 0:
            return 0
        return 100 if exposure >= limit else int(exposure / limit * 100)


def read_accounting(session: Session, customer_id: str) -> Accounting:
    """Read what the pages show of a customer's credit.

    Raises:
        UnknownCustomerError: there is no such customer.
    """
    return Accounting(
        customer=customers.get(session, customer_id),
        standing=customer_standings.one(session, customer_id, datetime.now(UTC)),
        profile=accounting_profiles.get(session, customer_id),
        entries=accounting_profiles.entries(session, customer_id),
        currency=policies.current(session)[1].ledger_currency,
    )


def address_of(customer_id: str, page: str = "") -> str:
    return f"/customers/{quote(customer_id)}{f'/{page}' if page else ''}"


@router.get("/customers/{customer_id:path}/accounting-profile")
async def show(request: Request, customer_id: str, desk: Desk, _: ProfileChanger) -> Response:
    shown = await in_transaction(desk, lambda session: read_accounting(session, customer_id))
    return render(request, "freight/accounting_profile.html", accounting=shown, statuses=list(CreditStatus))


@router.post("/customers/{customer_id:path}/accounting-profile")
async def change(
    request: Request,
    customer_id: str,
    desk: Desk,
    who: ProfileChanger,
    reason: Reason,
    credit_status: Annotated[CreditStatus | None, Form()] = None,
    credit_limit: Typed = "",
    *,
    confirmed: Annotated[bool, Form()] = False,
) -> Response:
    """Change what differs. Credit Hold is a block by hand and asks first; a service hold's is left to its release."""
    limit = _typed_limit(credit_limit)
    now = await in_transaction(desk, read_accounting, customer_id)
    wanted = credit_status if credit_status is not now.profile.credit_status else None
    if wanted is CreditStatus.GOOD and now.held_by is not None:
        raise EntryOfHoldError(customer_id, now.held_by)
    if wanted is CreditStatus.CREDIT_HOLD and not confirmed:
        fields = [("credit_status", wanted), ("credit_limit", credit_limit), ("reason", reason)]
        return await ask_to_block(request, desk, customer_id, None, why=reason, fields=fields)
    await desk.profiles.set(who, customer_id, credit_status=wanted, credit_limit=limit, reason=reason)
    return see_other(address_of(customer_id), "profile_changed")


async def ask_to_block(
    request: Request,
    desk: Surroundings,
    customer_id: str,
    tariffs: Collection[str] | None,
    *,
    why: str,
    fields: Sequence[tuple[str, str]],
) -> Response:
    """Ask whether these tariffs, or all for None, are to be blocked by hand: nothing is done yet.

    Args:
        why: what was typed, shown again.
        fields: the form that asked, sent again when it is confirmed.
    """

    def read(session: Session) -> dict[str, Any]:
        effects = BlockEffects.of(session, customer_id, tariffs).effects
        return {"effects": effects, "customer": customers.get(session, customer_id)}

    shown = await in_transaction(desk, read)
    return render(request, "freight/block_confirm.html", tariffs=tariffs, why=why, fields=fields, **shown)


def _typed_limit(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        return _limit.validate_python(typed_number(text))
    except ValueError as error:
        raise BadInputError(
            f"{text.strip()[:40]!r} is no credit limit: write an amount like 50000.00, not below zero, "
            "or nothing for no limit"
        ) from error
