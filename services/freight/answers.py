"""What is answered about eligibility, rates, orders, loads, tariffs, accounting profiles and organisations."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from credit import credit_limit, rating
from credit.credit_hold import BLOCK_ALL_TARIFFS, BlockSource, CreditStatus, LoadStatus, OrderStatus
from credit.credit_limit import LimitState
from credit.customer_standing import CustomerStanding
from credit.eligibility import Action
from db import customers, models, policies
from db.freight import accounting_profiles, tariffs
from db.holds import customer_standings
from services.answers import Amount, Answer, Currency, CustomerId, Login, Time

TariffCode = Annotated[str, Field(examples=["LTL-STANDARD"])]
Place = Annotated[str, Field(examples=["Chicago"])]


class InTheWay(Answer):
    """One entry that blocks: the note is for the office, never for the customer."""

    source: Annotated[str, Field(examples=["manual"])]
    """`manual`, `auto_apply`, `service_hold`; or `entitystatus`, where only the customer's flag says so."""
    label: Annotated[str, Field(examples=[BLOCK_ALL_TARIFFS])]
    customer_id: CustomerId
    """The customer, or the parent account whose block covers it."""
    note: str | None = None
    since: Time | None = None
    hold_id: UUID | None = None


class Eligibility(Answer):
    """Whether a customer may go ahead."""

    allowed: bool
    message: str | None
    """For the customer, or for who works on its load; null where it may go ahead."""
    holds: list[InTheWay]
    """What stands in the way, or would but for an exception or payment in advance."""
    action: Action
    template: str | None
    """Which of the content templates the message comes from."""
    blocked_tariffs: list[TariffCode]
    """By name; an entry for all tariffs names none."""
    degraded: bool
    """The database did not answer, a setting did."""


class Rate(Answer):
    """What one tariff asks; an empty origin or destination stands for any."""

    tariff: TariffCode
    name: str
    origin: Place
    destination: Place
    amount: Amount
    currency: Currency
    transit_days: int


class Rates(Answer):
    """The rate of each tariff that is not blocked."""

    customer_id: CustomerId
    rates: list[Rate]
    blocked_tariffs: list[TariffCode]
    degraded: bool
    """These come from the tariffs read last, and nobody was looked up."""


class Line(Answer):
    """One line of an order."""

    description: str
    quantity: Annotated[str, Field(examples=["2"])]
    unit_price: Annotated[str, Field(examples=["365.00"])]


class Order(Answer):
    """An order; its amount is in the ledger's currency."""

    id: Annotated[str, Field(examples=["ORD-5f0c2a9be13d4477"])]
    customer_id: CustomerId
    status: OrderStatus
    amount: Amount
    prepaid: bool
    lines: list[Line]
    created_by: Login
    created_at: Time
    closed_at: Time | None


class Orders(Answer):
    """A page of orders, the newest first."""

    orders: Sequence[Order]
    next_cursor: str | None


class Load(Answer):
    """A load on its way."""

    id: Annotated[str, Field(examples=["LOAD-9d2b7c10ffae4e21"])]
    customer_id: CustomerId
    status: LoadStatus
    next: LoadStatus | None
    """The status after this one; null for a delivered load."""
    tariff: TariffCode | None
    origin: Place
    destination: Place
    created_by: Login
    created_at: Time
    advanced_at: Time | None

    @classmethod
    def of(cls, row: models.Load) -> Self:
        """Show a load."""
        return cls.of_row(row, next=row.status.following)


class Loads(Answer):
    """A page of loads, the newest first."""

    loads: Sequence[Load]
    next_cursor: str | None


class Lane(Answer):
    """A line of a tariff; an empty origin or destination stands for any."""

    origin: Place
    destination: Place
    amount: Amount
    transit_days: int


class Tariff(Answer):
    """A price list."""

    code: TariffCode
    name: str
    currency: Currency
    rates: list[Lane]
    updated_by: Login
    updated_at: Time


class Tariffs(Answer):
    """Every tariff, by code."""

    tariffs: list[Tariff]

    @classmethod
    def of(cls, rows: Iterable[models.Tariff], rates: Sequence[rating.Rate]) -> Self:
        """Show tariffs with those of the lanes that are theirs."""
        lanes: dict[str, list[Lane]] = {}
        for rate in rates:
            lanes.setdefault(rate.tariff, []).append(Lane.of_row(rate))
        return cls(tariffs=[Tariff.of_row(row, rates=lanes.get(row.code, [])) for row in rows])


class Entry(Answer):
    """One block on a customer's Credit Hold page."""

    id: UUID
    customer_id: CustomerId
    label: Annotated[str, Field(examples=[BLOCK_ALL_TARIFFS])]
    all_tariffs: bool
    tariffs: list[TariffCode] | None
    """Null for all of them."""
    note: str
    source: BlockSource
    hold_id: UUID | None
    """The service hold that it stands for: only that hold's release ends it."""
    created_by: Login
    created_at: Time

    @classmethod
    def of(cls, row: models.CreditHoldEntry) -> Self:
        """Show an entry."""
        return cls.of_row(row, label=label(row), all_tariffs=row.tariffs is None)


def label(row: models.CreditHoldEntry) -> str:
    """Return what an entry blocks, in the freight spec's words."""
    return BLOCK_ALL_TARIFFS if row.tariffs is None else ", ".join(row.tariffs)


class MadeEntry(Entry):
    """The entry that blocks what was asked for."""

    warnings: list[str]
    """Names the tariffs there are, where one was named that is not: it is blocked all the same."""

    @classmethod
    def made(cls, session: Session, row: models.CreditHoldEntry) -> Self:
        """Show an entry that was just made or found."""
        there = tariffs.codes(session)
        unknown = [code for code in row.tariffs or () if code not in there]
        warning = f"no tariff is called {', '.join(unknown)}; there are {', '.join(there) or 'none'}"
        return cls(**dict(Entry.of(row)), warnings=[warning] if unknown else [])


class Entries(Answer):
    """The live entries of a Credit Hold page, the oldest first."""

    entries: list[Entry]


class Override(Answer):
    """Who keeps a customer out of credit hold though its limit is exceeded."""

    at: Time
    by: Login
    reason: str


class Profile(Answer):
    """A customer's accounting profile, with the live entries of its Credit Hold page. Amounts are strings."""

    customer_id: CustomerId
    standing: CustomerStanding
    """How the customer stands, whatever the credit status says."""
    credit_status: CreditStatus
    credit_status_label: Annotated[str, Field(examples=["Credit Hold"])]
    credit_limit: Amount | None
    """Null for no limit."""
    limit_state: LimitState | None
    """Null where it never was evaluated."""
    exposure: Amount | None
    available: Amount | None
    """The limit less the exposure: below zero where it is exceeded."""
    currency: Currency
    organisation: Annotated[str, Field(examples=["main"])]
    parent_id: CustomerId | None
    override: Override | None
    entries: list[Entry]

    @classmethod
    def of(cls, session: Session, customer_id: str, now: datetime) -> Self:
        """Show a customer's profile.

        Raises:
            UnknownCustomerError: there is no such customer.
        """
        customer = customers.get(session, customer_id)
        row = accounting_profiles.get(session, customer_id)
        override = None
        if row.overridden_at is not None:
            override = Override.of_row(row, at=row.overridden_at, by=row.overridden_by, reason=row.override_reason)
        return cls.of_row(
            row,
            standing=customer_standings.one(session, customer_id, now),
            credit_status_label=row.credit_status.label,
            available=credit_limit.available(row.credit_limit, row.exposure),
            currency=policies.current(session)[1].ledger_currency,
            organisation=customer.organisation,
            parent_id=customer.parent_id,
            override=override,
            entries=[Entry.of(entry) for entry in accounting_profiles.entries(session, customer_id)],
        )


class Release(Answer):
    """The service hold whose block is left, and what became of its release."""

    hold_id: UUID
    status: Literal["proposed", "approved"]


class ReleasedProfile(Profile):
    """The profile where a service hold's block was met: until its release the customer stays on credit hold."""

    release: Release


class Deleted(Answer):
    """An entry that is gone."""

    id: UUID
    ended: Literal[True] = True


class ReleaseAsked(Answer):
    """A service hold's entry, which stays until the hold's release is carried out."""

    id: UUID
    """The entry's."""
    ended: Literal[False] = False
    hold_id: UUID
    status: Literal["proposed", "approved"]


class Organisation(Answer):
    """What one organisation has chosen."""

    organisation: Annotated[str, Field(examples=["main"])]
    auto_apply_credit_hold: bool
    """Whether a limit that goes from acceptable to exceeded puts the customer on credit hold at once."""
    auto_lift_credit_hold: bool
    """Whether such a block goes by itself when the limit is met again."""
    language: Annotated[str, Field(examples=["en"])]
    version: int
    updated_by: Login
    updated_at: Time


class Organisations(Answer):
    """Every organisation, by name."""

    organisations: list[Organisation]

    @classmethod
    def of(cls, rows: Iterable[models.OrgSettings]) -> Self:
        """Show organisations in the order given."""
        return cls(organisations=[Organisation.of_row(row) for row in rows])
