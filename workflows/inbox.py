"""What can reach a workflow by signal, read without ever raising.

The SDK drops a signal it cannot decode, and an error in a handler wedges the workflow (design 3.3). So every signal
comes in raw through one dynamic handler, and what makes no sense becomes an `Unintelligible` to be audited.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from temporalio import workflow
from temporalio.common import RawValue

_EXCERPT = 500

Message = TypeVar("Message", bound=BaseModel)


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
    content = "; ".join(value.payload.data[:_EXCERPT].decode(errors="replace") for value in values)[:_EXCERPT]
    model = known.get(name)
    if model is None:
        return Unintelligible(name, f"unknown signal; known are {', '.join(sorted(known))}", content)
    if len(values) != 1:
        return Unintelligible(name, f"{len(values)} payloads, one is wanted", content)
    try:
        message: Message = workflow.payload_converter().from_payload(values[0].payload, model)
    except Exception as error:  # noqa: BLE001 (whatever a converter raises: nothing may escape a handler)
        return Unintelligible(name, _problem(error)[:_EXCERPT], content)
    if not isinstance(message, model):
        return Unintelligible(name, "the payload is null", content)  # no model is asked to read this one
    return message


def _problem(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'payload'}: {one['msg']}" for one in error.errors())
