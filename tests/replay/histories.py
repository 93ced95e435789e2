"""The committed histories: where they are, how they are cleaned, and the replayer that reads them.

To record them again after a wanted change of the workflows, then look at the difference and commit it:

    RECORD_HISTORIES=1 uv run pytest tests/replay tests/long_histories/test_replay.py
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import SandboxImportNotificationPolicy

from worker import SANDBOX, WORKFLOWS

FOLDER = Path(__file__).with_name("histories")
IDENTITY = "recorder"
RECORDING = bool(os.environ.get("RECORD_HISTORIES"))

_STRICT = SANDBOX.with_import_notification_policy(
    SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
    | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
)


def replayer() -> Replayer:
    """As the worker, with a sandbox that also refuses imports it was not told of."""
    return Replayer(
        workflows=WORKFLOWS,
        data_converter=pydantic_data_converter,
        workflow_runner=SandboxedWorkflowRunner(restrictions=_STRICT),
    )


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.json"


def load(name: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(name, file_of(name).read_text())


def save(name: str, history: WorkflowHistory) -> None:
    """Write a history without what only says on which machine it was made."""
    document = history.to_json_dict()
    for holder in _objects(document):
        holder.pop("stackTrace", None)
    FOLDER.mkdir(exist_ok=True)
    file_of(name).write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def identities(document: Any) -> set[str]:
    """Everybody who is named as having done something."""
    return {holder["identity"] for holder in _objects(document) if "identity" in holder}


def readable(document: Any) -> str:
    """The whole history as text, payloads decoded."""
    payloads = [
        base64.b64decode(holder["data"]).decode(errors="replace") for holder in _objects(document) if "data" in holder
    ]
    return "\n".join([json.dumps(document), *payloads])


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(inner)
