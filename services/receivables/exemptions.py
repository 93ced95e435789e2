"""A customer's exemption from automatic holds, granted and ended: the one authority behind the API and the pages."""

from datetime import date, datetime

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from credit.permissions import Permission
from db.act import acting
from db.errors import BadInputError
from db.people.tokens import Caller
from db.receivables import exemptions
from services.receivables.answers import Exemption, Exemptions, GrantedExemption


async def grant(
    engine: Engine, who: Caller, customer_id: str, *, until: date, reason: str, owner: str = ""
) -> GrantedExemption:
    """Exempt a customer up to and including the day `until` (UTC). The caller owns it where nobody is named.

    Raises:
        NotAllowedError: the caller may not change the policy.
        UnknownCustomerError, AlreadyExemptError: as they say.
        BadInputError: `until` is over, or there is no reason.
    """
    who.require(Permission.CHANGE_POLICY)
    row, kept_by = await acting(
        engine,
        who.name,
        exemptions.grant,
        customer_id,
        owner=owner.strip() or who.name,
        reason=reason.strip(),
        until=until,
    )
    return GrantedExemption.of_row(row, kept_by=kept_by)


async def end(engine: Engine, who: Caller, customer_id: str, *, reason: str) -> Exemption:
    """End a customer's exemption before its last day.

    Raises:
        NotAllowedError: the caller may not change the policy.
        UnknownCustomerError, NotExemptError: as they say.
        BadInputError: there is no reason.
    """
    who.require(Permission.CHANGE_POLICY)
    reason = reason.strip()
    if not reason:
        raise BadInputError("say why the exemption ends: it is kept in the record")
    row = await acting(engine, who.name, exemptions.end, customer_id, reason=reason)
    return Exemption.of_row(row)


def listed(session: Session, now: datetime, *, over_too: bool) -> Exemptions:
    """List the exemptions that count now; those that are over only on demand."""
    return Exemptions.of(exemptions.listed(session, now, over_too=over_too))
