# ruff: noqa: N818 - the names say what happened, and the two bases say what to do about it
"""What can go wrong with NetSuite, and what to do about each case.

The tree, with what raises each leaf::

    NetSuiteError
    ├── TransientError            try again later; nobody needs to be asked
    │   ├── Unreachable           no connection, or no token: the record request was never sent
    │   ├── OutcomeUnknown        timeout, reset or cut-off answer after sending: the write may have happened; read back
    │   ├── ServerFailure         HTTP 5xx, or a web page: NetSuite is down; a write may have happened; read back
    │   ├── ConcurrencyLimited    HTTP 429, or a throttling code: the account's shared limit is full
    │   ├── EditConflict          HTTP 409, or RCRD_HAS_BEEN_CHANGED: somebody saved the record at the same moment
    │   └── AuthenticationRefused 401 even with a fresh token, or no token granted; retried slowly until mended
    └── PermanentError            trying again cannot help; a person has to look
        ├── RecordNotFound        HTTP 404: no such record
        ├── ContentRefused        HTTP 400 and its kin: unknown field, bad value, a business rule (USER_ERROR)
        ├── PermissionRefused     HTTP 403: the integration's role may not do this
        └── UnexpectedAnswer      an answer this client cannot read, such as 200 where 204 is due, or an unknown enum id

Every error has ``retryable`` and ``retry_after``, so a caller needs no table of its own, and ``str(error)`` is one line
of at most :data:`MESSAGE_LIMIT` characters with the HTTP status, NetSuite's ``o:errorCode`` and its detail. Errors
survive ``copy`` and ``pickle``. Sources: the SuiteTalk REST error page (section_156570709583 in Oracle's help) and, for
429, what other clients have recorded.
"""

from datetime import timedelta
from typing import Any, ClassVar

MESSAGE_LIMIT = 500
"""The longest ``str(error)``, in characters."""

DETAIL_LIMIT = 240
"""The most of NetSuite's own text that a message quotes, in characters."""

OPERATOR_PAUSE = timedelta(minutes=5)
"""How long to wait before asking again when only an operator can mend the cause (credentials, certificate, role)."""


class NetSuiteAwayError(RuntimeError):
    """NetSuite cannot be asked now: it did not answer for as long as one is patient, or no account is configured."""


def one_line(text: str, limit: int) -> str:
    """``text`` with every run of white space and control characters made one blank, cut to ``limit`` characters."""
    flat = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return flat if len(flat) <= limit else flat[: limit - 1].rstrip() + "…"


class NetSuiteError(Exception):
    """The base of everything the client raises on purpose.

    Attributes:
        retryable: whether the same call can succeed later without anybody changing the request.
        retry_after: the least time to wait before the next try, where it is known; None leaves it to the caller.
        status: the HTTP status, or None where there was no answer.
        code: NetSuite's first ``o:errorCode`` (or OAuth's ``error``), or None.
        detail: NetSuite's own text, on one line and cut to :data:`DETAIL_LIMIT`, or None.
    """

    retryable: ClassVar[bool] = False
    advice: ClassVar[str] = ""
    pause: ClassVar[timedelta | None] = None
    """``retry_after`` where the caller knows none."""

    def __init__(
        self,
        what: str,
        *,
        status: int | None = None,
        code: str | None = None,
        detail: str | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        """Compose the message from ``what`` happened and what NetSuite said; the class adds what to do."""
        self.status = status
        self.code = one_line(code, 80) if code else None
        self.detail = one_line(detail, DETAIL_LIMIT) if detail else None
        self.retry_after = self.pause if retry_after is None else retry_after
        super().__init__(one_line(self._message(what), MESSAGE_LIMIT))

    def _message(self, what: str) -> str:
        said = " ".join(part for part in (f"HTTP {self.status}" if self.status else "", self.code or "") if part)
        heard = ": ".join(part for part in (said, self.detail or "") if part)
        return "; ".join(part.removesuffix(".") for part in (one_line(what, 140), heard, self.advice) if part)

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from the finished message, so that a copy says nothing twice."""
        return _rebuilt, (type(self), str(self), self.__dict__.copy())


def _rebuilt(kind: type[NetSuiteError], message: str, state: dict[str, Any]) -> NetSuiteError:
    error = kind.__new__(kind, message)
    error.__dict__.update(state)
    return error


class TransientError(NetSuiteError):
    """Trying again later can succeed, and nobody needs to be asked."""

    retryable = True


class Unreachable(TransientError):
    """No connection, or no answer from the token endpoint. The record request itself was never sent."""

    advice = "no record request was sent; check the network and NetSuite's status page if it lasts"


class OutcomeUnknown(TransientError):
    """The request was sent and no whole answer came back: a write may have happened. Read the record back."""

    advice = "the request may have been carried out; read the record back before deciding"


class ServerFailure(TransientError):
    """HTTP 5xx, or a web page: NetSuite is down or failed. As with :class:`OutcomeUnknown`, it may have written."""

    advice = "NetSuite is down or failed; retried until it answers"


class ConcurrencyLimited(TransientError):
    """HTTP 429 or a throttling code: the account's limit, shared by its integrations, is full. Nothing was written."""

    advice = "the account's concurrency limit is full; lower this integration's share if it lasts"


class EditConflict(TransientError):
    """Somebody else saved the record at the same moment. Nothing was written."""

    advice = "somebody saved the record at the same moment; the next try reads the new state"


class AuthenticationRefused(TransientError):
    """NetSuite refuses the credentials, even after one fresh token.

    Retryable, with ``retry_after`` of :data:`OPERATOR_PAUSE`: an operator mends a certificate or a role, and the work
    that waits should then go on by itself.
    """

    advice = "check client id, certificate id, key and role; see NetSuite's Login Audit Trail"
    pause = OPERATOR_PAUSE


class PermanentError(NetSuiteError):
    """Trying the same again cannot help: a person has to look."""

    retryable = False


class RecordNotFound(PermanentError):
    """HTTP 404: NetSuite has no such record, or no such record type."""

    advice = "check the customer's NetSuite id"


class ContentRefused(PermanentError):
    """HTTP 400 and its kin: an unknown field, a value NetSuite does not take, or a business rule said no."""

    advice = "NetSuite did not take this request; nothing was written"


class PermissionRefused(PermanentError):
    """HTTP 403: the integration's role lacks the permission."""

    advice = "give the integration's role access to this record"


class UnexpectedAnswer(PermanentError):
    """An answer that this client cannot read, or that does not mean what was asked for."""

    advice = "this client does not understand the answer; look at the record in NetSuite"
