"""Every kind of audit entry: what is stored of it is what it always was, and people read a sentence of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from credit import audit_entries
from db import audit
from db.engine import transaction
from desk.pages.holds.timeline import told
from tests.audit.helpers import NOW, deed

EXAMPLES = [json.loads(line) for line in Path(__file__).with_name("entries.jsonl").read_text().splitlines()]
"""Rows as running systems wrote them, with the sentence that people read: {action, detail, sentence}."""

ODD: list[Any] = [
    {},
    [],
    None,
    "text",
    {"why": {"a": 1}, "on_behalf_of": {"b": 2}, "before": 1, "after": [1]},
    {"kind": "letter", "beat": "dance", "beats": ["dance"], "revision": {"revision": 1}, "on_behalf_of": [{"a": 1}]},
]


def test_there_is_an_example_of_every_kind() -> None:
    assert {example["action"] for example in EXAMPLES} == audit_entries.KINDS.keys()


def test_each_is_stored_as_it_always_was_and_told_in_words(engine: Engine) -> None:
    entries = [audit_entries.KINDS[example["action"]].read(example["detail"]) for example in EXAMPLES]
    with transaction(engine) as session:
        for entry in entries:
            audit.append(session, chain="a", entry=entry, actor="mike", at=NOW)
    with transaction(engine) as session:
        rows = audit.chain_of(session, "a")
        lines = told(rows)[::-1]

    read = [{"action": row.action, "detail": row.detail} for row in rows]
    assert [one | {"sentence": line.what} for one, line in zip(read, lines, strict=True)] == EXAMPLES
    assert [line.what for line in lines if set("{}[]<>") & set(line.what) or "None" in line.what] == []


@pytest.mark.parametrize("detail", ODD, ids=str)
def test_what_another_version_wrote_is_told_too(detail: Any) -> None:
    for action, kind in audit_entries.KINDS.items():
        assert audit_entries.read(action, detail) == (kind.what, "", [])
    assert audit_entries.read("thing_of_tomorrow", detail) == ("thing of tomorrow", "", [])


def test_what_a_newer_version_adds_takes_nothing_away() -> None:
    read = audit_entries.read("proposal_approved_first", {"revision": 3, "why": "paid", "weather": {"wind": "no"}})
    assert read == ("approved revision 3 as the first of two people", "paid", [])


def test_who_was_stood_in_for_and_why_are_told(engine: Engine) -> None:
    with transaction(engine) as session:
        entry = deed("proposal_approved_first", revision=1, why="agreed", on_behalf_of=["anna", "otto"])
        audit.append(session, chain="a", entry=entry, actor="mike", at=NOW)
        audit.append(session, chain="a", entry=deed("beat_failed", error="no answer"), actor="service-holds", at=NOW)
        failed, approved = told(audit.chain_of(session, "a"))
    assert (failed.who, failed.what, failed.why) == ("", "could not finish a beat", "no answer")
    assert (approved.who, approved.why) == ("mike for anna, otto", "agreed")
