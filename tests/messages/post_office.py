"""The mail servers of these tests: the sink of the embedded stack, and one that fails as it is told to."""

import asyncio
import subprocess
import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from starter.stack.parts import takes_mail
from tests.conftest import free_port, wait_until


def read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


class Sink:
    """`python -m starter.stack.mail_sink`, which can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.mail_dir = folder / "mail"
        self._log = folder / "mail-sink.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "starter.stack.mail_sink",
            "--port",
            str(self.port),
            "--dir",
            str(self.mail_dir),
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: takes_mail("127.0.0.1", self.port), self._process, self._log)

    def stop(self) -> None:
        assert self._process
        self._process.terminate()
        self._process.wait(20)

    def mails(self, recipient: str) -> list[EmailMessage]:
        """What arrived for an address, oldest first."""
        kept = [read(file.read_bytes()) for file in sorted(self.mail_dir.glob("*.eml"))]
        return [mail for mail in kept if recipient in mail.get_all("X-Envelope-To", [])]


class FailingServer:
    """Takes mail, unless it is told to fail."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[tuple[str, EmailMessage]] = []
        self.rcpt_answer = "250 OK"
        self.data_answer = "250 OK"
        self.hang_up_before_the_text = False
        self.lose_answers = False
        self.answers = asyncio.Event()
        """While it is clear, whole messages are kept waiting for their answer."""
        self.answers.set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self), "127.0.0.1", self.port)

    async def stop(self) -> None:
        assert self._server
        self._server.close()

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        if self.hang_up_before_the_text:
            _hang_up(server)
        return self.rcpt_answer

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data_answer.startswith("2"):
            self.taken.append((envelope.rcpt_tos[0], read(envelope.original_content or b"")))
        await self.answers.wait()
        if self.lose_answers:
            _hang_up(server)
        return self.data_answer


def _hang_up(server: SMTP) -> None:
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()
