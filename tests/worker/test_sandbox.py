"""What an instance of a workflow loads for itself: its own module, to be watched, and not one pydantic model more."""

import sys
from typing import Any

import pytest
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, _restrictions, _runner
from temporalio.workflow import _Definition

from tests.world import World
from worker import SANDBOX, WORKFLOWS, build_workers, netsuite_client


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.__name__)
async def test_an_instance_loads_its_own_module_alone(workflow: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    instances = []
    create = _runner._Instance._create_instance

    def kept(instance: _runner._Instance) -> None:
        instances.append(instance)
        create(instance)

    monkeypatch.setattr(_runner._Instance, "_create_instance", kept)

    SandboxedWorkflowRunner(restrictions=SANDBOX).prepare_workflow(_Definition.must_from_class(workflow))

    loaded = {
        name
        for name, module in instances[0].importer.new_modules.items()
        if module is not sys.modules.get(name) and not isinstance(module, _restrictions.RestrictedModule)
    }
    assert loaded == {"__main__", "workflows", workflow.__module__}


async def test_the_worker_runs_its_workflows_in_it(idle_world: World) -> None:
    netsuite = netsuite_client(idle_world.settings)
    workers = build_workers(idle_world.client, idle_world.settings, idle_world.engine, netsuite)
    netsuite.close()

    assert workers[0].config()["workflow_runner"].restrictions is SANDBOX
