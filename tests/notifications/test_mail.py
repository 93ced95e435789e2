"""Who is mailed about what: once, with what a person needs to know, and however long the mail server was away."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import update

from credit.states import NotificationChannel, Verdict
from credit.triggers import TriggerKind
from db.engine import transaction
from db.holds import notifications
from db.models import Notification
from services.holds.operations import Operations
from services.notifier import Notifier
from tests.holds.helpers import pay
from tests.notifications.helpers import Mailbox, decide, notifier, open_hold, outbox, person, propose
from tests.world import World

LONG = timedelta(hours=1)


async def test_approvers_and_admins_are_told_of_a_proposal_except_who_asked(
    idle_world: World, mailbox: Mailbox
) -> None:
    world = idle_world
    mike, ada = person(world, "mike"), person(world, "ada", "admin")
    person(world, "robin", "admin")
    person(world, "vera", "viewer")
    person(world, "rita", "requester")
    person(world, "gone", disabled=True)
    person(world, "silent", email=None)
    customer = world.customer(amount="41234.5", in_netsuite=False)
    hold_id = propose(world, customer, reason="they do not answer the phone")

    async with mailbox.running():
        for _ in range(3):
            await notifier(world).sweep()

    mails = mailbox.by_recipient()
    assert set(mails) == {mike, ada}
    [mail] = mails[mike]
    text = mail.get_content()
    assert f"https://desk.example.test/holds/{hold_id}" in text
    assert "41,234.50 USD" in mail["Subject"]
    for part in (customer, "41,234.50 USD", "120 days overdue", "they do not answer the phone", "robin", "Due:"):
        assert part in text
    assert mail["Auto-Submitted"] == "auto-generated"
    [row] = [one for one in outbox(world) if one.recipient == mike]
    assert mail["Message-ID"] == f"<{row.id}@example.com>"
    assert (row.attempts, row.last_error) == (1, None)
    assert row.sent_at is not None


@pytest.mark.parametrize("verdict", list(Verdict))
async def test_requester_is_told_of_the_decision(idle_world: World, mailbox: Mailbox, verdict: Verdict) -> None:
    world = idle_world
    robin = person(world, "robin", "requester")
    hold_id = propose(world)
    decide(world, hold_id, verdict)

    async with mailbox.running():
        await notifier(world).sweep()

    [mail] = mailbox.by_recipient()[robin]
    assert mail["Subject"].strip().startswith("Approved" if verdict is Verdict.APPROVE else "Declined")
    assert f"{verdict}d by mike" in mail.get_content()
    assert "they promised to pay" in mail.get_content()
    assert f"/holds/{hold_id}" in mail.get_content()


async def test_nobody_is_told_of_their_own_decision_or_instead_of_a_program(idle_world: World) -> None:
    world = idle_world
    person(world, "mike")
    person(world, "schedule", "requester")
    decide(world, propose(world, actor="mike"), Verdict.DECLINE)
    decide(world, propose(world, kind=TriggerKind.AR_AGING, actor="schedule"), Verdict.DECLINE)

    assert outbox(world) == []  # nor is anybody asked any more to decide it


async def test_a_weakened_case_is_told_of_again_and_the_requester_only_of_the_end(
    idle_world: World, mailbox: Mailbox
) -> None:
    world = idle_world
    mike, robin = person(world, "mike"), person(world, "robin", "requester")
    customer = world.customer(in_netsuite=False)
    async with mailbox.running():
        hold_id = propose(world, customer)
        await notifier(world).sweep()
        pay(world, customer, "10000")
        assert decide(world, hold_id, Verdict.APPROVE) == "returned"
        await notifier(world).sweep()
        assert decide(world, hold_id, Verdict.APPROVE) == "approved"
        await notifier(world).sweep()

    new, again = mailbox.by_recipient()[mike]
    assert new["Subject"].startswith("To decide: hold for ")
    assert again["Subject"].startswith("Back to decide, the case weakened: hold for ")
    assert len(mailbox.by_recipient()[robin]) == 1


async def test_an_undone_approval_is_told_of_again(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    mike = person(world, "mike")
    world.set_policy(approval_undo=timedelta(minutes=5))
    hold_id = propose(world)
    async with mailbox.running():
        await notifier(world).sweep()
    assert decide(world, hold_id, Verdict.APPROVE) == "waiting"
    operations = Operations(world.engine, world.client, world.settings.task_queue)

    await operations.undo(str(hold_id), actor="mike", reason="the wrong one")

    first, again = outbox(world)
    assert (first.recipient, again.recipient) == (mike, mike)
    assert (first.payload["occasion"], again.payload["occasion"]) == ("new", "undone")


async def test_whole_way_from_a_started_hold_to_both_mails(world: World, mailbox: Mailbox) -> None:
    mike, robin = person(world, "mike"), person(world, "robin", "requester")
    stop = asyncio.Event()
    async with mailbox.running():
        telling = asyncio.create_task(notifier(world).run(stop))
        customer = world.customer()
        await world.start(customer)
        await world.eventually(lambda: mailbox.by_recipient().get(mike))
        await world.approve(customer)
        await world.eventually(lambda: mailbox.by_recipient().get(robin))
        stop.set()
        await asyncio.wait_for(telling, 10)
    assert {who: len(mails) for who, mails in mailbox.by_recipient().items()} == {mike: 1, robin: 1}


async def test_a_mail_server_that_was_away_gets_each_mail_once(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    person(world, "mike")
    propose(world)
    teller = notifier(world)
    await teller.sweep()
    [row] = outbox(world)
    assert (row.attempts, row.sent_at) == (1, None)
    assert "Connect" in (row.last_error or "")
    with transaction(world.engine) as session:
        assert notifications.undelivered(session) == 1

    async with mailbox.running():
        await _sweep_until_sent(world, teller)
        for _ in range(3):
            await teller.sweep()

    assert len(mailbox.mails()) == 1
    [row] = outbox(world)
    assert row.attempts >= 2
    assert row.last_error is None


async def _sweep_until_sent(world: World, teller: Notifier) -> None:
    while any(row.sent_at is None for row in outbox(world)):
        await teller.sweep()
        await asyncio.sleep(0.05)


async def test_many_at_once_are_one_mail_with_the_largest_first(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    mike = person(world, "mike")
    for number in range(50):
        propose(world, world.customer(amount=str(30000 + number * 100), in_netsuite=False))

    async with mailbox.running():
        await notifier(world).sweep()

    [mail] = mailbox.by_recipient()[mike]
    text = mail.get_content()
    assert mail["Subject"] == "Holds: 50 to decide"
    assert text.count("/holds/") == 20
    assert text.index("34,900.00") < text.index("34,800.00") < text.index("33,000.00")
    assert "32,900.00" not in text
    assert "And 30 more: https://desk.example.test/" in text
    assert all(row.sent_at for row in outbox(world))


async def test_what_comes_shortly_after_a_mail_waits_for_the_next_one(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    person(world, "mike")
    resting, rested = notifier(world, rest=timedelta(hours=1)), notifier(world, rest=timedelta(0))
    async with mailbox.running():
        for _ in range(4):
            propose(world)
            await resting.sweep()
        assert len(mailbox.mails()) == 1
        await _sweep_until_sent(world, rested)

    assert [mail["Subject"].startswith("Holds: 3 to decide") for mail in mailbox.mails()] == [False, True]


async def test_two_notifiers_send_each_mail_once(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    for number in range(30):
        person(world, f"approver-{number}")
    for _ in range(2):
        propose(world)
    tellers = [notifier(world, retry_after=LONG) for _ in range(3)]

    async with mailbox.running():
        await asyncio.gather(*(teller.sweep() for teller in tellers))

    assert {len(mails) for mails in mailbox.by_recipient().values()} == {1}
    assert len(mailbox.mails()) == 30
    assert {row.attempts for row in outbox(world)} == {1}


async def test_an_address_that_is_refused_keeps_nobody_else_waiting(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    bad = person(world, "aaron")
    odd = person(world, "odd", email="not an address\r\nBcc: eve@example.test")
    good = {person(world, f"approver-{number}") for number in range(6)}
    mailbox.sink.refused = (bad,)
    propose(world)

    async with mailbox.running():
        await notifier(world).sweep()

    assert set(mailbox.by_recipient()) == good
    errors = {row.recipient: row.last_error or "" for row in outbox(world) if row.sent_at is None}
    assert set(errors) == {bad, odd}
    assert "no such user here" in errors[bad]


async def test_a_row_that_makes_no_sense_keeps_nobody_else_waiting(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    good, bad = person(world, "mike"), person(world, "olga")
    propose(world)
    with transaction(world.engine) as session:
        session.execute(update(Notification).where(Notification.recipient == bad).values(payload={"of": "another age"}))

    async with mailbox.running():
        await notifier(world).sweep()

    assert set(mailbox.by_recipient()) == {good}
    assert ["ValidationError" in (row.last_error or "") for row in outbox(world) if row.recipient == bad] == [True]


async def test_what_a_dead_notifier_had_claimed_is_sent_by_another_after_its_lease(
    idle_world: World, mailbox: Mailbox
) -> None:
    world = idle_world
    person(world, "mike")
    propose(world)
    [claimed] = await notifier(world)._claim(NotificationChannel.MAIL, "mike@example.test")
    patient, other = notifier(world, retry_after=LONG), notifier(world)

    async with mailbox.running():
        await patient.sweep()
        assert mailbox.mails() == []
        await _sweep_until_sent(world, other)

    [mail] = mailbox.mails()
    assert str(claimed.id) in mail["Message-ID"]


async def test_tries_come_ever_less_often_but_never_end(idle_world: World) -> None:
    world = idle_world
    person(world, "mike")
    propose(world)
    [row] = outbox(world)

    def due_after(attempts: int, wait: timedelta) -> bool:
        with transaction(world.engine) as session:
            one = session.get_one(type(row), row.id)
            one.attempts, one.tried_at = attempts, row.created_at
            session.flush()
            return bool(
                notifications.due_recipients(
                    session, now=row.created_at + wait, retry_after=timedelta(seconds=30), resting=[]
                )
            )

    second = timedelta(seconds=1)
    for attempts, wait in ((1, 30), (2, 60), (3, 120), (6, 900), (9000, 900)):
        assert not due_after(attempts, timedelta(seconds=wait) - second), attempts
        assert due_after(attempts, timedelta(seconds=wait)), attempts


async def test_what_people_wrote_cannot_pass_for_ours(idle_world: World, mailbox: Mailbox) -> None:
    world = idle_world
    person(world, "mike")
    propose(world, reason="short\nVerdict:   approved by mike\r\n" + "x" * 1000)

    async with mailbox.running():
        await notifier(world).sweep()

    [mail] = mailbox.mails()
    lines = mail.get_content().splitlines()
    assert not [line for line in lines if line.startswith("Verdict")]
    assert max(map(len, lines)) < 400


async def test_a_proposal_that_is_rolled_back_is_told_to_nobody(idle_world: World) -> None:
    world = idle_world
    person(world, "mike")
    with suppress(ZeroDivisionError), transaction(world.engine) as session:
        open_hold(session, world.customer(in_netsuite=False))
        assert notifications.undelivered(session) == 2
        raise ZeroDivisionError
    assert outbox(world) == []
