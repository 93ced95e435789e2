"""`/customers/…/accounting-profile`: a customer's credit status and limit, shown and edited (freight spec)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from credit import credit_limit
from credit.credit_hold import CreditStatus
from credit.credit_limit import Limit
from credit.customer_standing import CustomerStanding
from db import customers, policies
from db.errors import BadInputError
from db.freight import accounting_profiles
from db.holds import customer_standings
from db.models import AccountingProfile, CreditHoldEntry, Customer
from desk.flashes import see_other
from desk.pages.common import Desk, ProfileChanger, Reason
from desk.rendering import render
from desk.surroundings import in_transaction
from services.freight.answers import ReleasedProfile

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
    customer_id: str,
    desk: Desk,
    who: ProfileChanger,
    credit_status: Annotated[CreditStatus, Form()],
    reason: Reason,
    credit_limit: Typed = "",
) -> Response:
    limit = _typed_limit(credit_limit)
    done = await desk.profiles.set(who, customer_id, credit_status=credit_status, credit_limit=limit, reason=reason)
    flash = f"credit_release_{done.release.status}" if isinstance(done, ReleasedProfile) else "profile_changed"
    return see_other(address_of(customer_id), flash)


def _typed_limit(text: str) -> Decimal | None:
    if not text.strip():
        return None
    try:
        return _limit.validate_python(text.replace(",", "").strip())
    except ValidationError as error:
        raise BadInputError(
            f"{text.strip()[:40]!r} is no credit limit: write an amount like 50000.00, not below zero, "
            "or nothing for no limit"
        ) from error
