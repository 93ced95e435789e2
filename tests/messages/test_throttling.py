"""A provider that turns away a fourth connection, and puts single messages off: each leaves, once, in its turn."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.conftest import free_port
from tests.holds.helpers import workers
from tests.messages.mailing import Mailing
from tests.messages.post_office import read
from tests.notifications.helpers import notifier, person, propose
from tests.world import World

if TYPE_CHECKING:
    from email.message import EmailMessage

MOST = 3


class Provider:
    """Answers 421 to a connection too many, and 450 or 452 the first time that it is given a message."""

    def __init__(self) -> None:
        self.port = free_port()
        self.open = self.most_at_once = self.turned_away = 0
        self.put_off: Counter[str] = Counter()
        self.taken: list[tuple[str, EmailMessage]] = []

    def connection(self) -> asyncio.Protocol:
        return _TooMany(self) if self.open >= MOST else _Connection(self)

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.put_off[address] += 1
        if self.put_off[address] == 1:
            return "450 4.7.0 too many messages: try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(0.05)  # so that others want a connection meanwhile
        self.put_off[f"data {envelope.rcpt_tos[0]}"] += 1
        if self.put_off[f"data {envelope.rcpt_tos[0]}"] == 1:
            return "452 4.3.1 no room: try later"
        self.taken.append((envelope.rcpt_tos[0], read(envelope.original_content or b"")))
        return "250 OK"


class _Connection(SMTP):
    def __init__(self, provider: Provider) -> None:
        super().__init__(provider)
        self._provider = provider

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._provider.open += 1
        self._provider.most_at_once = max(self._provider.most_at_once, self._provider.open)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._provider.open -= 1
        super().connection_lost(error)


class _TooMany(asyncio.Protocol):
    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._provider.turned_away += 1
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"421 4.7.0 too many connections: try later\r\n")
        transport.close()


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    server = await asyncio.get_running_loop().create_server(made.connection, "127.0.0.1", made.port)
    yield made
    server.close()


async def test_notices_and_notifications_share_the_connections_and_each_leaves_once(
    idle_world: World, provider: Provider
) -> None:
    world = idle_world
    world.settings = world.settings.model_copy(update={"smtp_port": provider.port, "smtp_connections": MOST})
    people = [person(world, f"ann{number}") for number in range(8)]
    propose(world)
    mailing = Mailing(world)
    mailing.cooling_off(0)
    stop = asyncio.Event()
    async with workers(world):
        telling = [asyncio.create_task(notifier(world).run(stop)) for _ in range(2)]
        notices = [await mailing.draft() for _ in range(10)]
        await asyncio.gather(*(mailing.approve(notice) for notice in notices))
        assert await asyncio.gather(*(mailing.handle(notice).result() for notice in notices)) == ["sent"] * 10
        await world.eventually(lambda: {to for to, _ in provider.taken} >= set(people))
        stop.set()
        await asyncio.gather(*telling)

    got = Counter(to for to, _ in provider.taken)
    assert got == Counter([*people, *(mailing.show(notice)["recipient"] for notice in notices)])
    assert (provider.most_at_once, provider.turned_away) == (MOST, 0)
    for notice in notices:
        assert [one["outcome"] for one in mailing.show(notice)["deliveries"]] == ["try_later", "try_later", "accepted"]
