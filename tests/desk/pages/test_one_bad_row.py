"""One row that cannot be read takes no list down: it is said to be there, and everything else is shown."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text, update

from credit import audit_entries
from credit.permissions import Role
from credit.states import RELEASING, Beat, MessageKind, MessageStatus
from db import audit, policies
from db.engine import transaction
from db.holds import beats
from db.models import ArAgingItem, ArAgingRun, Message, Proposal
from tests.admission.cli import program
from tests.audit.helpers import deed
from tests.desk.pages.conftest import Sit
from tests.desk.pages.test_queue import marks_of, poll_of
from tests.outcomes.rows import Held, held
from tests.owner import as_owner
from tests.world import World

NOW = datetime.now(UTC)


def in_force(world: World) -> Held:
    """A hold in force whose beats nobody has begun, as rows only."""
    with transaction(world.engine) as session:
        return held(session)


def stop(world: World, hold_id: UUID, beat: Beat) -> None:
    with transaction(world.engine) as session:
        beats.stop(session, hold_id, beat, "cancelled by mike: NetSuite is down for a week", at=NOW)


async def test_a_beat_that_is_stopped_before_it_began_waits_in_the_queue(idle_world: World, sit: Sit) -> None:
    it, mike = in_force(idle_world), sit(name="mike")

    answer = await mike.http.post(
        f"/api/holds/{it.hold_id}/beats/push_netsuite/cancel", json={"reason": "NetSuite is down for a week"}
    )

    assert answer.json()["code"] == "workflow_gone"  # the record knows all the same
    page = await mike.get("/")
    assert it.customer in page.text
    assert "push netsuite" in page.text
    assert (await mike.ask(poll_of(page), shown=marks_of(page))).status_code == 204


async def test_so_does_a_release_s_restoring_that_is_stopped_before_its_turn(idle_world: World, sit: Sit) -> None:
    it = in_force(idle_world)
    with transaction(idle_world.engine) as session:
        beats.plan(session, it.hold_id, RELEASING)
    stop(idle_world, it.hold_id, Beat.RESTORE_NETSUITE)

    assert "restore netsuite" in (await sit(Role.VIEWER).get("/")).text


async def test_a_stopped_beat_of_the_version_before_waits_since_its_hold_was_proposed(
    idle_world: World, sit: Sit
) -> None:
    """Also where no migration has cured it."""
    it = in_force(idle_world)
    stop(idle_world, it.hold_id, Beat.PUSH_NETSUITE)
    with as_owner(idle_world.engine) as session:
        session.execute(text("ALTER TABLE hold_beats DROP CONSTRAINT IF EXISTS ck_hold_beats_attention_since"))
        session.execute(text("UPDATE hold_beats SET started_at = NULL"))

    assert it.customer in (await sit(Role.VIEWER).get("/")).text


@pytest.mark.parametrize("facts", [{}, {"total_open": "many"}, {"total_open": None, "as_of": "soon"}, []])
async def test_facts_that_cannot_be_read_hide_one_item_and_no_other(
    idle_world: World,
    sit: Sit,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    facts: object,
) -> None:
    bad, good = in_force(idle_world), in_force(idle_world)
    with transaction(idle_world.engine) as session:
        session.execute(update(Proposal).where(Proposal.hold_id == bad.hold_id).values(facts=facts))
    for one in (bad, good):
        stop(idle_world, one.hold_id, Beat.PUSH_NETSUITE)
    reader = sit(Role.VIEWER)

    page = await reader.get("/")
    assert good.customer in page.text
    assert f"{bad.customer} Cannot be shown" in page.text
    assert (await reader.ask(poll_of(page), shown=marks_of(page))).status_code == 204
    assert bad.customer in (await reader.get("/", min_amount="0")).text

    listed = (await reader.http.get("/api/holds")).json()
    assert [one["id"] for one in listed["holds"]] == [str(good.hold_id)]
    assert listed["unreadable"] == [str(bad.hold_id)]

    said = await program(idle_world, str(reader.http.base_url), monkeypatch, capsys)("list", role=Role.VIEWER)
    assert (said.code, good.customer in said.out) == (0, True), said.err
    assert str(bad.hold_id) in said.err


async def test_a_message_without_a_text_hides_itself_alone(idle_world: World, sit: Sit) -> None:
    it = in_force(idle_world)
    with transaction(idle_world.engine) as session:
        one = {"hold_id": it.hold_id, "kind": MessageKind.CUSTOMER_NOTICE, "status": MessageStatus.PENDING_REVIEW}
        message = Message(id=uuid4(), recipient=None, revision=1, template="x/en/1", drafted_at=NOW, **one)
        session.add(message)

    listed = (await sit(Role.VIEWER).http.get("/api/messages")).json()

    assert (listed["messages"], listed["unreadable"]) == ([], [str(message.id)])


async def test_a_scan_s_item_without_facts_is_listed(idle_world: World, sit: Sit) -> None:
    it, run = in_force(idle_world), uuid4()
    with transaction(idle_world.engine) as session:
        version, _ = policies.current(session)
        values = {"as_of": NOW.date(), "requested_by": "x", "policy_version": version, "started_at": NOW, "counts": {}}
        session.add(ArAgingRun(id=run, workflow_id="w", **values))
        session.flush()
        session.add(ArAgingItem(run_id=run, customer_id=it.customer, disposition="snoozed", facts={}))

    page = await sit(Role.VIEWER).get(f"/aging/runs/{run}")

    assert f"{it.customer} snoozed what was owed cannot be shown" in page.text


async def test_events_that_say_nothing_are_listed_in_the_trail_and_in_the_life_of_their_hold(
    idle_world: World, sit: Sit
) -> None:
    it = in_force(idle_world)
    with transaction(idle_world.engine) as session:
        for number, action in enumerate(audit_entries.KINDS):
            at = NOW + timedelta(seconds=number)
            audit.append(session, chain=it.hold_id, entry=deed(action), actor="mike", at=at)
    reader = sit()

    for address in (f"/audit?hold={it.hold_id}", f"/holds/{it.hold_id}"):
        assert "mike" in (await reader.get(address)).text
