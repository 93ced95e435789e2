"""What is answered about customers, their exemptions, the AR aging scan and inbound events."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from credit.customer_standing import CustomerStanding
from credit.events import EventOutcome
from credit.states import OPEN_HOLD, EntityStatus, HoldStatus
from db import models, policies
from db.customers import Found
from db.holds import customer_standings, holds
from db.receivables import receivables
from services.answers import Amount, Answer, CustomerId, CustomerName, Login, Time
from services.holds.answers import Facts, HoldList, HoldSummary
from services.schedules import Scheduled
from workflows.contract import ArAgingReport

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
    standing: CustomerStanding
    hold: OpenHold | None

    @classmethod
    def of(cls, row: models.Customer, hold: models.Hold | None, standing: CustomerStanding) -> Self:
        """Show a customer with its open hold."""
        return cls.of_row(row, hold=OpenHold.of_row(hold) if hold else None, standing=standing)


class CustomerList(Answer):
    """A page of customers."""

    customers: list[Customer]
    next_cursor: str | None

    @classmethod
    def of(cls, session: Session, rows: Sequence[Found], now: datetime, next_cursor: str | None = None) -> Self:
        """Show the customers that were found, in the order given."""
        standings = customer_standings.of(session, [row.customer.id for row in rows], now)
        shown = [Customer.of(row.customer, row.hold, standings[row.customer.id]) for row in rows]
        return cls(customers=shown, next_cursor=next_cursor)


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
        is_open = next((hold for hold in rows if hold.status in OPEN_HOLD), None)
        summary = Customer.of(row, is_open, customer_standings.one(session, row.id, now))
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


class GrantedExemption(Exemption):
    """A fresh exemption."""

    kept_by: UUID | None
    """The service hold that keeps the customer blocked all the same: a person approved it, its release ends it."""


class ListedExemption(Exemption):
    """An exemption, with whose it is."""

    customer_name: CustomerName


class Exemptions(Answer):
    """Exemptions, the next to end first."""

    exemptions: list[ListedExemption]

    @classmethod
    def of(cls, rows: Sequence[tuple[models.Exemption, str]]) -> Self:
        """Show exemptions with their customers' names, in the order given."""
        return cls(exemptions=[ListedExemption.of_row(row, customer_name=name) for row, name in rows])


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
    warnings: list[str]
    """The days within a year on which the clocks change and it runs oftener, or less often, than it should."""

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


class ScanEnd(Answer):
    """How a scan that was started by hand ended."""

    workflow_id: ScanId
    report: ArAgingReport | None
    """Null while it goes on. `counts` is disposition -> customers."""


class Candidate(Answer):
    """A customer that the scan would propose a hold for."""

    customer_id: CustomerId
    customer_name: CustomerName
    total_open: Amount
    days_overdue: int
    warnings: list[str]
    prior_holds: int

    @classmethod
    def of(cls, candidate: receivables.Candidate) -> Self:
        """Show a candidate with what it owes."""
        facts = candidate.facts
        owed = {"total_open": facts.total_open, "days_overdue": facts.days_overdue, "prior_holds": facts.prior_holds}
        return cls.of_row(candidate, **owed)


class Candidates(Answer):
    """A page of whom the scan would propose."""

    as_of: date
    candidates: list[Candidate]
    next_cursor: str | None = None

    @classmethod
    def of(cls, as_of: date, found: Sequence[receivables.Candidate], next_cursor: str | None = None) -> Self:
        """Show candidates in the order given."""
        return cls(as_of=as_of, candidates=[Candidate.of(one) for one in found], next_cursor=next_cursor)


class Backtest(Answer):
    """The candidates of one day under two policies, each in the order of customer ids."""

    as_of: date
    changed: Annotated[dict[str, tuple[Any, Any]], Field(examples=[{"trigger_days_overdue": [90, 60]}])]
    """Field of the policy -> its value today, and the changed one."""
    candidates_today: list[Candidate]
    candidates_changed: list[Candidate]
    only_today: list[str]
    """Whom the changed policy would leave alone: their ids."""
    only_changed: list[str]


class TakenEvent(Answer):
    """What became of an event; a repetition gets the same."""

    event_id: str
    """The sender's own."""
    outcome: EventOutcome
    why: str
    hold_id: UUID | None
    """The hold that was open when the event came."""
