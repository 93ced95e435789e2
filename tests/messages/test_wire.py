"""Whatever text is taken, the mail that a real mail server gets has exactly the headers and the body meant."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header

import pytest
from aiosmtpd.smtp import SMTP, Envelope
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.mail_server import MailServer
from credit import mail_wire
from credit.mail_text import clean_address, clean_body, clean_line, clean_subject, harmless, mailbox
from credit.mail_wire import Mail, UnfitMailError, written

AT = datetime(2026, 11, 27, 8, 30, 15, 123456, tzinfo=UTC)
FORGED = "=?utf-8?q?x=0D=0ABcc:_eve=40attacker.example=0D=0A=0D=0AClick_here?="


@dataclass
class Server:
    """A mail server in a thread of its own, and the last mail that it took."""

    port: int = 0
    taken: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: object, envelope: Envelope) -> str:  # noqa: ARG002, N802
        self.taken.append(envelope.original_content or b"")
        return "250 OK"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made, loop = Server(), asyncio.new_event_loop()
    listening = loop.run_until_complete(loop.create_server(lambda: SMTP(made), "127.0.0.1", 0))
    made.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield made
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    listening.close()
    loop.run_until_complete(listening.wait_closed())
    loop.close()


def send(server: Server, mail: Mail) -> None:
    MailServer(host="127.0.0.1", port=server.port, sender=mail.sender).send(mail, lambda: None)


def a_mail(subject: str = "Your account", body: str = "Please pay.\n", **more: object) -> Mail:
    values = {
        "sender": mailbox("Credit team <credit@example.com>"),
        "recipient": "ap@example.test",
        "at": AT,
        "message_id": "<0f3e@example.com>",
        "subject": subject,
        "body": body,
    }
    return Mail(**(values | more))  # type: ignore[arg-type]


_PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "=?",
            "?=",
            FORGED,
            "=?utf-8?b?DQpCY2M6IGV2ZQ==?=",
            "\r\nBcc: eve@attacker.example",
            "\n",
            "\u2028",
            "\x85",
            "\x0b",
            "  ",
            " ",
            "日本通運株式会社　東京",
            "Åse Økern",
            "نیک\u200cپی",
            "👩\u200d👩\u200d👧",
            "\u202e",
            "\ud800",
            "x" * 70,
            '"',
            "\\",
            "<a@b.example>",
            ", ",
            ";",
            ":",
            "(",
            ")",
        ]
    ),
)
TEXTS = st.lists(_PIECES, max_size=12).map("".join)
BODIES = st.lists(
    st.one_of(_PIECES, st.sampled_from(["\n", "\n.\n", "\n..", "From x\n", "--=\n", "y" * 1100])), max_size=12
)


@settings(deadline=None)
@given(subject=TEXTS, name=TEXTS, body=BODIES.map("".join))
def test_whatever_text_is_taken_arrives_as_it_is(server: Server, subject: str, name: str, body: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    try:
        subject, body = clean_subject(subject), clean_body(body)
    except ValueError:
        subject, body = harmless(f"x {subject}")[:200].strip(), "Please pay.\n"
    try:
        sender = mailbox(f'"{quoted}" <credit@example.com>')
    except ValueError:
        sender = mailbox("Credit team <credit@example.com>")
    else:
        assert sender.display_name == name.strip(" ")

    send(server, a_mail(subject, body, sender=sender, html=f"<p>{body}</p>\n"))

    read = message_from_bytes(server.taken.pop(), policy=policy.default)
    assert read.keys() == ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
    assert read["Subject"] == subject
    assert (read["To"], read["Message-ID"]) == ("ap@example.test", "<0f3e@example.com>")
    assert read["Date"].datetime == AT.replace(microsecond=0)
    assert [one.addr_spec for one in read["From"].addresses] == ["credit@example.com"]
    parts = [part.get_content().replace("\r\n", "\n") for part in read.iter_parts()]
    assert parts == [body if body.endswith("\n") else f"{body}\n", f"<p>{body}</p>\n"]


@settings(deadline=None)
@given(text=TEXTS)
def test_what_is_made_harmless_is_taken(text: str) -> None:
    assert clean_line(harmless(text), "it") == harmless(text)
    assert harmless(harmless(text)) == harmless(text)


@pytest.mark.parametrize(
    "name",
    ["Credit team", "J. Doe", 'Doe, "J"\\', "Åse Økern", "日本の与信管理チーム" * 5, "O'Brien (AR)", "a@b.example"],
)
def test_the_senders_name_arrives(server: Server, name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    send(server, a_mail(sender=mailbox(f'"{quoted}" <credit@example.com>')))
    content = server.taken.pop()
    assert all(len(line) <= 76 for line in content.split(b"\r\n\r\n")[0].split(b"\r\n"))
    raw, _, address = str(message_from_bytes(content)["From"]).replace("\r\n", "").rpartition(" ")
    read = str(make_header(decode_header(raw)))
    if read.startswith('"'):
        read = read[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    assert (read, address) == (name, "<credit@example.com>")


@pytest.mark.parametrize("long", ["word " * 39 + "end", "Überfällig " * 18, "日本" * 100, "x" * 200])
def test_a_long_subject_is_folded_and_arrives_whole(long: str) -> None:
    content = written(a_mail(long.strip()))
    lines = content.split(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(len(line) <= 78 for line in lines) or " " not in long
    assert message_from_bytes(content, policy=policy.default)["Subject"] == long.strip()


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": FORGED},
        {"subject": "x\r\nBcc: eve@attacker.example"},
        {"recipient": "a@example.test, b@example.test"},
        {"recipient": "a@example.test\r\nBcc: b@example.test"},
        {"recipient": "=?utf-8?q?a=0d=0aBcc:x?=@example.test"},
        {"recipient": ""},
        {"message_id": "<x@example.com>\r\nBcc: eve@attacker.example"},
        {"message_id": "none"},
        {"body": "\ud800"},
    ],
)
def test_what_no_mail_can_carry_never_reaches_the_server(server: Server, wrong: dict[str, str]) -> None:
    with pytest.raises(UnfitMailError):
        send(server, a_mail(**wrong))
    assert server.taken == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"Subject: Your account", b"Subject: Your account\r\nReply-To: eve@attacker.example"),
        (b"Subject: Your account", b"Subject: Your other account"),
        (b"To: ap@", b"To: eve@"),
        (b"Please pay.", b"Please pay eve."),
        (b"Subject: Your account\r\n", b"Subject: Your account\n"),
        (b"From: Credit", b"From: Debit"),
    ],
)
def test_a_mail_that_reads_otherwise_than_meant_is_found_out(
    monkeypatch: pytest.MonkeyPatch, before: bytes, after: bytes
) -> None:
    """As if the writing let something through: the reading does not."""
    check, mail = mail_wire._check, a_mail()
    good = written(mail)
    assert before in good
    names = list(message_from_bytes(good).keys())
    with pytest.raises(UnfitMailError, match="would not arrive as it is meant"):
        check(good.replace(before, after), mail, names)
    monkeypatch.setattr(mail_wire, "_folded", lambda name, text: f"{text}\r\nReply-To: eve@attacker.example")  # noqa: ARG005
    with pytest.raises(UnfitMailError, match="it has other headers"):
        written(mail)


@pytest.mark.parametrize(
    "address", ["=?utf-8?q?a?=@example.test", "a\x01@example.test", "a@example.test,b@example.test"]
)
def test_an_address_is_one_address(address: str) -> None:
    with pytest.raises(ValueError, match="not an e-mail address"):
        clean_address(address)
