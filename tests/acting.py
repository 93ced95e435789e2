"""What somebody does, in a transaction of its own."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Engine

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from services.people import answers, people

P = ParamSpec("P")
R = TypeVar("R")


def acted(engine: Engine, actor: str, work: Callable[Concatenate[Act, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do `work` in `actor`'s name, now."""
    with transaction(engine) as session:
        return work(Act(session, actor, datetime.now(UTC)), *args, **kwargs)


def made_token(engine: Engine, name: str, role: Role, **how: Any) -> str:
    """Return a token of the person of this name, made for this; a sender's is nobody's."""
    return acted(engine, "test", people.create_token, name, role, **how).token


def bearer(engine: Engine, name: str, role: Role, **how: Any) -> dict[str, str]:
    """Return the header of a token made for this."""
    return {"Authorization": f"Bearer {made_token(engine, name, role, **how)}"}


def everybody(engine: Engine) -> list[answers.User]:
    with transaction(engine) as session:
        return people.listed(session).users
