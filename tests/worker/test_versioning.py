"""Worker Versioning: with a build id a worker takes work only as the current version of its deployment."""

from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest, SetWorkerDeploymentCurrentVersionRequest
from temporalio.service import RPCError

from tests.holds.helpers import all_done, until, workers
from tests.world import World


async def test_a_hold_goes_on_at_the_version_that_is_current(idle_world: World) -> None:
    world, deployment = idle_world, f"holds-{idle_world.settings.task_queue}"
    service, namespace = world.client.workflow_service, world.client.namespace

    async def make_current(build: str) -> bool:
        wanted = SetWorkerDeploymentCurrentVersionRequest(
            namespace=namespace, deployment_name=deployment, build_id=build, ignore_missing_task_queues=True
        )
        try:
            await service.set_worker_deployment_current_version(wanted)
        except RPCError:
            return False  # its workers have not been heard of yet
        return True

    customer = world.customer()
    world.settings = world.settings.model_copy(update={"worker_deployment": deployment, "worker_build_id": "one"})
    async with workers(world):
        await until(lambda: make_current("one"))
        await world.start(customer)
    world.settings = world.settings.model_copy(update={"worker_build_id": "two"})
    async with workers(world):
        await until(lambda: make_current("two"))
        await world.approve(customer)
        await all_done(world, customer)
    seen = await service.describe_worker_deployment(
        DescribeWorkerDeploymentRequest(namespace=namespace, deployment_name=deployment)
    )
    assert seen.worker_deployment_info.routing_config.current_deployment_version.build_id == "two"
    described = await world.workflow(customer).describe()
    versioning = described.raw_description.workflow_execution_info.versioning_info
    assert versioning.deployment_version.build_id == "two"
