"""What the tests of the front and the back office share: customers to block, orders to take."""

from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import Engine

from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from tests.acting import acted
from tests.world import World

LINES = [{"description": "Chicago to Dallas", "quantity": "2", "unit_price": "365.00"}]


def block(engine: Engine, customer: str, *tariffs: str, note: str = "cheque bounced") -> UUID:
    """Block these tariffs of a customer, or all of them; returns the entry."""
    with transaction(engine) as session:
        now, named = datetime.now(UTC), tariffs or None
        return accounting_profiles.add_entry(Act(session, "robin", now), customer, tariffs=named, note=note).id


def lift(engine: Engine, customer: str, entry: UUID) -> None:
    """Delete an entry."""
    acted(engine, "robin", accounting_profiles.end_entry, customer, entry, reason="paid")


def held(world: World) -> str:
    """A customer with all tariffs blocked."""
    customer = world.customer(in_netsuite=False)
    block(world.engine, customer)
    return customer
