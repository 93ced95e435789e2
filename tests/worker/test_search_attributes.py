"""A worker whose credential is no operator's: it starts where the attributes are there, else says who must do what."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey

from runtime.temporal import SearchAttributeError, check_search_attributes, register_search_attributes
from starter.stack.doctor import Check, diagnose
from tests.conftest import free_port
from tests.holds.helpers import until
from tests.holds.test_killed_worker import worker_process
from tests.world import World
from workflows.contract import SEARCH_ATTRIBUTES

Forward = Callable[[bytes, Any], Awaitable[bytes]]


class NoOperators(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Passes on every call but an operator's, as an authorizer in front of Temporal does."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(self._forward(details.method))

    def _forward(self, method: str) -> Forward:
        async def forward(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
            if "OperatorService" in method:
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "Request unauthorized.")
            try:
                answer: bytes = await self._channel.unary_unary(method)(
                    request, timeout=context.time_remaining(), metadata=context.invocation_metadata()
                )
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
                raise
            return answer

        return forward


@pytest.fixture
async def guarded(idle_world: World) -> AsyncIterator[World]:
    """A world whose Temporal takes no operator's call."""
    port, server = free_port(), grpc.aio.server()
    async with grpc.aio.insecure_channel(idle_world.settings.temporal_address) as channel:
        server.add_generic_rpc_handlers((NoOperators(channel),))
        server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        idle_world.settings.temporal_address = f"127.0.0.1:{port}"
        yield idle_world
        await server.stop(None)


async def test_worker_that_may_neither_list_nor_add_them_works_where_they_are_there(guarded: World) -> None:
    customer = guarded.customer()
    async with worker_process(guarded):
        await guarded.start(customer)
    log = (guarded.settings.data_dir / "worker.log").read_text()
    assert log.count("the types of search attributes are taken on trust") == 1


async def test_what_is_missing_is_named_with_the_line_that_adds_it(guarded: World) -> None:
    there = await Client.connect(guarded.settings.temporal_address)
    wanted = [*SEARCH_ATTRIBUTES, SearchAttributeKey.for_keyword_list("HoldNobodyAdded")]
    with pytest.raises(SearchAttributeError) as refused:
        await register_search_attributes(there, wanted)
    told = str(refused.value)
    assert "no search attribute HoldNobodyAdded, and this credential may not add any" in told
    assert "tcld namespace search-attributes add --namespace default --search-attribute" in told

    command = next(line for line in told.splitlines() if "temporal operator" in line).split()
    assert command[-4:] == ["--name", "HoldNobodyAdded", "--type", "KeywordList"]
    operator = [sys.executable, "-m", "starter.stack.temporal_cli"]
    program = subprocess.run(operator, check=True, capture_output=True, text=True).stdout.strip()  # noqa: ASYNC221
    address = guarded.client.service_client.config.target_host
    subprocess.run([program, *command[1:], "--address", address], check=True)  # noqa: ASYNC221

    async def is_there() -> bool:
        try:
            await check_search_attributes(there, wanted)
        except SearchAttributeError:
            return False  # not known everywhere yet
        return True

    await until(is_there)


async def test_doctor_says_the_same(guarded: World) -> None:
    async def found() -> Check:
        checks = await asyncio.to_thread(diagnose, guarded.settings)
        return next(check for check in checks if check.name == "search-attributes")

    assert (await found()).ok

    bare = RegisterNamespaceRequest(namespace="bare")
    bare.workflow_execution_retention_period.FromTimedelta(timedelta(days=1))
    await guarded.client.workflow_service.register_namespace(bare)
    guarded.settings.temporal_namespace = "bare"

    async def known() -> bool:
        return "bare" in str((await found()).problem)  # and not: no such namespace

    await until(known)
    assert "temporal operator search-attribute create --namespace bare --name HoldStatus" in str((await found()).remedy)
