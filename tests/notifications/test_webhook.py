"""The webhook: signed after Standard Webhooks, under one id for as long as it takes, and silent when it is unwanted."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from credit.states import NotificationChannel, Verdict
from services.notifier import Notifier
from tests.notifications.helpers import Receiver, decide, notifier, outbox, person, propose, receiving
from tests.patience import PATIENCE
from tests.world import World

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK = NotificationChannel.WEBHOOK


@pytest.fixture
def receiver(idle_world: World) -> Iterator[Receiver]:
    with receiving() as made:
        idle_world.settings.webhook_url = made.url
        idle_world.settings.webhook_secret = SecretStr(SECRET)
        idle_world.settings.desk_url = "https://desk.example.test"
        yield made


async def sweep_until(teller: Notifier, receiver: Receiver, calls: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while len(receiver.calls) < calls:
            await teller.sweep()
            await asyncio.sleep(0.05)


async def test_what_happened_is_told_signed(idle_world: World, receiver: Receiver) -> None:
    world = idle_world
    customer = world.customer(in_netsuite=False)
    hold_id = propose(world, customer)
    await notifier(world).sweep()
    decide(world, hold_id, Verdict.DECLINE)
    await notifier(world).sweep()
    await notifier(world).sweep()

    assert len(receiver.calls) == 2
    for headers, body in receiver.calls:
        Webhook(SECRET).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body.replace(b"40000", b"1"), headers)
        assert "application/json" in str(headers)
    opened, decided = receiver.body(0), receiver.body(1)
    assert (opened["type"], decided["type"]) == ("proposal.opened", "proposal.decided")
    assert opened["data"]["customer_id"] == customer
    assert opened["data"]["total_open"] == "40000.00"
    assert opened["data"]["link"] == f"https://desk.example.test/holds/{hold_id}"
    assert (decided["data"]["verdict"], decided["data"]["decided_by"]) == ("decline", "mike")
    assert set(opened) == {"type", "timestamp", "data"}


async def test_what_is_not_taken_comes_again_under_the_same_id(idle_world: World, receiver: Receiver) -> None:
    world = idle_world
    receiver.answers = [500, 302, 429]
    propose(world)

    await sweep_until(notifier(world), receiver, 4)

    ids = {headers["webhook-id"] for headers, _ in receiver.calls}
    [row] = outbox(world, WEBHOOK)
    assert ids == {str(row.id)}
    assert isinstance(row.id, UUID)
    assert (row.attempts, row.last_error) == (4, None)
    assert row.sent_at is not None
    assert receiver.paths == {"/hook"}  # redirects are not followed


async def test_an_error_shows_in_the_row(idle_world: World, receiver: Receiver) -> None:
    receiver.answers = [503]
    propose(idle_world)
    await notifier(idle_world, retry_after=timedelta(hours=1)).sweep()
    [row] = outbox(idle_world, WEBHOOK)
    assert (row.attempts, row.last_error, row.sent_at) == (1, "answered 503", None)


async def test_gone_is_gone(idle_world: World, receiver: Receiver) -> None:
    world = idle_world
    receiver.answers = [410]
    teller = notifier(world)
    propose(world)
    await teller.sweep()
    propose(world)
    for _ in range(3):
        await teller.sweep()

    assert len(receiver.calls) == 1
    [row] = outbox(world, WEBHOOK)
    assert row.last_error == "410 Gone: the webhook wants no more"


async def test_two_notifiers_call_once_each(idle_world: World, receiver: Receiver) -> None:
    world = idle_world
    for _ in range(20):
        propose(world)
    await asyncio.gather(*(notifier(world, retry_after=timedelta(hours=1)).sweep() for _ in range(3)))

    ids = [headers["webhook-id"] for headers, _ in receiver.calls]
    assert len(ids) == len(set(ids)) == 20


async def test_without_a_webhook_nothing_waits_for_one(idle_world: World) -> None:
    world = idle_world
    propose(world)
    assert len(outbox(world, WEBHOOK)) == 1
    await notifier(world).sweep()
    assert outbox(world, WEBHOOK) == []


async def test_a_webhook_that_is_away_keeps_no_mail_waiting(idle_world: World, receiver: Receiver) -> None:
    world = idle_world
    world.settings.webhook_url = "http://127.0.0.1:9/hook"
    world.settings.smtp_port = 9
    person(world, "mike")
    propose(world)
    await notifier(world).sweep()
    assert [(row.attempts, bool(row.last_error)) for row in (*outbox(world), *outbox(world, WEBHOOK))] == [
        (1, True)
    ] * 2


@pytest.mark.parametrize("secret", [None, SecretStr("whsec_"), SecretStr("whsec_abcde")])
async def test_a_webhook_without_a_secret_is_refused_at_the_start(idle_world: World, secret: SecretStr | None) -> None:
    idle_world.settings.webhook_url = "http://127.0.0.1:9/hook"
    idle_world.settings.webhook_secret = secret
    with pytest.raises(RuntimeError, match="HOLD_WEBHOOK_SECRET"):
        notifier(idle_world)
