"""What a newer version stored is read leniently: an unknown key in any stored document stops nobody."""

from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from credit.permissions import Role
from db.engine import transaction, tried_again
from db.freight import eligibility
from db.models.base import Base
from tests.desk.server import DeskServer
from tests.events.conftest import Outside, payment
from tests.holds.helpers import in_force
from tests.owner import as_owner

_KEY = '{"of_a_newer_version": {"deep": [1]}}'


def add_to_every_document(engine: Engine, key: str) -> set[str]:
    """Put a key into each document of each table; the columns that had one. Audit rows are never changed."""
    tables = [table for table in Base.metadata.sorted_tables if table.name != "audit_events"]
    return set().union(*(tried_again(partial(_add, engine, table, key)) for table in tables))


def _add(engine: Engine, table: Table, key: str) -> set[str]:
    found = set()
    with as_owner(engine) as session:
        session.execute(text(f"ALTER TABLE {table.name} DISABLE TRIGGER USER"))
        for name in (column.name for column in table.columns if isinstance(column.type, JSONB)):
            changed = f"UPDATE {table.name} SET {name} = {name} || '{key}'"  # noqa: S608
            done = session.execute(text(f"{changed} WHERE jsonb_typeof({name}) = 'object' RETURNING 1"))
            found |= {f"{table.name}.{name}"} if done.first() else set()
        if table.name == "policies":
            session.execute(text("UPDATE policies SET settings = jsonb_set(settings, '{calendar,newer}', '1')"))
        session.execute(text(f"ALTER TABLE {table.name} ENABLE TRIGGER USER"))
    return found


async def test_an_unknown_key_in_every_stored_document_stops_nobody(outside: Outside, desk: DeskServer) -> None:
    world = outside.world
    held, proposed = world.customer(), world.customer()
    await in_force(world, held)
    await world.start(proposed)
    world.set_policy(remind_after=None)
    paid = payment(held, "100.00")
    await outside.taken("payment", paid, name="e1")
    documents = add_to_every_document(world.engine, _KEY)
    assert {"policies.settings", "proposals.facts", "holds.situation", "inbound_events.payload"} <= documents

    assert (
        await outside.send("payment", paid, name="e1")
    ).status_code == 409  # a value it does not know may say something else
    add_to_every_document(world.engine, '{"of_a_newer_version": null}')
    with transaction(world.engine) as session:
        _, policy = eligibility.read(session, held, datetime.now(UTC))
        assert policy.remind_after is None
    assert (await outside.send("payment", paid, name="e1")).status_code == 200
    await outside.taken("payment", payment(held, "39900.00"), name="e2")
    await world.eventually(lambda: world.show(held)["proposal"]["kind"] == "release")
    await world.approve(held)
    await world.in_status(held, "released")
    await world.approve(proposed)
    await world.in_status(proposed, "in_force")
    admin = desk.client(Role.ADMIN)
    for path in ("/api/holds", f"/api/holds/{held}", "/api/policy", "/api/policy/versions", "/api/report"):
        answer = await admin.get(path)
        assert answer.status_code in (200, 404), f"{path}: {answer.text}"
