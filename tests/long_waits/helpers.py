"""What the tests of long waits share."""

from temporalio.api.sdk.v1 import WorkflowMetadata

from db.models import Proposal
from tests.holds.helpers import proposals_of
from tests.world import World


def proposal_of(world: World, customer: str) -> Proposal:
    """A customer's newest proposal."""
    return proposals_of(world, customer)[-1]


async def details(world: World, customer: str) -> str:
    """The current details, as the Web UI asks for them."""
    metadata = await world.workflow(customer).query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(metadata.current_details)


def untouched(world: World, customer: str) -> bool:
    """Whether nothing at all has happened to the customer: no flag, no draft, no word to NetSuite."""
    active = world.customer_row(customer).entitystatus == "active"
    return active and not world.show(customer)["messages"] and not world.sandbox.ledger(customer)
