"""What no retry can mend waits for a person, shows why, and runs again when asked. The hold itself never fails."""

import pytest
from sqlalchemy import func, insert, select

from credit.wording import words
from db.engine import transaction
from db.errors import NothingToDecideError, UnknownHoldError
from db.models import ContentTemplate
from tests.holds.helpers import all_done, events, frozen, holds_of, in_force, shows, waiting_for_locks
from tests.rendering.renderers import LOOPS, strict
from tests.world import World

PUSH = "push_netsuite"
REP = "notify_sales_rep"
NOTICE = "service_hold_customer_notice"


def new_template(world: World, name: str, body: str) -> None:
    with transaction(world.engine) as session:
        query = select(func.max(ContentTemplate.version)).where(ContentTemplate.name == name)
        version = session.scalars(query).one() + 1
        values = {"name": name, "language": "en", "version": version, "subject": "On hold", "body": body}
        session.execute(insert(ContentTemplate).values(**values, created_by="olga"))


async def needs_attention(world: World, customer: str, beat: str) -> None:
    await world.start(customer)
    await world.approve(customer)
    await world.eventually(lambda: world.beat(customer, beat)["status"] == "needs_attention")
    await world.in_status(customer, "in_force")


async def test_unknown_netsuite_id_waits_for_an_operator_and_is_retried_once_mended(world: World) -> None:
    customer = world.customer(in_netsuite=False)
    await needs_attention(world, customer, PUSH)

    await shows(world, customer, NetSuitePush="needs_attention", WaitingOn="operator", HoldStatus="in_force")
    state = await world.state(customer)
    assert (state.waiting_on, "404" in str(state.beats[PUSH].last_error)) == ("operator", True)
    hold = world.show(customer)
    assert (hold["waiting_on"], world.beat(customer, PUSH)["attempts"]) == ("operator", 1)
    assert "RecordNotFound" in world.beat(customer, PUSH)["last_error"]

    world.sandbox.seed([{"id": f"N-{customer}", "externalId": customer}]).raise_for_status()
    retried = await world.operations.retry_beat(customer, beat=PUSH, actor="olga", reason="created it")
    assert retried.beats == [PUSH]
    await all_done(world, customer)

    assert len(world.sandbox.applied(customer)) == 1
    await shows(world, customer, NetSuitePush="done", WaitingOn="nobody")


async def test_retry_that_cannot_help_yet_comes_back_to_the_operator(world: World) -> None:
    customer = world.customer(in_netsuite=False)
    await needs_attention(world, customer, PUSH)

    await world.operations.retry_beat(customer, beat=PUSH, actor="olga")

    def tried_again() -> bool:
        beat = world.beat(customer, PUSH)
        return (beat["attempts"], beat["status"]) == (2, "needs_attention")

    await world.eventually(tried_again)
    await shows(world, customer, WaitingOn="operator")


async def test_retry_of_an_attempt_that_hangs_starts_another_at_once(world: World) -> None:
    customer = world.customer()
    with frozen(world, "LOCK TABLE content_templates IN ACCESS EXCLUSIVE MODE"):
        await world.start(customer)
        await world.approve(customer)
        await world.eventually(lambda: waiting_for_locks(world) == 2)

        await world.operations.retry_beat(customer, beat=REP, actor="olga")

        await world.eventually(lambda: waiting_for_locks(world) == 3)
    await all_done(world, customer)

    assert len(world.show(customer)["messages"]) == 2
    assert len(events(world, holds_of(world, customer)[0].id, "message_drafted")) == 2


@pytest.mark.parametrize("broken", ["{% if %}", "{{ no_such_name }}", "{{ facts.__class__ }}"])
async def test_template_that_cannot_be_rendered_waits_and_is_retried_once_mended(world: World, broken: str) -> None:
    new_template(world, NOTICE, broken)
    customer = world.customer()
    await needs_attention(world, customer, "draft_customer_notice")
    assert words(NOTICE) in world.beat(customer, "draft_customer_notice")["last_error"]
    assert [message["kind"] for message in world.show(customer)["messages"]] == ["sales_rep"]
    assert world.beat(customer, PUSH)["status"] == "done"

    new_template(world, NOTICE, "We stopped, {{ customer_name }}.")
    await world.operations.retry_beat(customer, beat=None, actor="olga")
    await all_done(world, customer)

    notice = next(one for one in world.show(customer)["messages"] if one["kind"] == "customer_notice")
    assert notice["body"].startswith("We stopped, Customer")
    assert events(world, holds_of(world, customer)[0].id, "beat_failed")


async def test_template_that_takes_too_long_waits_and_does_not_hold_up_the_other_beats(world: World) -> None:
    new_template(world, NOTICE, LOOPS)
    customer = world.customer()
    with strict():
        await needs_attention(world, customer, "draft_customer_notice")
    error = world.beat(customer, "draft_customer_notice")["last_error"]
    assert f"template “{words(NOTICE)}”: this text takes more than 0.2 seconds" in error
    assert "mend it" in error
    await world.eventually(lambda: world.beat(customer, PUSH)["status"] == "done")


async def test_finished_beats_cannot_be_retried(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)

    with pytest.raises(NothingToDecideError, match="no push netsuite is waiting"):
        await world.operations.retry_beat(customer, beat=PUSH, actor="olga")


async def test_beats_of_nobody_cannot_be_retried(world: World) -> None:
    with pytest.raises(UnknownHoldError):
        await world.operations.retry_beat("nobody", beat=None, actor="olga")


async def test_raw_retry_signal_of_a_finished_beat_changes_nothing(world: World) -> None:
    customer = world.customer()
    await in_force(world, customer)

    await world.workflow(customer).signal("retry_beat", {"beat": PUSH})
    await world.workflow(customer).signal("retry_beat", {})
    await world.start(customer)  # behind them

    assert {beat["attempts"] for beat in world.show(customer)["beats"]} == {1}
