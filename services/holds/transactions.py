"""What somebody does about a hold that they named, in one transaction."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine

from db.act import Act, acting
from db.holds import holds
from db.models import Hold

P = ParamSpec("P")
R = TypeVar("R")


async def with_hold(
    engine: Engine,
    actor: str,
    name: str,
    work: Callable[Concatenate[Act, Hold, P], R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[R, Hold]:
    """Do `work` in `actor`'s name on the hold that `name` names, by its id or its customer's.

    Returns what came of it, and the hold.

    Raises:
        UnknownHoldError: no such hold.
    """

    def on_hold(act: Act) -> tuple[R, Hold]:
        hold = holds.named(act.session, name)
        return work(act, hold, *args, **kwargs), hold

    return await acting(engine, actor, on_hold)
