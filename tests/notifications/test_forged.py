"""Nobody's name becomes a header: what other systems call a customer, and what cannot be mailed at all."""

from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import update

from credit import notices
from credit.mail_wire import UnfitMailError
from credit.notices import Notice
from credit.permissions import Role
from db.engine import transaction
from db.errors import BadInputError
from db.holds import notifications
from db.models import Customer, Notification
from db.people import users
from runtime.metrics import Metrics
from services import notifier as sending
from services.people import people
from tests.acting import acted
from tests.holds.helpers import events
from tests.notifications.helpers import Mailbox, notifier, outbox, person, propose
from tests.world import World

FORGED = (
    "=?utf-8?q?Acme=0D=0AReply-To:_evil=40attacker.example=0D=0AX-Injected:_1=0D=0A=0D=0AClick_http://evil.example?="
)
MEANT = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "MIME-Version"]


def name(world: World, customer: str, called: str) -> None:
    with transaction(world.engine) as session:
        session.execute(update(Customer).where(Customer.id == customer).values(name=called))


def headers(mail: EmailMessage) -> list[str]:
    """What stands in the mail besides its envelope, which the sink writes, and how its body is encoded."""
    return [one for one in mail if not one.startswith("X-Envelope-") and one != "Content-Transfer-Encoding"]


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (FORGED, FORGED.replace("=?", "=\ufffd", 1)),
        ("Acme\r\nReply-To: evil@attacker.example", "Acme Reply-To: evil@attacker.example"),
        ("Acme\u202egro.live\x07", "Acme\ufffdgro.live\ufffd"),
        ("Åse Økern & 日本通運株式会社", "Åse Økern & 日本通運株式会社"),
        ("Økern " * 30, ("Økern " * 30).strip()),
    ],
)
async def test_a_customers_name_stays_a_name(idle_world: World, mailbox: Mailbox, called: str, shown: str) -> None:
    world = idle_world
    mike, customer = person(world, "mike"), world.customer(in_netsuite=False)
    name(world, customer, called)
    propose(world, customer)

    async with mailbox.running():
        await notifier(world).sweep()

    [mail] = mailbox.by_recipient()[mike]
    assert headers(mail) == MEANT
    assert mail["Subject"].startswith(f"To decide: hold for {shown}: 40,000.00 USD open")
    text = mail.get_content().replace("\r\n", "\n")
    assert text.startswith(f"To decide: hold for {shown}\n\nCustomer:  {shown} ({customer})\n")


async def test_the_escalation_groups_name_stays_a_name(idle_world: World) -> None:
    with pytest.raises(BadInputError, match="escalation_group"):
        idle_world.set_policy(escalation_group=FORGED)
    with pytest.raises(BadInputError, match="not an e-mail address"):
        idle_world.set_policy(escalate_to=("a@example.test, b@example.test",))


@pytest.mark.parametrize(
    "email", ["a@example.test, b@example.test", "a@example.test\r\nBcc: b@example.test", "a", FORGED]
)
async def test_an_account_has_one_address_or_none(idle_world: World, email: str) -> None:
    with pytest.raises(BadInputError, match="not an e-mail address"):
        acted(idle_world.engine, "ada", people.create, "rita", Role.APPROVER, email=email)
    acted(idle_world.engine, "ada", people.create, "rita", Role.APPROVER, email=" rita@example.test ")
    with transaction(idle_world.engine) as session:
        assert users.get(session, "rita").email == "rita@example.test"


@pytest.mark.parametrize(
    "sender",
    [
        "credit@example.com, eve@attacker.example",
        f"{FORGED} <credit@example.com>",
        "Credit team",
        "A\r\nBcc: e <a@b.c>",
    ],
)
async def test_a_sender_that_is_none_is_refused_at_the_start(idle_world: World, sender: str) -> None:
    idle_world.settings.mail_from = sender
    with pytest.raises(RuntimeError, match="HOLD_MAIL_FROM"):
        notifier(idle_world)


async def test_what_can_never_be_told_is_given_up_alone_and_shown(idle_world: World, mailbox: Mailbox) -> None:
    """Two addresses in one, of an account made before addresses were looked at; and a row of another age."""
    world = idle_world
    mike = person(world, "mike")
    person(world, "odd", email="a@example.test, b@example.test")
    first, second = propose(world), propose(world)
    with transaction(world.engine) as session:
        rows = (Notification.hold_id == first, Notification.recipient == mike)
        session.execute(update(Notification).where(*rows).values(payload={"of": "another age"}))
    teller = notifier(world)

    async with mailbox.running():
        await teller.sweep()
        await teller.sweep()

    [mail] = mailbox.mails()
    assert (mail["To"], str(second) in mail.get_content()) == (mike, True)
    rows_of = {(row.recipient, row.hold_id): row for row in outbox(world)}
    lost = rows_of[mike, first]
    assert (lost.attempts, lost.sent_at) == (1, None)
    assert lost.given_up_at is not None
    assert rows_of[mike, second].sent_at is not None
    assert [row.attempts for row in rows_of.values() if row.recipient != mike] == [1, 1]
    told = [event.detail["recipient"] for event in events(world, first, "notification_given_up")]
    assert sorted(told) == sorted(["a@example.test, b@example.test", mike])
    with transaction(world.engine) as session:
        assert (notifications.undelivered(session), notifications.given_up(session)) == (0, 3)
    assert b"hold_notifications_given_up 3.0" in Metrics(world.engine).text()


async def test_what_would_arrive_otherwise_than_meant_is_not_sent(
    idle_world: World, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever lets a header through one day: the mail is read back, and one that differs stays here."""
    world = idle_world
    person(world, "mike")
    one, other = propose(world), propose(world)

    def broken(mail: Any) -> bytes:
        if str(one) in mail.body:
            raise UnfitMailError("it would not arrive as it is meant, it has other headers")
        return written(mail)

    written = sending.written
    monkeypatch.setattr(sending, "written", broken)
    async with mailbox.running():
        await notifier(world).sweep()

    [mail] = mailbox.mails()
    assert str(other) in mail.get_content()
    [row] = [row for row in outbox(world) if row.hold_id == one]
    assert "other headers" in (row.last_error or "")
    assert row.given_up_at is not None


async def test_a_digest_that_no_mail_can_carry_goes_one_by_one(
    idle_world: World, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = idle_world
    person(world, "mike")
    propose(world)
    propose(world)
    whole = notices.mail

    def only_one(given: list[Notice], url: str) -> tuple[str, str]:
        if len(given) > 1:
            raise ValueError("too much for one mail")
        return whole(given, url)

    monkeypatch.setattr(notices, "mail", only_one)
    teller = notifier(world)
    async with mailbox.running():
        while any(row.sent_at is None for row in outbox(world)):
            await teller.sweep()

    assert len(mailbox.mails()) == 2
