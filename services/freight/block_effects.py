"""What a block by hand would do, and what it skips, as the record is now: for whoever is about to make one."""

from collections.abc import Collection
from typing import Self

from sqlalchemy.orm import Session

from credit.effects import of_blocking
from db import customers, policies
from db.freight import orders_and_loads
from services.answers import Answer

_NAMED = 10
"""How many loads are named; the others are counted."""


class BlockEffects(Answer):
    """What a block by hand does and skips, a sentence each, the heaviest first."""

    effects: list[str]

    @classmethod
    def of(cls, session: Session, customer_id: str, tariffs: Collection[str] | None) -> Self:
        """Say it of a block of these tariffs, or of all for None.

        Raises:
            UnknownCustomerError: there is no such customer.
        """
        customers.get(session, customer_id)
        stopped = orders_and_loads.stopped_by_a_block(session, customer_id, limit=_NAMED) if tariffs is None else None
        return cls(effects=of_blocking(tariffs, stopped, policies.current(session)[1]))
