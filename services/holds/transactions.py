"""What is done about a hold that somebody named, in one transaction."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from db.engine import in_transaction
from db.holds import holds
from db.models import Hold

P = ParamSpec("P")
R = TypeVar("R")


async def with_hold(
    engine: Engine, name: str, work: Callable[Concatenate[Session, Hold, P], R], *args: P.args, **kwargs: P.kwargs
) -> tuple[R, Hold]:
    """Do `work` on the hold that `name` names, by its id or its customer's; returns what came of it, and the hold.

    Raises:
        UnknownHoldError: no such hold.
    """

    def on_hold(session: Session) -> tuple[R, Hold]:
        hold = holds.find(session, name)
        return work(session, hold, *args, **kwargs), hold

    return await in_transaction(engine, on_hold)
