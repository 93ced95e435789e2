"""A run that carries its inbox into a fresh history replays, as committed and as it runs today."""

from temporalio.client import Client, WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.holds.helpers import send, trigger, workers
from tests.long_histories.test_continue_as_new import runs_of
from tests.replay import histories
from tests.world import World
from workflows.contract import CarriedEvent, ServiceHoldInput, service_hold_id

_NAME = "carried_inbox"


async def test_run_that_carries_its_inbox_replays(idle_world: World) -> None:
    client = await Client.connect(
        idle_world.settings.temporal_address, data_converter=pydantic_data_converter, identity=histories.IDENTITY
    )
    world = World(idle_world.settings, idle_world.engine, client, idle_world.sandbox)
    customer = world.customer()
    async with workers(world):
        await world.start(customer)
    sent = [trigger(reason=f"evidence {number}") for number in range(60)]
    first = (await world.workflow(customer).describe()).run_id
    for one in sent:
        await send(world, customer, one)
    await world.workflow(customer).signal("nonsense", 1)
    async with workers(world):
        await world.eventually(lambda: len(world.show(customer)["evidence"]) == len(sent) + 1)

    history = await client.get_workflow_handle(service_hold_id(customer), run_id=first).fetch_history()
    if histories.RECORDING:
        histories.save(_NAME, history)
    await histories.replayer().replay_workflow(history)

    carried = await carried_by(history)
    assert await runs_of(world, customer) > 1
    assert [one.kind for one in carried] == ["trigger"] * (len(carried) - 1) + ["unintelligible"]
    ids = [one.content["id"] for one in carried[:-1]]
    assert ids == [one.id for one in sent[-len(ids) :]]


async def carried_by(history: WorkflowHistory) -> list[CarriedEvent]:
    """What the run left to the next one."""
    last = history.events[-1].workflow_execution_continued_as_new_event_attributes
    [start] = await pydantic_data_converter.decode(list(last.input.payloads), [ServiceHoldInput])
    return list(start.inbox)
