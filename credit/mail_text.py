"""What may stand in an e-mail. How its body looks as HTML: `rendering.texts`.

What people type is refused where mail cannot carry it; what other systems say of somebody (`harmless`) is replaced.
"""

import re
from email.errors import MessageError
from email.headerregistry import Address

from credit.plain_text import NotPlainTextError, normalize_newlines, plain, plain_line, replaced

_SUBJECT_LIMIT = 200
_BODY_LIMIT = 100_000
_ADDRESS_LIMIT = 254
"""Octets of an address in SMTP (RFC 5321, 4.5.3.1.3, less its brackets)."""

ENCODED_WORD = "=?"
"""What opens an encoded word (RFC 2047): some mail programs, and Python's own, take what follows for other text."""
_REPLACEMENT = "\ufffd"

_MAILBOX = re.compile(
    r'(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<name>[^"<>,;:@()\[\]\\]*?))\s*<(?P<address>[^<>]*)>|(?P<bare>[^<>]*)'
)


def clean_line(text: str, what: str) -> str:
    """Return a text that becomes part of a mail's header, without spaces around it.

    Args:
        text: what somebody typed.
        what: what the reader calls it, such as `the subject`.

    Raises:
        ValueError: it has line breaks, other control characters, or an encoded word; each could become a header.
    """
    try:
        text = plain_line(text.strip(" "))
    except NotPlainTextError as error:
        raise ValueError(f"{what}: {error}") from error
    if ENCODED_WORD in text:
        raise ValueError(f"{what} has “{ENCODED_WORD}”, from which mail programs make other text: take it out")
    return text


def harmless(text: str) -> str:
    """Return text of another system's, such as a customer's name, as one line that `clean_line` takes.

    White space becomes single spaces; what is refused where somebody types it shows as � here.
    """
    return replaced(" ".join(text.split()), _REPLACEMENT).replace(ENCODED_WORD, f"={_REPLACEMENT}")


def clean_subject(subject: str) -> str:
    """Return the subject as it is kept.

    Raises:
        ValueError: it is empty, too long, or what `clean_line` refuses.
    """
    subject = clean_line(subject.strip(), "the subject")
    if not subject:
        raise ValueError("the subject is empty: write one line")
    if len(subject) > _SUBJECT_LIMIT:
        raise ValueError(f"the subject has {len(subject)} characters: shorten it to {_SUBJECT_LIMIT}")
    return subject


def clean_body(body: str) -> str:
    r"""Return the body as it is kept: lines end in `\n`.

    Raises:
        ValueError: it is empty, too long, or has control characters.
    """
    try:
        body = plain(normalize_newlines(body))
    except NotPlainTextError as error:
        raise ValueError(f"the text: {error}") from error
    if not body.strip():
        raise ValueError("the text is empty: write something, or discard the message")
    if len(body) > _BODY_LIMIT:
        raise ValueError(f"the text has {len(body)} characters: shorten it to {_BODY_LIMIT}")
    return body


def clean_address(address: str) -> str:
    """Return an address that mail can be sent to, its domain in ASCII (IDNA).

    Raises:
        ValueError: it is not one plausible e-mail address.
    """
    address = address.strip()
    problem = f"{address[:_ADDRESS_LIMIT]!r} is not an e-mail address: give one address like ap@example.com"
    local, at, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
        parsed = Address(addr_spec=f"{local}@{domain}")
    except (MessageError, ValueError, IndexError) as error:
        raise ValueError(problem) from error
    labels = domain.split(".")
    plausible = (
        at
        and parsed.username == local
        and local.isascii()
        and local.isprintable()
        and ENCODED_WORD not in local
        and not set(local) & set(' "(),:;<>@[\\]')
        and len(labels) > 1
        and all(label and label.replace("-", "").isalnum() and label.strip("-") == label for label in labels)
        and len(local) + 1 + len(domain) <= _ADDRESS_LIMIT
    )
    if not plausible:
        raise ValueError(problem)
    return f"{local}@{domain}"


def mailbox(text: str) -> Address:
    """Read a mailbox, with or without a name: `Credit team <credit@example.com>`.

    A name with any of `,;:@()[]` stands in double quotes.

    Raises:
        ValueError: it is none, or more than one.
    """
    found = _MAILBOX.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not one mailbox: write it like Credit team <credit@example.com>")
    quoted = re.sub(r"\\(.)", r"\1", found["quoted"] or "")
    name = clean_line(found["name"] or quoted, "the name before the address")
    return Address(display_name=name, addr_spec=clean_address(found["address"] or found["bare"] or ""))
