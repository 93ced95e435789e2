"""How a mail is written for the wire, and read back before it may leave: the one way out for every mail there is.

Python before 3.11.10 and 3.12.5 decodes encoded words (RFC 2047) in what it is given for a header and writes the line
breaks in them out as they are (CVE-2024-6923): whoever names a customer could add headers. So headers are encoded here
and not by `email.message`, and what comes out is parsed again: each header and each body has to be what was meant, and
there may be nothing else.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.header import Header, decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.utils import format_datetime, parsedate_to_datetime

from credit.mail_text import clean_address, clean_line
from credit.plain_text import normalize_newlines, with_line_feeds

_PLAIN_ASCII = policy.SMTP.clone(cte_type="7bit")  # any server carries it
_LINE = 78
"""Characters of a header's line (RFC 5322, 2.1.1); a single longer word is not broken."""
_ENCODED_LINE = 76
"""Characters of a line with an encoded word (RFC 2047, 2)."""
_LONGEST_LINE = 998
"""Octets of a line without its end (RFC 5322, 2.1.1)."""
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+>")
_LONE_LINE_END = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_FOLD = re.compile(r"\r?\n(?=[ \t])")


class UnfitMailError(ValueError):
    """A mail that must not leave: it cannot be written, or would not arrive as it was meant."""


@dataclass(frozen=True)
class Mail:
    """One mail to one address, as it is meant."""

    sender: Address
    recipient: str
    subject: str
    at: datetime
    message_id: str
    body: str
    html: str | None = None
    """The same text as HTML, sent beside it."""
    automatic: bool = False
    r"""Whether a program wrote it: no out-of-office answers then (RFC 3834)."""


def written(mail: Mail) -> bytes:
    r"""Return the mail as SMTP carries it, in ASCII, its lines ended by `\r\n`; it parses to exactly what is meant.

    Raises:
        UnfitMailError: it cannot be written so.
    """
    try:
        headers = dict(_headers(mail))
        mime = _mime(mail)
        lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
        content = "".join(lines).encode("ascii") + mime.as_bytes()
    except (ValueError, LookupError, AttributeError) as error:
        raise UnfitMailError(f"it cannot be written as a mail: {error}") from error
    _check(content, mail, [*headers, *mime.keys()])
    return content


def _headers(mail: Mail) -> Iterator[tuple[str, str]]:
    yield "From", _mailbox(mail.sender)
    yield "To", clean_address(mail.recipient)
    yield "Subject", _text("Subject", clean_line(mail.subject, "the subject"))
    yield "Date", format_datetime(mail.at)
    if not _MESSAGE_ID.fullmatch(mail.message_id):
        raise ValueError(f"{mail.message_id!r} is no Message-ID")
    yield "Message-ID", mail.message_id
    if mail.automatic:
        yield "Auto-Submitted", "auto-generated"


def _mailbox(mailbox: Address) -> str:
    name, address = clean_line(mailbox.display_name, "the sender's name"), clean_address(mailbox.addr_spec)
    if not name:
        return address
    if not name.isascii():
        name = _encoded("From", name)
    elif not _ATOMS.fullmatch(name):
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{address}>"


def _text(name: str, text: str) -> str:
    return _folded(name, text) if text.isascii() else _encoded(name, text)


def _encoded(name: str, text: str) -> str:
    """Return the text as encoded words, one a line."""
    return Header(text, "utf-8", _ENCODED_LINE, name).encode(linesep="\r\n")


def _folded(name: str, text: str) -> str:
    """Return ASCII text with line ends before single spaces: what unfolds it takes the line ends out again."""
    lines, room = [""], _LINE - len(name) - 2
    for part in re.findall(r"(?:^| )\S*(?:\s{2,}\S*)*", text):
        if lines[-1] and len(lines[-1]) + len(part) > room and part.strip():
            lines.append("")
            room = _LINE
        lines[-1] += part
    return "\r\n".join(lines)


def _mime(mail: Mail) -> EmailMessage:
    """Return the body with the headers that say how it is encoded, and no others."""
    made = EmailMessage(policy=_PLAIN_ASCII)
    made.set_content(mail.body)
    if mail.html is not None:
        made.add_alternative(mail.html, subtype="html")
    return made


# --- read back ---------------------------------------------------------------------------------------------------


def _check(content: bytes, mail: Mail, names: list[str]) -> None:
    """Compare what a reader makes of the mail with what is meant."""
    if _LONE_LINE_END.search(content) or any(len(line) > _LONGEST_LINE for line in content.split(b"\r\n")):
        raise _differs("a line does not end as lines of a mail do", "", "")
    read = message_from_bytes(content)
    if read.keys() != names:
        raise _differs("it has other headers", names, read.keys())
    meant = {
        "From": (mail.sender.display_name, mail.sender.addr_spec),
        "To": clean_address(mail.recipient),
        "Subject": clean_line(mail.subject, "the subject"),
        "Date": mail.at.replace(microsecond=0),
        "Message-ID": mail.message_id,
        **({"Auto-Submitted": "auto-generated"} if mail.automatic else {}),
    }
    for name, value in meant.items():
        found = _read(name, _FOLD.sub("", read[name]))
        if found != value:
            raise _differs(f"{name} differs", value, found)
    bodies = [("text/plain", mail.body), *([("text/html", mail.html)] if mail.html is not None else [])]
    parts = [part for part in read.walk() if not part.is_multipart()]
    if [part.get_content_type() for part in parts] != [kind for kind, _ in bodies]:
        raise _differs("it has other parts", [kind for kind, _ in bodies], [part.get_content_type() for part in parts])
    for (kind, body), part in zip(bodies, parts, strict=True):
        if part.defects or _content(part) != _ended(body):
            raise _differs(f"its {kind} differs", "", "")


def _read(name: str, value: str) -> object:
    match name:
        case "From":
            return _read_mailbox(value)
        case "Subject":
            return str(make_header(decode_header(value)))
        case "Date":
            return parsedate_to_datetime(value)
        case _:
            return value


def _read_mailbox(value: str) -> tuple[str, str]:
    name, bracket, address = value.removesuffix(">").rpartition(" <")
    if not bracket:
        return "", value
    if name.startswith('"'):
        return re.sub(r"\\(.)", r"\1", name[1:-1]), address
    return str(make_header(decode_header(name))), address


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    text = payload.decode(part.get_content_charset("ascii")) if isinstance(payload, bytes) else ""
    return with_line_feeds(text)


def _ended(body: str) -> str:
    body = normalize_newlines(body)
    return body if body.endswith("\n") else f"{body}\n"


def _differs(what: str, meant: object, found: object) -> UnfitMailError:
    said = f": {meant!r} was meant, {found!r} would arrive" if meant else ""
    return UnfitMailError(f"it would not arrive as it is meant, {what}{said}")
