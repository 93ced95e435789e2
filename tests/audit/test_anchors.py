"""The anchor file: appended to once for what grew, whoever appends and however often it is cut off."""

import json
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from temporalio.client import WorkflowHandle

from db import anchor_file, audit
from db.anchor_file import AnchorFile, _Line
from db.engine import transaction
from runtime.settings import Settings
from services import audit_trail, schedules
from tests.audit.helpers import NOW, anchor, deed, faults, fill, tampering
from tests.holds.helpers import events, until
from tests.owner import as_owner
from tests.world import World
from workflows.contract import AUDIT_ANCHOR, AuditAnchorReport


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kept elsewhere" / "anchors.jsonl"


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def verify(engine: Engine, file: Path) -> audit_trail.Verified:
    """As a desk does whose setting names the file."""
    return audit_trail.verify(engine, Settings(audit_anchor_file=file))


def problem(file: Path) -> str | None:
    reading = AnchorFile(file).read()
    assert sum(1 for _ in reading) >= 0
    return reading.problem


def test_a_line_for_what_grew_and_none_for_nothing_new(engine: Engine, file: Path) -> None:
    fill(engine, "a", 2)
    fill(engine, "b", 3)
    first = anchor(engine, file)
    fill(engine, "b", 1)
    second = anchor(engine, file)
    again = anchor(engine, file, second)

    one, two = lines(file)
    raw = file.read_bytes().splitlines()
    assert [head[:2] for head in one["heads"]] == [["a", 2], ["b", 3]]
    assert [head[:2] for head in two["heads"]] == [["b", 4]]
    assert (one["previous"], two["previous"]) == ("", sha256(raw[0]).hexdigest())
    assert (one["total_rows"], two["total_rows"]) == (5, 6)
    assert (first.lines, first.heads, second.lines, second.heads) == (1, 2, 2, 1)
    assert second.digest == sha256(raw[1]).hexdigest()
    assert again == second.model_copy(update={"heads": 0})
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_attempt_whose_answer_was_lost_is_repeated_without_a_second_line(engine: Engine, file: Path) -> None:
    fill(engine, "a")
    before = anchor(engine, file)
    fill(engine, "a")
    lost = anchor(engine, file, before)

    repeated = anchor(engine, file, before)

    assert len(lines(file)) == 2
    assert (repeated.lines, repeated.digest, repeated.problem) == (lost.lines, lost.digest, "")


def test_many_anchorers_at_once_write_each_head_once(engine: Engine, file: Path) -> None:
    start = threading.Barrier(6)
    fill(engine, "a")

    def race(number: int) -> None:
        start.wait()
        for _ in range(3):
            fill(engine, f"chain {number}", 2)
            anchor(engine, file)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(race, range(6)))

    heads = [tuple(head) for line in lines(file) for head in line["heads"]]
    assert len(heads) == len(set(heads))
    assert problem(file) is None
    assert faults(engine, file) == []


def test_many_heads_take_several_lines(engine: Engine, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchor_file, "_HEADS_A_LINE", 2)
    for number in range(5):
        fill(engine, f"chain {number}", 1)

    report = anchor(engine, file)

    assert [len(line["heads"]) for line in lines(file)] == [2, 2, 1]
    assert (report.lines, report.heads) == (3, 5)
    assert problem(file) is None


@pytest.mark.parametrize("kept", [1, 40, -2, -1])
def test_a_line_that_a_crash_tore_is_made_up_for(engine: Engine, file: Path, kept: int) -> None:
    fill(engine, "a")
    anchor(engine, file)
    fill(engine, "b")
    anchor(engine, file)
    whole = file.read_bytes()
    start = whole.index(b"\n") + 1
    file.write_bytes(whole[:start] + whole[start:][:kept])

    assert problem(file) is None
    anchor(engine, file)
    fill(engine, "c")
    report = anchor(engine, file)

    assert report.problem == ""
    assert problem(file) is None
    with tampering(engine) as session:
        session.execute(text("DELETE FROM audit_events WHERE chain IN ('b', 'c')"))
    assert faults(engine, file) == [("b", 1, "deleted"), ("c", 1, "deleted")]


def edited(content: list[bytes]) -> list[bytes]:
    return [content[0], content[1].replace(b'"total_rows":6', b'"total_rows":5'), *content[2:]]


def made_unreadable(content: list[bytes]) -> list[bytes]:
    return [content[0], content[1][:-5], *content[2:]]


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (edited, "line 3 does not follow line 2"),
        (made_unreadable, "line 2 cannot be read"),
        (lambda content: [content[0], *content[2:]], "line 2 does not follow line 1"),
        (lambda content: content[1:], "line 1 does not follow line 0"),
        (lambda content: [content[0], content[2], content[1], content[3]], "line 2 does not follow line 1"),
        (lambda content: [*content, b"{}"], "line 5 cannot be read"),
        (lambda content: [*content, b""], "line 5 cannot be read"),
    ],
)
def test_an_edited_file_is_found(
    engine: Engine, file: Path, deed: Callable[[list[bytes]], list[bytes]], said: str
) -> None:
    for chain in ("a", "b", "c", "d"):
        fill(engine, chain, 3)
        anchor(engine, file)
    content = deed(file.read_bytes().splitlines())
    file.write_bytes(b"".join(line + b"\n" for line in content))

    found = verify(engine, file)

    assert not found.intact
    assert said in str(found.anchors.problem)
    assert said in anchor(engine, file).problem


@pytest.mark.parametrize("cut", [lambda whole: whole[: whole.index(b"\n") + 1], lambda _: b""])
def test_a_shortened_file_is_found_by_what_temporal_remembers(
    engine: Engine, file: Path, cut: Callable[[bytes], bytes]
) -> None:
    fill(engine, "a")
    anchor(engine, file)
    fill(engine, "a")
    known = anchor(engine, file)
    file.write_bytes(cut(file.read_bytes()))

    assert problem(file) is None  # by itself the file cannot show it
    report = anchor(engine, file, known)

    assert "cut off" in report.problem
    assert anchor(engine, file, report).problem == ""
    newest = audit_events(engine, "anchor_file_changed")
    assert [(one["before"]["lines"], one["after"]["lines"]) for one in newest] == [(2, report.lines)]


def audit_events(engine: Engine, action: str) -> list[dict[str, Any]]:
    with transaction(engine) as session:
        return [one.detail for one in audit.search(session, chain=audit.SYSTEM, action=action)]


def test_without_anchors_and_without_a_readable_file_it_says_so(engine: Engine, file: Path) -> None:
    fill(engine, "a")
    found = verify(engine, file)
    assert (found.intact, found.rows) == (True, 5)
    assert "Nothing is anchored yet" in found.note

    file.mkdir(parents=True)
    found = verify(engine, file)
    assert not found.intact
    assert "cannot be read" in str(found.anchors.problem)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])


def torn(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def begun_anew(file: Path) -> None:
    """As the next anchor does where there is no file."""
    file.write_text(_Line(at=NOW, previous="", heads=[], total_rows=0).model_dump_json() + "\n")


def made_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (Path.unlink, "is gone"),
        (lambda file: shutil.rmtree(file.parent), "is gone"),
        (lambda file: file.write_bytes(b""), "was cut off: it has 0 lines of 2"),
        (cut_short, "was cut off: it has 1 line of 2"),
        (torn, "was cut off: it has 1 line of 2"),
        (begun_anew, "is another one than was written"),
        (made_a_folder, "cannot be read"),
    ],
)
def test_what_was_anchored_once_must_still_be_there(
    engine: Engine, file: Path, deed: Callable[[Path], object], said: str
) -> None:
    for chain in ("a", "b"):
        fill(engine, chain)
        anchor(engine, file)
    assert verify(engine, file).intact
    deed(file)

    found = verify(engine, file)

    assert (found.intact, found.bad_chains, found.anchors.recorded) == (False, 0, 2)
    assert said in str(found.anchors.problem)
    assert "The database knows of 2 anchors there" in str(found.anchors.problem)
    assert "DELETE FROM audit_anchors" in str(found.anchors.problem)


@pytest.mark.parametrize("deed", [Path.unlink, cut_short])
def test_a_new_anchor_makes_up_for_no_lost_one_until_the_owner_begins_anew(
    engine: Engine, file: Path, deed: Callable[[Path], object]
) -> None:
    for chain in ("a", "b"):
        fill(engine, chain)
        anchor(engine, file)
    deed(file)
    anchor(engine, file)
    assert not verify(engine, file).intact
    with pytest.raises(ProgrammingError, match="permission denied"), transaction(engine) as session:
        session.execute(text("DELETE FROM audit_anchors"))

    with as_owner(engine) as session:
        session.execute(text("DELETE FROM audit_anchors"))

    assert verify(engine, file).intact
    anchor(engine, file)
    assert verify(engine, file).anchors.recorded == 1


def test_a_file_put_back_from_its_copy_is_as_good_as_before(engine: Engine, file: Path) -> None:
    fill(engine, "a")
    anchor(engine, file)
    whole = file.read_bytes()
    file.unlink()
    assert not verify(engine, file).intact
    file.write_bytes(whole)
    assert verify(engine, file).intact


def test_a_desk_that_does_not_know_the_file_does_not_take_it_for_gone(
    engine: Engine, file: Path, tmp_path: Path
) -> None:
    desk = Settings(data_dir=tmp_path)
    fill(engine, "a")
    assert "Nothing is anchored yet" in audit_trail.verify(engine, desk).note
    anchor(engine, file)

    found = audit_trail.verify(engine, desk)

    assert (found.intact, found.anchors.problem, found.anchors.recorded, found.anchors.heads) == (True, None, 1, 0)
    assert "cannot be checked here" in found.note
    desk.anchor_file.write_bytes(b"")
    assert "was cut off" in str(audit_trail.verify(engine, desk).anchors.problem)


def test_an_anchor_that_the_database_missed_is_remembered_with_the_next(engine: Engine, file: Path) -> None:
    """It was written by a version that did not remember, or by an attempt that broke off."""
    fill(engine, "a")
    anchor(engine, file)
    with as_owner(engine) as session:
        session.execute(text("DELETE FROM audit_anchors"))
    anchor(engine, file)
    file.unlink()
    assert "is gone" in str(verify(engine, file).anchors.problem)


def test_an_anchor_that_names_what_the_database_cannot_hold_is_no_anchor(engine: Engine, file: Path) -> None:
    fill(engine, "a")
    anchor(engine, file)
    previous = sha256(file.read_bytes().rstrip(b"\n")).hexdigest()
    odd = {"at": NOW.isoformat(), "previous": previous, "heads": [["a", 10**30, "x"]], "total_rows": 1}
    with file.open("a") as output:
        output.write(json.dumps(odd) + "\n")

    assert "line 2 cannot be read" in str(verify(engine, file).anchors.problem)


def test_rows_committed_late_are_anchored_with_the_next_one(engine: Engine, file: Path) -> None:
    """A row may get its id long before others and be seen after them."""
    with transaction(engine) as session:
        audit.append(session, chain="slow", entry=deed(), actor="mike", at=NOW)
        fill(engine, "quick", 1)
        assert anchor(engine, file).heads == 1
    assert anchor(engine, file).heads == 1
    assert [head[0] for line in lines(file) for head in line["heads"]] == ["quick", "slow"]


async def run(world: World, name: str) -> WorkflowHandle[Any, AuditAnchorReport]:
    handle = await world.client.start_workflow(AUDIT_ANCHOR, id=name, task_queue=world.settings.task_queue)
    await handle.result()
    return handle


async def test_the_workflow_shows_where_the_file_stands(world: World) -> None:
    fill(world.engine, "a")

    handle = await run(world, f"audit-anchor-{os.getpid()}-{world.settings.task_queue}")

    report = AuditAnchorReport.model_validate(await handle.result())
    last = world.settings.anchor_file.read_bytes().splitlines()[-1]
    assert report.digest == sha256(last).hexdigest()
    metadata = await handle.query("__temporal_workflow_metadata")
    assert report.digest in str(metadata)


async def test_the_schedule_hands_each_run_what_the_last_one_said(world: World) -> None:
    """So that a file cut off between two runs is found."""
    name = f"audit-anchor-{world.settings.task_queue}"
    world.settings.audit_anchor_minutes = 1000
    schedule = schedules.anchoring(world.settings)
    schedule.action.id = name  # type: ignore[union-attr]
    handle = await world.client.create_schedule(name, schedule)
    try:
        for number in range(2):
            fill(world.engine, f"chain {number}")
            await handle.trigger()
            await world.eventually(lambda want=number + 1: len(lines_if_any(world.settings.anchor_file)) == want)
            await finished(world, name, number + 1)
        world.settings.anchor_file.write_bytes(b"")
        await handle.trigger()

        found = await world.eventually(lambda: events(world, audit.SYSTEM, "anchor_file_changed"))
        assert found[0].detail["before"]["lines"] == 2
    finally:
        await handle.delete()


async def finished(world: World, schedule: str, runs: int) -> None:
    async def ended() -> bool:
        info = (await world.client.get_schedule_handle(schedule).describe()).info
        return info.num_actions == runs and not info.running_actions

    await until(ended)


def lines_if_any(file: Path) -> list[dict[str, Any]]:
    return lines(file) if file.exists() else []
