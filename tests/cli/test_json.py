"""Every command takes `--json` (the contract with programs), and what it prints is one document."""

import io
import json

import pytest

from starter.cli import audit as audit_command
from tests.cli.commands import commands


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_kind_12_every_command_takes_json(name: str, command: object) -> None:
    options = [option for one in command.params for option in one.opts]  # type: ignore[attr-defined]

    assert "--json" in options, f"`hold {name}` prints nothing that a program can read"


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("events", [[], [{"seq": 1, "why": "a\u2028b"}], [{"seq": number} for number in range(50)]])
def test_kind_12_an_export_is_one_document_however_it_comes(size: int, events: list[dict[str, object]]) -> None:
    lines = io.StringIO("".join(f"{json.dumps(event, ensure_ascii=False)}\n" for event in events))
    pieces = iter(lambda: lines.read(size), "")

    assert json.loads("".join(audit_command._one_document(pieces))) == {"events": events}
