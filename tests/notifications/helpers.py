"""People to tell, a mail server that can go away, and a webhook's receiver."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from aiosmtpd.smtp import SMTP, Envelope
from sqlalchemy import select
from sqlalchemy.orm import Session

from credit.states import NotificationChannel, Verdict
from credit.triggers import Trigger, TriggerKind
from db.act import Act
from db.engine import transaction
from db.holds import decisions, holds, proposals
from db.models import Notification, User
from services.notifier import Notifier
from starter.stack.mail_sink import MailSink
from tests.world import World

QUICK = timedelta(milliseconds=200)
NOW = timedelta(0)


def person(world: World, login: str, role: str = "approver", *, email: str | None = "", disabled: bool = False) -> str:
    """Make a person; returns their address."""
    address = f"{login}@example.test" if email == "" else email
    with transaction(world.engine) as session:
        disabled_at = datetime.now(UTC) if disabled else None
        session.add(User(login=login, name=login.title(), email=address, role=role, disabled_at=disabled_at))
    return address or ""


def propose(world: World, customer: str | None = None, **how: Any) -> UUID:
    """Propose a hold as the workflow's activity would; returns its id."""
    customer = customer or world.customer(in_netsuite=False)
    with transaction(world.engine) as session:
        return open_hold(session, customer, **how)


def open_hold(
    session: Session, customer: str, *, kind: TriggerKind = TriggerKind.MANUAL, actor: str = "robin", reason: str = "x"
) -> UUID:
    now = datetime.now(UTC)
    trigger = Trigger(id=str(uuid4()), kind=kind, reason=reason, actor=actor, at=now)
    opened = proposals.open_hold(
        Act.of_system(session, now), customer_id=customer, new_hold_id=uuid4(), triggers=[trigger], run_id="r"
    )
    assert opened.hold is not None
    return opened.hold.hold_id


def decide(world: World, hold_id: UUID, verdict: Verdict, *, actor: str = "mike") -> str:
    """Decide, and obey the decision; returns what came of it."""
    now = datetime.now(UTC)
    with transaction(world.engine) as session:
        hold = holds.find(session, str(hold_id))
        claim, proposal = decisions.claim(Act(session, actor, now), hold)
        made = decisions.decide(
            Act(session, actor, now),
            hold,
            claim_id=claim.id,
            revision=proposal.revision,
            verdict=verdict,
            reason="they promised to pay",
        )
        assert not isinstance(made, decisions.FirstApproval)
        decisions.settle(Act.of_system(session, now), hold_id=hold_id, decision_id=made.id)
        return made.outcome or "waiting"


def outbox(world: World, channel: NotificationChannel = NotificationChannel.MAIL) -> list[Notification]:
    query = select(Notification).where(Notification.channel == channel)
    with transaction(world.engine) as session:
        return list(session.scalars(query.order_by(Notification.created_at, Notification.recipient)))


class PickySink(MailSink):
    """The mail sink, with addresses that it does not take."""

    refused: tuple[str, ...] = ()

    async def handle_RCPT(self, _: SMTP, __: object, envelope: Envelope, address: str, ___: object) -> str:  # noqa: N802
        if address in self.refused:
            return "550 no such user here"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@dataclass
class Mailbox:
    """A real SMTP server of this test's own, and what it took."""

    folder: Path
    port: int
    sink: PickySink = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.sink = PickySink(self.folder)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        server = await asyncio.get_running_loop().create_server(lambda: SMTP(self.sink), "127.0.0.1", self.port)
        try:
            yield
        finally:
            server.close()
            await server.wait_closed()

    def mails(self) -> list[EmailMessage]:
        files = sorted(self.folder.glob("*.eml"))
        return [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]  # type: ignore[misc]

    def by_recipient(self) -> dict[str, list[EmailMessage]]:
        found: dict[str, list[EmailMessage]] = {}
        for mail in self.mails():
            found.setdefault(str(mail["X-Envelope-To"]), []).append(mail)
        return found


def notifier(world: World, **pace: timedelta) -> Notifier:
    return Notifier(world.engine, world.settings, **({"sweep": QUICK, "retry_after": QUICK, "rest": NOW} | pace))


@dataclass
class Receiver:
    """A real HTTP server that answers with the next of `answers`, then with 204, and keeps what it was sent."""

    answers: list[int] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)
    url: str = ""

    def body(self, number: int = -1) -> Any:
        return json.loads(self.calls[number][1])


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.paths.add(self.path)
            receiver.calls.append((dict(self.headers.items()), body))
            status = receiver.answers.pop(0) if receiver.answers else 204
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("location", f"{receiver.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            receiver.paths.add(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
