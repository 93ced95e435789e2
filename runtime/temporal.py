"""The one way to a Temporal client, and the search attributes the namespace must know."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.service import RPCError, RPCStatusCode

from runtime.settings import Settings
from workflows.contract import SEARCH_ATTRIBUTES

_log = structlog.get_logger(__name__)

Key = SearchAttributeKey[Any]

_NOT_ALLOWED = {RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED}
"""What who is no operator is answered."""
_UNSEEN = IndexedValueType.INDEXED_VALUE_TYPE_UNSPECIFIED


class SearchAttributeError(RuntimeError):
    """The namespace lacks a search attribute, or has it under another type: workflows that set it would hang."""


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


async def register_search_attributes(client: Client, wanted: Sequence[Key] = SEARCH_ATTRIBUTES) -> None:
    """Register what is missing, where the credential may, and check the rest.

    Raises:
        SearchAttributeError: as `check_search_attributes`.
    """
    known = await _known(client, wanted)
    missing = {key.name: _type(key) for key in wanted if key.name not in known}
    if missing:
        order = AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        try:
            await client.operator_service.add_search_attributes(order)
        except RPCError as error:
            if error.status not in _NOT_ALLOWED:
                raise
        known = await _known(client, wanted)
    _compare(known, wanted, client.namespace)


async def check_search_attributes(client: Client, wanted: Sequence[Key] = SEARCH_ATTRIBUTES) -> None:
    """See that the namespace has each one, under our type: the server accepts a value of a wrong type silently.

    A credential that may not see types is enough: they are taken on trust then.

    Raises:
        SearchAttributeError: the namespace has not; the text says which, and what to do.
    """
    _compare(await _known(client, wanted), wanted, client.namespace)


def _compare(known: Mapping[str, IndexedValueType.ValueType], wanted: Sequence[Key], namespace: str) -> None:
    missing = [key for key in wanted if key.name not in known]
    if missing:
        raise SearchAttributeError(_how_to_add(namespace, missing))
    wrong = [key for key in wanted if known[key.name] not in (_type(key), _UNSEEN)]
    if wrong:
        described = ", ".join(f"{key.name} is {_name(known[key.name])}, wanted {_name(_type(key))}" for key in wrong)
        raise SearchAttributeError(
            f"search attributes of namespace {namespace!r} do not fit: {described}. Rename or remove them with "
            "`temporal operator search-attribute`, then start the worker again"
        )


async def _known(client: Client, wanted: Sequence[Key]) -> Mapping[str, IndexedValueType.ValueType]:
    """Return the types of the namespace's attributes; of those wanted, and unseen, where only operators may look."""
    listing = ListSearchAttributesRequest(namespace=client.namespace)
    try:
        return (await client.operator_service.list_search_attributes(listing)).custom_attributes
    except RPCError as error:
        if error.status not in _NOT_ALLOWED:
            raise
        _log.warning("the types of search attributes are taken on trust", why=error.message)
        return {key.name: _UNSEEN for key in wanted if await _can_be_queried(client, key)}


async def _can_be_queried(client: Client, key: Key) -> bool:
    """Tell by a query, which needs no operator: one that names an attribute nobody registered is refused."""
    try:
        await client.count_workflows(f"{key.name} IS NOT NULL")
    except RPCError as error:
        if error.status is RPCStatusCode.INVALID_ARGUMENT:
            return False
        raise
    return True


def _how_to_add(namespace: str, keys: Sequence[Key]) -> str:
    types = {key.name: _name(_type(key)) for key in keys}
    here = " ".join(f"--name {name} --type {kind}" for name, kind in types.items())
    cloud = " ".join(f'--search-attribute "{name}={kind}"' for name, kind in types.items())
    return (
        f"namespace {namespace!r} has no search attribute {', '.join(types)}, and this credential may not add any. "
        "Have them added, then start the worker again:\n"
        f"  temporal operator search-attribute create --namespace {namespace} {here}\n"
        "or, in Temporal Cloud:\n"
        f"  tcld namespace search-attributes add --namespace {namespace} {cloud}"
    )


def _type(key: Key) -> IndexedValueType.ValueType:
    return IndexedValueType.ValueType(key.indexed_value_type)


def _name(kind: IndexedValueType.ValueType) -> str:
    """Return a type's name as Temporal's commands take it, such as `KeywordList`."""
    words = IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_")
    return words.title().replace("_", "")
