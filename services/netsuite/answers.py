"""What is answered about differences between NetSuite and the record."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field
from sqlalchemy.orm import Session

from credit.states import HoldStatus
from db.holds import drift
from services.answers import Answer, CustomerId, CustomerName, Time
from services.netsuite.drift_checks import CheckState, LastCheck, known

Override = Annotated[str, Field(examples=["AUTO"])]


class Difference(Answer):
    """Where NetSuite says something else than the record wants."""

    netsuite_id: Annotated[str, Field(examples=["90812"])]
    customer_id: CustomerId | None
    """Null for a customer that is not known here."""
    customer_name: CustomerName | None
    hold_id: UUID | None
    """Null for a customer that is ON without a hold here."""
    hold_status: HoldStatus | None
    expected: Override | None
    found: Override
    first_seen_at: Time
    last_seen_at: Time
    mend: Literal["adopt", "import, then adopt", "repair or accept", "approve or decline"]
    """What a person can do about it."""

    @classmethod
    def of(cls, standing: drift.Standing) -> Self:
        """Show a difference with what it is about."""
        row, customer_id, name, status = standing
        if row.hold_id is None:
            mend = "adopt" if customer_id else "import, then adopt"
        else:
            mend = "repair or accept" if status is HoldStatus.RELEASED else "approve or decline"
        return cls.of_row(row, customer_id=customer_id, customer_name=name, hold_status=status, mend=mend)


class Differences(Answer):
    """The differences that nobody has decided about, as last seen."""

    unwritten: int
    """Values that wait to be written to NetSuite: no check compares them before."""
    drift: list[Difference]

    @classmethod
    def of(cls, session: Session) -> Self:
        """Show what is listed."""
        listed = [Difference.of(standing) for standing in drift.listed(session)]
        return cls(unwritten=drift.unwritten(session), drift=listed)


class Check(Answer):
    """Where the newest comparison of NetSuite with the record stands."""

    state: CheckState
    started_at: Time | None
    trouble: str | None
    """Why a running one does not get on, as its last try said."""
    done_at: Time | None
    """When the newest one ended that came to its end: what is listed is as of then."""
    looked_at: int | None
    """Records that it compared."""


class Drift(Differences):
    """The differences, and what that there are no others is worth."""

    check: Check
    said: str
    """What is known of it all, in words."""

    @classmethod
    def checked(cls, listed: Differences, check: LastCheck) -> Self:
        """Show what is listed with the newest check."""
        said = known(check, differing=len(listed.drift), unwritten=listed.unwritten)
        return cls(**dict(listed), check=Check.of_row(check), said=said)


class DriftMended(Answer):
    """The hold of a difference, and what is done about that."""

    id: UUID
    status: Literal["repairing", "accepted", "proposed"]
