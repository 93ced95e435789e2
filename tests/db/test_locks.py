"""Locks: a deadlock is tried again by itself, and a customer's lock keeps nobody waiting who only refers to it."""

import asyncio
import re
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from db import customers
from db import engine as engines
from db.engine import in_transaction, make_engine, transaction
from tests.world import World

ROOT = Path(__file__).parents[2]


async def test_two_that_meet_in_a_deadlock_both_end_well(idle_world: World) -> None:
    one, other = idle_world.customer(in_netsuite=False), idle_world.customer(in_netsuite=False)
    both, begun = threading.Barrier(2), []

    def touch(session: Session, first: str, second: str) -> None:
        begun.append(first)
        session.execute(_TOUCH, {"id": first})
        if len(begun) <= 2:  # the first time, each has its own row before it wants the other's
            both.wait(20)
        session.execute(_TOUCH, {"id": second})

    await asyncio.gather(
        in_transaction(idle_world.engine, touch, one, other), in_transaction(idle_world.engine, touch, other, one)
    )

    assert len(begun) == 3  # one of them was undone, and done once more


_TOUCH = text("UPDATE customers SET name = name || '!' WHERE id = :id")


async def test_a_lock_held_long_is_waited_for_twice_and_then_said(
    idle_world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "LOCK_SECONDS", 1)
    waiting, tried = make_engine(database_url, pool_size=1), []

    def wait(session: Session) -> None:
        tried.append(session)
        session.execute(text("SELECT count(*) FROM holds"))

    with transaction(idle_world.engine) as holder:
        holder.execute(text("LOCK TABLE holds IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(OperationalError, match="lock timeout"):
            await in_transaction(waiting, wait)
    assert len(tried) == 2
    waiting.dispose()


def test_a_locked_customer_can_be_referred_to(idle_world: World) -> None:
    customer = idle_world.customer(in_netsuite=False)
    with transaction(idle_world.engine) as holder, transaction(idle_world.engine) as session:
        customers.lock(holder, customer)
        session.execute(text("SET LOCAL lock_timeout = '1s'"))
        world_invoice = {"id": f"I-{customer}-2", "customer": customer, "due": datetime.now(UTC).date()}
        session.execute(_REFER, world_invoice)


_REFER = text("""
INSERT INTO invoices (id, customer_id, due_date, amount_open, source_amount, source_currency)
VALUES (:id, :customer, :due, 1, 1, 'USD')
""")


@pytest.mark.pure
def test_customers_are_locked_by_one_function() -> None:
    strong = re.compile(r"Customer\b[^\n]*with_for_update(?!=\{)|FOR UPDATE OF c\b|FROM customers[^\n]*FOR UPDATE")
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for folder in ("db", "services", "activities", "desk")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for line in file.read_text().splitlines()
        if strong.search(line)
    ]
    assert found == []
