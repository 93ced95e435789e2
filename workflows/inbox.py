"""What can reach a workflow, as a signal or as its input, read without ever raising.

The SDK drops a signal it cannot decode, an error in a handler wedges the workflow, and so does an input it cannot
decode (docs/decisions/0006). So every signal comes in raw through one dynamic handler, inputs come in raw too, and what
makes no sense becomes an `Unintelligible` to be audited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

_EXCERPT = 500

Message = TypeVar("Message", bound=BaseModel)

NO_INPUT = RawValue(Payload())
"""The input of a workflow that was started without one: no model can be read from it."""


@dataclass(frozen=True)
class Unintelligible:
    """A signal that meant nothing."""

    signal: str
    problem: str
    content: str


@dataclass(frozen=True)
class CancelRequested:
    """Somebody asked Temporal to cancel the workflow."""

    reason: str = ""


def read_signal(name: str, values: Sequence[RawValue], known: Mapping[str, type[Message]]) -> Message | Unintelligible:
    """Return the message that a signal of this name carries. `known` maps the names to their payloads' models."""
    model = known.get(name)
    if model is None:
        return Unintelligible(name, f"unknown signal; known are {', '.join(sorted(known))}", _excerpt(values))
    return read(name, values, model)


def read(name: str, values: Sequence[RawValue], model: type[Message]) -> Message | Unintelligible:
    """Return the message that these payloads are, or what is wrong with them under the name they came by."""
    if len(values) != 1:
        return Unintelligible(name, f"{len(values)} payloads, one is wanted", _excerpt(values))
    try:
        message: Message = workflow.payload_converter().from_payload(values[0].payload, model)
    except Exception as error:  # noqa: BLE001 (whatever a converter raises: nothing may escape a handler)
        return Unintelligible(name, _problem(error)[:_EXCERPT], _excerpt(values))
    if not isinstance(message, model):
        return Unintelligible(name, "the payload is null", _excerpt(values))  # no model is asked to read this one
    return message


def _excerpt(values: Sequence[RawValue]) -> str:
    return "; ".join(value.payload.data[:_EXCERPT].decode(errors="replace") for value in values)[:_EXCERPT]


def _problem(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'payload'}: {one['msg']}" for one in error.errors())
