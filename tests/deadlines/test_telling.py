"""What waits is told of: reminders, the escalation, the end. Once each, and to nobody once it is decided."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from credit.states import HoldStatus, NotificationChannel, NotificationEvent, Verdict
from db.act import Act
from db.engine import transaction
from db.holds import decisions, holds, proposals
from tests.deadlines.helpers import DAY, away, decide, pass_by, told, unsent
from tests.holds.helpers import in_force, knows
from tests.long_waits.helpers import details
from tests.notifications.helpers import Mailbox, notifier, outbox, person, propose
from tests.world import World

REMINDED = NotificationEvent.PROPOSAL_REMINDED
ESCALATED = NotificationEvent.PROPOSAL_ESCALATED
EXPIRED = NotificationEvent.PROPOSAL_EXPIRED


async def test_a_proposal_nobody_decides_is_told_of_until_it_expires(world: World, mailbox: Mailbox) -> None:
    world.set_policy(
        remind_after=timedelta(seconds=1.5),
        escalate_after=timedelta(seconds=2),
        proposal_expires_after=timedelta(seconds=6),
        escalation_group="the credit desk",
        escalate_to=("credit@example.test",),
    )
    mike, robin = person(world, "mike"), person(world, "robin", "requester")
    stop = asyncio.Event()
    async with mailbox.running():
        telling = asyncio.create_task(notifier(world).run(stop))
        customer = world.customer(amount="41234.5")
        started = await world.start(customer, "they do not answer the phone")
        await world.in_status(customer, "expired")
        await world.eventually(lambda: all(row.sent_at for row in outbox(world)))
        stop.set()
        await asyncio.wait_for(telling, 10)

    texts = {who: [mail.get_content() for mail in mails] for who, mails in mailbox.by_recipient().items()}
    reminders = told(world, REMINDED).count(mike)  # one that had not left when the proposal expired is dropped
    assert world.audit(customer).count("approvers_reminded") >= max(2, reminders)
    assert reminders
    assert sum(text.count("Still to decide: hold") for text in texts[mike]) == reminders
    reminder = next(text for text in texts[mike] if text.startswith("Still to decide"))
    link = f"https://desk.example.test/holds/{started.hold_id}"
    for part in (customer, "41,234.50 USD", "they do not answer the phone", "robin", "Waits:", "Expires:", link):
        assert part in reminder
    [escalation] = texts["credit@example.test"]
    assert escalation.startswith("Escalated to the credit desk: hold for ")
    assert link in escalation
    for who in (mike, robin):
        assert "Expired undecided: hold for " in texts[who][-1]
        assert link in texts[who][-1]
    assert "No hold was placed." in texts[robin][-1]
    assert sum(text.count("Expired undecided") for text in texts[robin]) == 1
    assert not any("Still to decide" in text or "Escalated" in text for text in texts[robin])


def test_reminded_is_who_may_decide_and_neither_asked_nor_claimed(idle_world: World) -> None:
    world = idle_world
    mike, ada, dana = person(world, "mike"), person(world, "ada", "admin"), person(world, "dana", "viewer")
    for login, role in (("robin", "approver"), ("clara", "approver"), ("vera", "viewer"), ("rita", "requester")):
        person(world, login, role)
    person(world, "gone", disabled=True)
    away(world, "mike", "dana")
    away(world, "dana", "vera")  # a delegate's delegate counts for nobody else
    away(world, "robin", "rita")  # who asked need not be reminded, by nobody
    hold_id = propose(world)
    with transaction(world.engine) as session:
        decisions.claim(Act(session, "clara", datetime.now(UTC) + 2 * DAY), holds.find(session, str(hold_id)))

    pass_by(world, hold_id, 2 * DAY + timedelta(minutes=1))
    pass_by(world, hold_id, 2 * DAY + timedelta(minutes=2))

    assert told(world, REMINDED) == sorted([ada, dana, mike])
    pass_by(world, hold_id, 4 * DAY + timedelta(minutes=2))
    assert len([who for who in told(world, REMINDED) if who == ada]) == 2
    assert len({row.key for row in outbox(world) if row.event == REMINDED}) == 2
    assert len([row for row in outbox(world, NotificationChannel.WEBHOOK) if row.event == REMINDED]) == 2


@pytest.mark.parametrize("named", [True, False], ids=["a group", "no addresses"])
def test_escalated_is_to_the_group_and_to_admins_where_it_has_no_addresses(idle_world: World, *, named: bool) -> None:
    world = idle_world
    ada, bob, dana = person(world, "ada", "admin"), person(world, "bob"), person(world, "dana", "viewer")
    away(world, "bob" if named else "ada", "dana")
    if named:
        world.set_policy(escalate_to=("credit@example.test", bob))
    hold_id = propose(world, actor="ada")

    pass_by(world, hold_id, 5 * DAY + timedelta(minutes=1))
    pass_by(world, hold_id, 6 * DAY)

    assert told(world, ESCALATED) == (sorted(["credit@example.test", bob, dana]) if named else sorted([ada, dana]))
    shown = world.show(hold_id)["proposal"]
    assert (shown["escalated_to"], shown["escalate_at"]) == ("credit management", None)
    assert shown["escalated_at"] is not None


@pytest.mark.parametrize("ending", [Verdict.APPROVE, Verdict.DECLINE, HoldStatus.WITHDRAWN])
async def test_what_is_settled_is_not_told_of_as_waiting(
    idle_world: World, mailbox: Mailbox, ending: Verdict | HoldStatus
) -> None:
    world = idle_world
    person(world, "mike")
    other, hold_id = propose(world), propose(world)
    pass_by(world, hold_id, 6 * DAY)
    pass_by(world, other, 6 * DAY)
    assert len(unsent(world, REMINDED)) == 2  # the mail server is away

    if isinstance(ending, Verdict):
        decide(world, hold_id, "ada", ending)
    else:
        with transaction(world.engine) as session:
            proposal = holds.newest_proposal(session, hold_id)
            now = datetime.now(UTC)
            assert proposals.settle_undecided(
                Act.of_system(session, now), hold_id=hold_id, proposal_id=proposal.id, ending=ending
            )
    pass_by(world, hold_id, 12 * DAY)
    async with mailbox.running():
        await notifier(world).sweep()

    waits = [row for row in outbox(world) if row.event in (REMINDED, ESCALATED)]
    assert {row.hold_id for row in waits} == {other}
    assert all(row.sent_at for row in outbox(world))
    [mail] = mailbox.mails()
    assert mail["Subject"] == "Holds: 2 to decide"  # the other one's, and its reminder


async def test_a_release_is_reminded_of_in_the_name_of_who_asked_for_it(world: World) -> None:
    mike, robin = person(world, "mike"), person(world, "robin")
    customer = world.customer()
    await in_force(world, customer)
    hold_id = await world.operations.request_release(customer, reason="they paid", actor="mike")

    pass_by(world, hold_id, 2 * DAY + timedelta(minutes=1))

    assert told(world, REMINDED) == [robin]
    [row] = unsent(world, REMINDED)
    assert (row.payload["asked_by"], row.payload["reason"], row.payload["kind"]) == ("mike", "they paid", "release")
    assert mike not in told(world, REMINDED)


async def test_the_due_date_and_the_escalation_are_shown_in_the_web_ui(world: World) -> None:
    world.set_policy(remind_after=None, escalate_after=timedelta(seconds=1), escalation_group="the *credit* desk")
    customer = world.customer()
    await world.start(customer)
    await world.eventually(lambda: "proposal_escalated" in world.audit(customer))
    proposal = world.show(customer)["proposal"]
    due, since = (datetime.fromisoformat(proposal[name]) for name in ("due_at", "escalated_at"))
    wanted = (
        f"**Decide by** {due:%Y-%m-%d %H:%M} UTC, "
        f"escalated to the \\*credit\\* desk since {since:%Y-%m-%d %H:%M} UTC: `hold show {customer}`"
    )

    await knows(world, customer, lambda state: state.hold is not None and state.hold.escalated_at is not None)
    assert wanted in await details(world, customer)
