"""What can reach a hold: read from its signals, and carried from one run to the next."""

from collections.abc import Iterable

from pydantic import TypeAdapter

from credit.triggers import Trigger
from workflows.contract import (
    CarriedEvent,
    DecideSignal,
    DriftSignal,
    FactsChangedSignal,
    ReleaseSignal,
    RetryBeatSignal,
    TriggerSignal,
)
from workflows.inbox import CancelRequested, Unintelligible

SIGNALS: dict[
    str, type[TriggerSignal | DecideSignal | ReleaseSignal | FactsChangedSignal | DriftSignal | RetryBeatSignal]
] = {
    "trigger": TriggerSignal,
    "decide": DecideSignal,
    "request_release": ReleaseSignal,
    "facts_changed": FactsChangedSignal,
    "netsuite_drift": DriftSignal,
    "retry_beat": RetryBeatSignal,
}
"""The signals of a hold and their payloads."""

Event = Trigger | DecideSignal | ReleaseSignal | FactsChangedSignal | DriftSignal | CancelRequested | Unintelligible

_KINDS: dict[str, type[Event]] = {
    "trigger": Trigger,
    "decide": DecideSignal,
    "request_release": ReleaseSignal,
    "facts_changed": FactsChangedSignal,
    "netsuite_drift": DriftSignal,
    "cancel": CancelRequested,
    "unintelligible": Unintelligible,
}
"""Names that histories carry: they stay."""


def carry(events: Iterable[Event]) -> list[CarriedEvent]:
    """Return events as the next run takes them up, in their order."""
    return [_carried(event) for event in events]


def take_up(carried: Iterable[CarriedEvent]) -> list[Event]:
    """Return the events that the run before carried here."""
    return [TypeAdapter(_KINDS[one.kind]).validate_python(one.content) for one in carried]


def _carried(event: Event) -> CarriedEvent:
    kind, model = next((kind, model) for kind, model in _KINDS.items() if isinstance(event, model))
    return CarriedEvent(kind=kind, content=TypeAdapter(model).dump_python(event, mode="json"))
