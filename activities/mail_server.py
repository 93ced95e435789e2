"""The mail server that takes our mail: one message a connection, its phases kept apart (RFC 5321).

* MailServerError       it cannot have taken the message: try again later
  + RefusedMailError    it will never take this message as it is
* HandedOverError       it has the whole message, and its answer was lost
"""

import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

from credit.mail_text import clean_address, clean_subject
from credit.states import TextFormat
from db.models import MessageRevision
from rendering.texts import html_of

_PERMANENT = range(500, 600)
_TAKEN = range(200, 300)
_PLAIN_ASCII = policy.SMTP.clone(cte_type="7bit")  # any server carries it


class MailServerError(Exception):
    """The server is away, asks for patience, or cannot be talked to as configured: it has not taken the message."""


class RefusedMailError(MailServerError):
    """The server refuses this message for good (5xx to its sender, recipient or text)."""


class HandedOverError(Exception):
    """The whole message was handed over, and no answer came: it may have left."""


@dataclass(frozen=True)
class MailServer:
    """Where mail goes out, and in whose name."""

    host: str
    port: int
    sender: Address
    tls: Literal["none", "starttls", "tls"] = "none"
    username: str = ""
    password: str = field(default="", repr=False)
    patience: float = 60
    """Seconds to wait for a connection and for each answer …"""
    answer_patience: float = 600
    """… and for the one to the whole message (RFC 5321, 4.5.3.2.6): giving up sooner makes answers lost."""

    def send(self, mail: EmailMessage, recipient: str, hand_over: Callable[[], None]) -> str:
        """Send one message and return the server's answer; `hand_over` is called before the dot that ends it.

        Raises:
            MailServerError, RefusedMailError: it was not taken.
            HandedOverError: nobody knows.
        """
        content = re.sub(rb"(?m)^\.", b"..", mail.as_bytes())
        connection = self._connect()
        try:
            try:
                _expect(connection.mail(self.sender.addr_spec), 250)
                _expect(connection.rcpt(recipient), 250, 251)
                _expect(connection.docmd("DATA"), 354)
                connection.send(content)
                hand_over()
                connection.send(b".\r\n")  # where this fails, the last byte has not left
            except OSError as error:
                raise MailServerError(f"the connection to {self.host}:{self.port} broke: {error}") from error
            return self._answer(connection)
        finally:
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        """Return a connection that is ready for a message. Whatever is refused here is refused to every message."""
        try:
            return self._open()
        except OSError as error:
            raise MailServerError(f"no mail can be sent through {self.host}:{self.port}: {error}") from error

    def _open(self) -> smtplib.SMTP:
        name = self.sender.domain
        with ExitStack() as unless_ready:
            if self.tls == "tls":
                trusted = ssl.create_default_context()
                connection: smtplib.SMTP = smtplib.SMTP_SSL(
                    self.host, self.port, local_hostname=name, timeout=self.patience, context=trusted
                )
            else:
                connection = smtplib.SMTP(self.host, self.port, local_hostname=name, timeout=self.patience)
            unless_ready.callback(connection.close)
            if self.tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
            connection.ehlo_or_helo_if_needed()
            if self.username:
                connection.login(self.username, self.password)
            unless_ready.pop_all()
        return connection

    def _answer(self, connection: smtplib.SMTP) -> str:
        """Return what the server says to the whole message."""
        try:
            if connection.sock is not None:
                connection.sock.settimeout(self.answer_patience)
            code, text = connection.getreply()
        except OSError as error:
            raise HandedOverError(f"the mail server had the whole message and did not answer: {error}") from error
        answer = _words(code, text)
        if code in _TAKEN:
            with suppress(OSError):
                connection.quit()
            return answer
        if code in _PERMANENT:
            raise RefusedMailError(answer)
        if code in range(400, 500):
            raise MailServerError(answer)
        raise HandedOverError(f"the mail server had the whole message and answered nonsense: {answer}")


def mailbox(text: str) -> Address:
    """Read a mailbox, with or without a name: `Credit team <credit@example.com>`.

    Raises:
        ValueError: it is none.
    """
    name, address = parseaddr(text)
    return Address(display_name=name, addr_spec=clean_address(address))


def compose(sender: Address, text: MessageRevision, message_id: str, at: datetime) -> tuple[EmailMessage, str]:
    """Return the mail that one revision makes, and the address it goes to.

    Raises:
        ValueError: mail cannot carry it; an approved revision was checked.
        BeyondLimitsError: its Markdown takes too much to lay out.
        RendererAwayError: nothing can be laid out right now.
    """
    recipient = clean_address(text.recipient or "")
    mail = EmailMessage(policy=_PLAIN_ASCII)
    mail["From"] = sender
    mail["To"] = Address(addr_spec=recipient)
    mail["Subject"] = clean_subject(text.subject)
    mail["Date"] = at
    mail["Message-ID"] = message_id
    mail.set_content(text.body)
    if text.format is TextFormat.MARKDOWN:
        body = html_of(text.body, text.format)
        mail.add_alternative(f"<!doctype html>\n<html><body>\n{body}</body></html>\n", subtype="html")
    return mail, recipient


def _expect(reply: tuple[int, bytes], *wanted: int) -> None:
    code, text = reply
    if code not in wanted:
        raise RefusedMailError(_words(code, text)) if code in _PERMANENT else MailServerError(_words(code, text))


def _words(code: int, text: bytes) -> str:
    return f"{code} {' '.join(text.decode(errors='replace').split())}".replace("\x00", "")
