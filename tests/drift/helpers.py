"""What the drift tests share."""

from typing import Any

from db.engine import transaction
from services.netsuite.answers import Differences
from services.netsuite.drift import DriftOperations
from tests.holds.helpers import all_done, rows
from tests.world import World
from workflows.contract import DriftReport


def operations(world: World) -> DriftOperations:
    return DriftOperations(world.engine, world.client, world.settings.task_queue)


async def check(world: World) -> DriftReport:
    return await operations(world).check(actor="olga")


def says(world: World, customer: str, value: str, **more: Any) -> None:
    """Let somebody set NetSuite's value by hand."""
    world.sandbox.seed([{"id": f"N-{customer}", "creditHoldOverride": value, **more}]).raise_for_status()


def written(world: World, customer: str) -> list[str]:
    return [row["body"]["creditHoldOverride"]["id"] for row in world.sandbox.applied(customer)]


def listed(world: World, customer: str) -> list[dict[str, Any]]:
    """The differences of one customer; the sandbox is shared with other tests."""
    with transaction(world.engine) as session:
        return [row for row in Differences.of(session).document()["drift"] if row["netsuite_id"] == f"N-{customer}"]


async def asked(world: World, customer: str) -> dict[str, Any]:
    """Wait for the repair proposal; returns it."""

    def proposed() -> Any:
        proposal = world.show(customer)["proposal"]
        return proposal if (proposal["kind"], proposal["status"]) == ("repair", "open") else None

    found: dict[str, Any] = await world.eventually(proposed)
    return found


async def released(world: World, customer: str) -> Any:
    await world.operations.request_release(customer, reason="they paid", actor="robin")
    await world.approve(customer)
    return await world.shown_in_status(customer, "released")


__all__ = ["all_done", "asked", "check", "listed", "operations", "released", "rows", "says", "written"]
