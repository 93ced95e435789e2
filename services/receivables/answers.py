"""What is answered about customers, their exemptions, the AR aging scan and inbound events."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from credit.events import EventOutcome
from credit.states import OPEN_HOLD, EntityStatus, HoldStatus
from db import models, policies
from db.holds import holds
from db.receivables import receivables
from services.answers import Amount, Answer, CustomerId, CustomerName, Login, Time
from services.holds.answers import Facts, HoldList, HoldSummary
from services.schedules import Scheduled

ScanId = Annotated[str, Field(examples=["ar-aging-2027-03-01T06:00:00Z"])]


class OpenHold(Answer):
    """A customer's open hold."""

    id: UUID
    status: HoldStatus


class Customer(Answer):
    """What a list shows of a customer."""

    id: CustomerId
    name: CustomerName
    entitystatus: EntityStatus
    netsuite_id: Annotated[str, Field(examples=["90812"])]
    hold: OpenHold | None

    @classmethod
    def of(cls, row: models.Customer, hold: models.Hold | None) -> Self:
        """Show a customer with its open hold."""
        return cls.of_row(row, hold=OpenHold.of_row(hold) if hold else None)


class CustomerList(Answer):
    """A page of customers."""

    customers: list[Customer]
    next_cursor: str | None


class SalesRep(Answer):
    """Who sells to the customer."""

    name: str
    email: Annotated[str, Field(examples=["robin@example.com"])]


class WholeCustomer(Customer):
    """A customer with what it owes today and its newest holds."""

    email: str | None
    sales_rep: SalesRep | None
    facts: Facts
    holds: list[HoldSummary]
    """The newest first."""

    @classmethod
    def whole(cls, session: Session, row: models.Customer, now: datetime) -> Self:
        """Show everything that is known of a customer."""
        _, in_force = policies.current(session)
        rows = holds.of_customer(session, row.id)
        summary = Customer.of(row, next((hold for hold in rows if hold.status in OPEN_HOLD), None))
        return cls(
            **dict(summary),
            email=row.email,
            sales_rep=SalesRep.of_row(row.sales_rep) if row.sales_rep else None,
            facts=Facts.of(receivables.read_facts(session, row.id, now.date(), in_force)),
            holds=HoldList.of(session, rows).holds,
        )


class Exemption(Answer):
    """A customer's exemption from automatic holds."""

    id: UUID
    customer_id: CustomerId
    owner: Login
    """Who answers for it."""
    reason: str
    until: date
    """The last day on which it counts (UTC)."""
    created_by: Login
    created_at: Time
    ended_at: Time | None
    ended_by: Login | None
    end_reason: str | None


class Scan(Answer):
    """One AR aging scan."""

    id: UUID
    workflow_id: ScanId
    as_of: date
    requested_by: Login
    policy_version: int
    started_at: Time
    finished_at: Time | None
    counts: Annotated[dict[str, int], Field(examples=[{"proposed": 3, "open_hold": 12}])]
    """What was made of customers (a disposition) -> how many."""


class ScheduledScan(Answer):
    """A scan that the schedule started."""

    at: Time
    workflow_id: ScanId


class ScanSchedule(Answer):
    """When the scan is due."""

    cron: Annotated[str, Field(examples=["0 6 * * *"])]
    time_zone: Annotated[str, Field(examples=["UTC"])]
    paused: bool
    note: str
    next_runs: list[Time]
    recent_runs: list[ScheduledScan]

    @classmethod
    def of(cls, schedule: Scheduled) -> Self:
        """Show the schedule as Temporal describes it."""
        recent = [ScheduledScan(at=at, workflow_id=workflow_id) for at, workflow_id in schedule.recent_runs]
        return cls.of_row(schedule, recent_runs=recent)


class ArAging(Answer):
    """When the scan is due, and the newest runs."""

    schedule: ScanSchedule | None
    """Null before a worker has made it."""
    runs: list[Scan]


class StartedScan(Answer):
    """A scan that was started by hand."""

    workflow_id: ScanId
    as_of: date


class Candidate(Answer):
    """A customer that the scan would propose a hold for."""

    customer_id: CustomerId
    customer_name: CustomerName
    total_open: Amount
    days_overdue: int
    warnings: list[str]
    prior_holds: int


class Candidates(Answer):
    """A page of whom the scan would propose."""

    as_of: date
    candidates: list[Candidate]
    next_cursor: str | None = None

    @classmethod
    def of(cls, as_of: date, found: Sequence[receivables.Candidate], next_cursor: str | None = None) -> Self:
        """Show candidates in the order given."""
        rows = [
            Candidate.of_row(
                candidate,
                total_open=candidate.facts.total_open,
                days_overdue=candidate.facts.days_overdue,
                prior_holds=candidate.facts.prior_holds,
            )
            for candidate in found
        ]
        return cls(as_of=as_of, candidates=rows, next_cursor=next_cursor)


class TakenEvent(Answer):
    """What became of an event; a repetition gets the same."""

    event_id: str
    """The sender's own."""
    outcome: EventOutcome
    why: str
    hold_id: UUID | None
    """The hold that was open when the event came."""
