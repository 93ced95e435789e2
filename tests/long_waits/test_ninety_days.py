"""Ninety days of one customer in seconds: held, and everything that can happen to it, released, and proposed again."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from credit.outcomes import ScheduledDate
from credit.states import MessageVerdict, Verdict
from credit.triggers import TriggerKind
from runtime.settings import Settings
from services.answers import Document
from services.holds.operations import TriggerTurnedAwayError
from services.messages.operations import MessageOperations
from tests.holds.helpers import all_done, until
from tests.long_waits.conftest import Clock
from tests.messages.post_office import Sink
from tests.outcomes.events import Sender, operations, today
from tests.world import World

DAY = timedelta(days=1)


def proposal(world: World, name: str) -> tuple[str, str]:
    shown = world.show(name)["proposal"]
    return shown["kind"], shown["status"]


async def said(world: World, name: str, what: str, times: int = 1) -> None:
    await world.eventually(lambda: world.audit(name).count(what) >= times)


def message(world: World, hold: str, kind: str) -> Document:
    return next(one for one in world.show(hold)["messages"] if one["kind"] == kind)


async def send_notice(world: World, hold: str) -> None:
    desk, notice = MessageOperations(world.engine, world.client), UUID(message(world, hold, "customer_notice")["id"])
    claim, shown = await desk.claim(notice, actor="mike")
    await desk.decide(
        notice,
        claim_id=claim.id,
        revision=shown.revision,
        verdict=MessageVerdict.APPROVE,
        reason="as discussed",
        actor="mike",
    )


@pytest.fixture(scope="module")
def sink(folder: Path) -> Iterator[Sink]:
    made = Sink(folder)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def settings(settings: Settings, sink: Sink) -> Settings:
    return settings.model_copy(update={"smtp_port": sink.port})


async def test_ninety_days(  # noqa: PLR0915 (a long story)
    world: World, clock: Clock, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netsuite.answers.retry_after", lambda _: timedelta(minutes=29))  # some 100 tries, not 3,000
    world.set_policy(remind_after=2 * DAY, escalate_after=5 * DAY, release_grace=7 * DAY)
    customer = world.customer(amount="40000")
    sender, start = Sender(world, customer), await clock.now()

    # Proposed by AR aging; nobody answers: reminded, escalated, approved on the sixth day.
    await world.start(customer, kind=TriggerKind.AR_AGING)
    hold = world.show(customer)["id"]
    await clock.until(start + 6 * DAY + timedelta(hours=1))
    assert (world.audit(hold).count("approvers_reminded"), world.audit(hold).count("proposal_escalated")) == (3, 1)

    # NetSuite is down for two days: in force all the same.
    world.sandbox.faults(outage=True).raise_for_status()
    await world.approve(customer)
    await world.in_status(hold, "in_force")
    await clock.skip(2 * DAY, step=timedelta(hours=6))
    assert world.show(hold)["waiting_on"] == "netsuite"
    world.sandbox.clear_faults()
    await clock.skip(timedelta(hours=1))
    await all_done(world, customer)
    assert len(world.sandbox.applied(customer)) == 1

    # The notice is approved and sent.
    await send_notice(world, hold)
    await clock.skip(timedelta(minutes=15))
    await world.eventually(lambda: message(world, hold, "customer_notice")["status"] == "sent")
    assert len(sink.mails(message(world, hold, "customer_notice")["recipient"])) == 1

    # A part payment, and a promise that its day breaks.
    await sender.paid("1000.00")
    await said(world, hold, "part_paid")
    await sender.promised("5000.00", ahead=20)
    await said(world, hold, "promise_made")
    await clock.until(start + 20 * DAY)
    assert "promise_broken" not in world.audit(hold)
    await clock.until(start + 22 * DAY)
    await said(world, hold, "promise_broken")

    # A plan asks for the release; the approver leaves it until an instalment is missed, and the proposal goes.
    await sender.agreed((40, "19000.00"), (70, "20000.00"))
    await world.eventually(lambda: proposal(world, hold) == ("release", "open"))
    await clock.until(start + 42 * DAY)
    await said(world, hold, "instalment_missed")
    assert proposal(world, hold) == ("release", "withdrawn")

    # A dispute asks for it too; it is declined, and the hold goes on to its end date.
    await sender.disputed()
    await world.eventually(lambda: proposal(world, hold) == ("release", "open"))
    await world.decide(customer, Verdict.DECLINE, "the goods were right")
    await until(lambda: is_decided(world, customer))
    await sender.dispute_closed()
    await operations(world).set_dates(customer, {ScheduledDate.END: today(60)}, reason="quarter's end", actor="mike")
    await clock.until(start + 59 * DAY)
    assert "end_date_reached" not in world.audit(hold)
    await clock.until(start + 61 * DAY)
    await world.eventually(lambda: proposal(world, hold) == ("release", "open"))

    # Released: NetSuite has its prior value, drafts that nobody sent are withdrawn.
    await world.approve(customer)
    shown = await world.shown_in_status(hold, "released")
    assert shown["netsuite"]["value"] == "AUTO"
    assert message(world, hold, "sales_rep")["status"] == "withdrawn"
    assert message(world, hold, "release_notice")["status"] == "pending_review"
    await world.workflow(customer).result()

    # Within the grace AR aging is turned away; after it the customer is proposed again, with the earlier hold shown.
    await clock.until(start + 65 * DAY)
    with pytest.raises(TriggerTurnedAwayError, match="grace"):
        await world.start(customer, kind=TriggerKind.AR_AGING)
    await clock.until(start + 90 * DAY)
    again = await world.start(customer, kind=TriggerKind.AR_AGING)
    assert again.created
    assert str(again.hold_id) != hold
    [earlier] = world.show(customer)["prior_holds_detail"]
    assert (earlier["id"], earlier["end_cause"]) == (hold, "end_date")
    assert 50 <= earlier["days_held"] <= 56
    told = [one["what"] for one in world.show(hold)["outcomes"]]
    assert told == [
        "part_paid",
        "promise_made",
        "promise_broken",
        "plan_agreed",
        "instalment_missed",
        "dispute_opened",
        "dispute_closed",
        "end_date_reached",
    ]


async def is_decided(world: World, customer: str) -> bool:
    state = await world.state(customer)
    return state.hold is not None and state.hold.proposal_status == "declined"
