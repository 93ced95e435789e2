"""The mail server that takes our mail: one message a connection, its phases kept apart (RFC 5321).

* UnfitMailError        it was not given to the server, for it would not arrive as it is meant (`credit.mail_wire`)
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
from email.headerregistry import Address
from typing import Literal

from credit.mail_text import clean_address
from credit.mail_wire import Mail, written
from credit.states import TextFormat
from db.models import MessageRevision
from rendering.texts import html_of

_PERMANENT = range(500, 600)
_TAKEN = range(200, 300)


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
    connections: int = 3
    """How many there may be at once, over all processes, for notices and for notifications together."""
    patience: float = 60
    """Seconds to wait for a connection and for each answer …"""
    answer_patience: float = 600
    """… and for the one to the whole message (RFC 5321, 4.5.3.2.6): giving up sooner makes answers lost."""

    def send(self, mail: Mail, hand_over: Callable[[], None]) -> str:
        """Send one message and return the server's answer; `hand_over` is called before the dot that ends it.

        Raises:
            UnfitMailError: it must not leave, whatever the server says.
            MailServerError, RefusedMailError: it was not taken.
            HandedOverError: nobody knows.
        """
        content = re.sub(rb"(?m)^\.", b"..", written(mail))
        connection = self._connect()
        try:
            try:
                _expect(connection.mail(self.sender.addr_spec), 250)
                _expect(connection.rcpt(clean_address(mail.recipient)), 250, 251)
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


def compose(sender: Address, text: MessageRevision, message_id: str, at: datetime) -> Mail:
    """Return the mail that one revision makes.

    Raises:
        BeyondLimitsError: its Markdown takes too much to lay out.
        RendererAwayError: nothing can be laid out right now.
    """
    html = None
    if text.format is TextFormat.MARKDOWN:
        html = f"<!doctype html>\n<html><body>\n{html_of(text.body, text.format)}</body></html>\n"
    return Mail(
        sender=sender,
        recipient=text.recipient or "",
        subject=text.subject,
        at=at,
        message_id=message_id,
        body=text.body,
        html=html,
    )


def _expect(reply: tuple[int, bytes], *wanted: int) -> None:
    code, text = reply
    if code not in wanted:
        raise RefusedMailError(_words(code, text)) if code in _PERMANENT else MailServerError(_words(code, text))


def _words(code: int, text: bytes) -> str:
    return f"{code} {' '.join(text.decode(errors='replace').split())}".replace("\x00", "")
