"""What may stand in an e-mail. How its body looks as HTML: `rendering.texts`."""

from email.errors import MessageError
from email.headerregistry import Address

_SUBJECT_LIMIT = 200
_BODY_LIMIT = 100_000
_ADDRESS_LIMIT = 254
"""Octets of an address in SMTP (RFC 5321, 4.5.3.1.3, less its brackets)."""


def clean_subject(subject: str) -> str:
    """Return the subject as it is kept.

    Raises:
        ValueError: it is empty, too long, or more than one line; a second line would become a header.
    """
    subject = subject.strip()
    if not subject:
        raise ValueError("the subject is empty: write one line")
    if len(subject) > _SUBJECT_LIMIT:
        raise ValueError(f"the subject has {len(subject)} characters: shorten it to {_SUBJECT_LIMIT}")
    if not subject.isprintable():
        raise ValueError("the subject must be one line of printable characters: take out line breaks and tabs")
    return subject


def clean_body(body: str) -> str:
    r"""Return the body as it is kept: lines end in `\n`.

    Raises:
        ValueError: it is empty, too long, or has control characters.
    """
    body = body.replace("\r\n", "\n").replace("\r", "\n")
    if not body.strip():
        raise ValueError("the text is empty: write something, or discard the message")
    if len(body) > _BODY_LIMIT:
        raise ValueError(f"the text has {len(body)} characters: shorten it to {_BODY_LIMIT}")
    if any((character < " " and character not in "\n\t") or "\ud800" <= character <= "\udfff" for character in body):
        raise ValueError("the text has control characters, which mail cannot carry: take them out")
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
        and not set(local) & set(' "(),:;<>@[\\]')
        and len(labels) > 1
        and all(label and label.replace("-", "").isalnum() and label.strip("-") == label for label in labels)
        and len(local) + 1 + len(domain) <= _ADDRESS_LIMIT
    )
    if not plausible:
        raise ValueError(problem)
    return f"{local}@{domain}"
