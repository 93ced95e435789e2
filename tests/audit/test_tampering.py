"""Whatever the database's owner does to the rows, the first row that is not as it was written is named."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine, delete, literal_column, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from db import audit
from db.engine import transaction
from db.models import AuditEvent
from tests.audit.helpers import NOW, anchor, deed, faults, fill, rehash, tampering, verified
from tests.owner import as_owner

Deed = Callable[[Session], object]


_INSERT = """
INSERT INTO audit_events (chain, seq, at, actor, action, detail, prev_hash, hash)
SELECT chain, :seq, at, actor, action, detail, prev_hash, hash FROM audit_events WHERE chain = 'b' AND seq = :of
"""


def sql(statement: str) -> Deed:
    return lambda session: session.execute(text(statement))


def changed(at_seq: int = 3, /, **columns: str) -> Deed:
    """Give columns of a row of chain `b` new values, as SQL."""
    values = {name: literal_column(value) for name, value in columns.items()}
    row = update(AuditEvent).where(AuditEvent.chain == "b", AuditEvent.seq == at_seq).values(values)
    return lambda session: session.execute(row, execution_options={"synchronize_session": False})


def removed(*seqs: int) -> Deed:
    rows = delete(AuditEvent).where(AuditEvent.chain == "b", AuditEvent.seq.in_(seqs))
    return lambda session: session.execute(rows, execution_options={"synchronize_session": False})


def renumbered(session: Session) -> None:
    """Take row 3 out and close the gap."""
    removed(3)(session)
    for seq in (4, 5):
        changed(seq, seq="seq - 1")(session)


def swapped(session: Session) -> None:
    for before, after in ((2, 99), (3, 2), (99, 3)):
        changed(before, seq=str(after))(session)


def rehashed_alone(session: Session) -> None:
    """Alter row 3 and give it, only it, a fitting hash."""
    changed(actor="'eve'")(session)
    rehash(session, "b", start=3, end=3)


def put_in_front(session: Session) -> None:
    session.execute(text(_INSERT), {"seq": 0, "of": 1})


def doubled(session: Session) -> None:
    session.execute(text("ALTER TABLE audit_events DROP CONSTRAINT uq_audit_events_chain_seq"))
    session.execute(text(_INSERT), {"seq": 2, "of": 2})


@pytest.mark.parametrize(
    ("deed", "found"),
    [
        (changed(detail="""detail || '{"why": "x"}'"""), ("b", 3, "altered")),
        (changed(actor="'eve'"), ("b", 3, "altered")),
        (changed(at="at - interval '1 microsecond'"), ("b", 3, "altered")),
        (changed(at="'infinity'"), ("b", 3, "altered")),
        (changed(hash="repeat('0', 64)"), ("b", 3, "altered")),
        (changed(detail="('[' || repeat('9', 9999) || ']')::jsonb"), ("b", 3, "altered")),
        (removed(3), ("b", 3, "missing")),
        (removed(1, 2), ("b", 1, "missing")),
        (changed(5, seq="seq + 10"), ("b", 5, "missing")),
        (put_in_front, ("b", 0, "inserted")),
        (doubled, ("b", 2, "inserted")),
        (swapped, ("b", 2, "altered")),
        (renumbered, ("b", 3, "altered")),
        (rehashed_alone, ("b", 3, "replaced")),
    ],
)
def test_first_bad_row_is_named_without_any_anchor(engine: Engine, deed: Deed, found: tuple[str, int, str]) -> None:
    for chain in ("a", "b", "c"):
        fill(engine, chain)
    with tampering(engine) as session:
        deed(session)

    assert faults(engine) == [found]


def rewritten(session: Session) -> None:
    """A chain that is right in itself."""
    changed(4, actor="'eve'")(session)
    rehash(session, "b")


@pytest.mark.parametrize(
    ("deed", "found"),
    [
        (removed(4, 5), ("b", 4, "cut_off")),
        (sql("DELETE FROM audit_events WHERE chain = 'b'"), ("b", 1, "deleted")),
        (rewritten, ("b", 5, "contradicted")),
    ],
)
def test_what_only_an_anchor_shows(engine: Engine, tmp_path: Path, deed: Deed, found: tuple[str, int, str]) -> None:
    file = tmp_path / "anchors"
    for chain in ("a", "b"):
        fill(engine, chain, 3)
    anchor(engine, file)
    fill(engine, "b", 2)
    anchor(engine, file)
    fill(engine, "a", 1)
    with tampering(engine) as session:
        deed(session)

    assert faults(engine) == []
    assert faults(engine, file) == [found]


def test_the_range_of_a_rewritten_chain_begins_behind_the_last_anchor_that_agrees(
    engine: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "anchors"
    fill(engine, "b", 3)
    anchor(engine, file)
    fill(engine, "b", 2)
    anchor(engine, file)
    with tampering(engine) as session:
        rewritten(session)

    [fault] = verified(engine, file).faults
    assert "rows 4 to 5" in fault.problem


def test_every_bad_chain_is_named_once_and_rows_are_counted(engine: Engine, tmp_path: Path) -> None:
    for number in range(30):
        fill(engine, f"chain {number:02}", 3)
    anchor(engine, tmp_path / "anchors")
    with tampering(engine) as session:
        session.execute(text("UPDATE audit_events SET actor = 'eve' WHERE chain IN ('chain 03', 'chain 17')"))
        session.execute(text("DELETE FROM audit_events WHERE chain = 'chain 20' AND seq >= 2"))

    found = verified(engine, tmp_path / "anchors")

    assert [(fault.chain, fault.seq) for fault in found.faults] == [("chain 03", 1), ("chain 17", 1), ("chain 20", 2)]
    assert (found.rows, found.chains, found.anchors, found.bad_chains) == (88, 30, 30, 3)


def test_untouched_is_intact_while_others_append_and_anchor(engine: Engine, tmp_path: Path) -> None:
    file, enough = tmp_path / "anchors", Event()
    for chain in ("a", "b"):
        fill(engine, chain)

    def append(number: int) -> None:
        while not enough.is_set():
            fill(engine, f"chain {number}", 3)
            anchor(engine, file)

    with ThreadPoolExecutor(4) as pool:
        writers = [pool.submit(append, number) for number in range(4)]
        looks = [verified(engine, file) for _ in range(15)]
        enough.set()
        for writer in writers:
            writer.result()

    assert [look.faults for look in looks] == [[]] * 15
    assert looks[-1].rows > looks[0].rows
    assert looks[-1].anchors > looks[0].anchors


@pytest.mark.parametrize(
    "deed", ["UPDATE audit_events SET actor = 'eve'", "DELETE FROM audit_events", "TRUNCATE audit_events"]
)
def test_the_database_itself_refuses_changes(engine: Engine, deed: str) -> None:
    fill(engine, "a")
    with pytest.raises(DBAPIError, match="append-only"), as_owner(engine) as session:
        session.execute(text(deed))
    assert verified(engine).rows == 5


def test_the_digest_is_what_it_always_was(engine: Engine) -> None:
    """Rows written years ago must verify: this hash was computed by the first version."""
    with transaction(engine) as session:
        audit.append(session, chain="a", entry=deed(why="zu spät", n=1.5), actor="mike", at=NOW)
        [event] = audit.chain_of(session, "a")
        assert event.hash == "faf841b73ee64f3da81e69d4e889242caa067e96d33e7e10471b62b7e849a5e0"


def test_search_goes_backwards_by_chain_actor_action_and_time(engine: Engine) -> None:
    fill(engine, "a")
    fill(engine, "b", actor="olga")
    with transaction(engine) as session:
        newest = audit.search(session, limit=3)
        older = audit.search(session, before_id=newest[-1].id, limit=100)
        assert [(event.chain, event.seq) for event in newest] == [("b", 5), ("b", 4), ("b", 3)]
        assert len(older) == 7
        assert {event.chain for event in audit.search(session, actor="olga")} == {"b"}
        assert [event.seq for event in audit.search(session, chain="a", action="deed_2")] == [3]
        assert len(audit.search(session, since=NOW)) == 10
        assert audit.search(session, until=NOW) == []
        assert len(audit.search(session, until=NOW + timedelta(microseconds=1))) == 10
