"""What can reach a hold: read from its signals, and carried from one run to the next."""

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import BaseModel, TypeAdapter
from temporalio.common import RawValue

from credit.triggers import Trigger
from workflows.contract import (
    CarriedEvent,
    DecideSignal,
    DriftSignal,
    FactsChangedSignal,
    ReleaseSignal,
    RetryBeatSignal,
    TriggerSignal,
    customer_of,
)
from workflows.inbox import CancelRequested, Unintelligible, read

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
_READ_AS: dict[str, type[Event]] = _KINDS | {"trigger": TriggerSignal}
_EXCERPT = 500


class Start(NamedTuple):
    """What a run begins with."""

    customer_id: str
    triggers: list[Trigger]
    carried: list[Event]
    """What the run before had not come to; before it, what of this run's input made no sense."""


class _Loose(BaseModel):
    """A hold's input of which some parts make no sense."""

    customer_id: Any = None
    triggers: list[Any] = []
    inbox: list[Any] = []


def read_start(raw: RawValue, workflow_id: str) -> Start:
    """Return what a run begins with, from its input (a `ServiceHoldInput`) and its workflow id.

    Never raises, and reads what it can: an input that wedged its run would wedge every later proposal of the customer.
    """
    ours = customer_of(workflow_id)
    loose = read("start", [raw], _Loose)
    if isinstance(loose, Unintelligible):
        return Start(ours or "", [], [loose])
    named = loose.customer_id if isinstance(loose.customer_id, str) else ""
    bad: list[Event] = []
    if ours is not None and named != ours:
        bad.append(_unreadable("start", f"the workflow's id says customer {ours}", loose.customer_id))
    begun_with = [_taken_up("trigger", TriggerSignal, one) for one in loose.triggers]
    triggers = [one for one in begun_with if isinstance(one, Trigger)]
    bad += [one for one in begun_with if not isinstance(one, Trigger)]
    return Start(named if ours is None else ours, triggers, bad + [_taken_out(one) for one in loose.inbox])


def _taken_out(carried: Any) -> Event:
    kind = carried.get("kind") if isinstance(carried, dict) else None
    model = _READ_AS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return _unreadable(f"carried {kind}", "unknown kind of event", carried)
    return _taken_up(f"carried {kind}", model, carried.get("content"))


def _taken_up(name: str, model: type[Event], content: Any) -> Event:
    try:
        event: Event = TypeAdapter(model).validate_json(json.dumps(content))
    except ValueError as error:
        return _unreadable(name, str(error), content)
    return event


def _unreadable(name: str, problem: str, content: Any) -> Unintelligible:
    return Unintelligible(name[:_EXCERPT], problem[:_EXCERPT], json.dumps(content, default=str)[:_EXCERPT])


def carry(events: Iterable[Event]) -> list[CarriedEvent]:
    """Return events as the next run takes them up, in their order."""
    return [_carried(event) for event in events]


def _carried(event: Event) -> CarriedEvent:
    kind, model = next((kind, model) for kind, model in _KINDS.items() if isinstance(event, model))
    return CarriedEvent(kind=kind, content=TypeAdapter(model).dump_python(event, mode="json"))
