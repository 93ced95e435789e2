"""The one way to a Temporal client, and the search attributes the namespace must know."""

from collections.abc import Sequence
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig

from runtime.settings import Settings
from workflows.contract import SEARCH_ATTRIBUTES


class SearchAttributeError(RuntimeError):
    """The namespace has a search attribute of ours under another type: workflows that set it would hang."""


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """Connect to Temporal: `TEMPORAL_…` variables and its own config file first, then `settings`.

    In the embedded stack only `settings` count: a profile of the user's is about another server.

    Raises:
        RuntimeError: Temporal cannot be reached; with `lazy` the first call raises instead.
    """
    config = ClientConnectConfig() if settings.embedded else ClientConfig.load_client_connect_config()
    config.setdefault("target_host", settings.temporal_address)
    config.setdefault("namespace", settings.temporal_namespace)
    return await Client.connect(**config, data_converter=pydantic_data_converter, lazy=lazy)


async def register_search_attributes(
    client: Client, wanted: Sequence[SearchAttributeKey[Any]] = SEARCH_ATTRIBUTES
) -> None:
    """Register what is missing, then compare types: the server accepts a wrong type silently.

    Raises:
        SearchAttributeError: one exists under another type; the text says which and what to do.
    """
    types = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in wanted}
    operator = client.operator_service
    listing = ListSearchAttributesRequest(namespace=client.namespace)
    known = (await operator.list_search_attributes(listing)).custom_attributes
    missing = {name: kind for name, kind in types.items() if name not in known}
    if missing:
        await operator.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
        known = (await operator.list_search_attributes(listing)).custom_attributes
    wrong = [name for name, kind in types.items() if known.get(name) != kind]
    if wrong:
        described = ", ".join(
            f"{name} is {IndexedValueType.Name(known[name])}, wanted {IndexedValueType.Name(types[name])}"
            if name in known
            else f"{name} could not be registered"
            for name in wrong
        )
        msg = (
            f"search attributes of namespace {client.namespace!r} do not fit: {described}. Rename or remove them with "
            "`temporal operator search-attribute`, then start the worker again"
        )
        raise SearchAttributeError(msg)
