from collections.abc import Callable
from datetime import timedelta

import pytest

from credit.permissions import Role
from tests.desk.pages.reader import Reader
from tests.desk.server import DeskServer
from tests.holds.helpers import in_force
from tests.world import World

Sit = Callable[..., Reader]


@pytest.fixture
def sit(desk: DeskServer) -> Sit:
    """Somebody of this role, in front of the desk."""
    return lambda role=Role.APPROVER, name="": Reader.of(desk, role, name)


@pytest.fixture
async def notice(world: World) -> str:
    """The address of a customer's notice under review, which waits an hour once it is approved."""
    world.set_policy(notice_cooling_off=timedelta(hours=1))
    customer = world.customer()
    await in_force(world, customer)
    [found] = [one for one in world.show(customer)["messages"] if one["kind"] == "customer_notice"]
    return f"/messages/{found['id']}"
