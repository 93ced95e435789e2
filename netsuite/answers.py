"""From an HTTP answer, or the lack of one, to the error that says what it means for a hold."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import httpx

from netsuite.errors import (
    AuthenticationRefused,
    ConcurrencyLimited,
    ContentRefused,
    EditConflict,
    NetSuiteError,
    OutcomeUnknown,
    PermissionRefused,
    RecordNotFound,
    ServerFailure,
    UnexpectedAnswer,
    Unreachable,
)

SHORTEST_PAUSE = timedelta(seconds=1)
LONGEST_PAUSE = timedelta(minutes=10)
"""The bounds put on ``Retry-After``: a mistyped header must not park a hold for a year."""

THROTTLED = frozenset({"CONCURRENCY_LIMIT_EXCEEDED", "SSS_REQUEST_LIMIT_EXCEEDED"})
CHANGED_MEANWHILE = frozenset({"RCRD_HAS_BEEN_CHANGED"})

_BY_STATUS: dict[int, type[NetSuiteError]] = {
    HTTPStatus.BAD_REQUEST: ContentRefused,
    HTTPStatus.UNAUTHORIZED: AuthenticationRefused,
    HTTPStatus.FORBIDDEN: PermissionRefused,
    HTTPStatus.NOT_FOUND: RecordNotFound,
    HTTPStatus.REQUEST_TIMEOUT: OutcomeUnknown,
    HTTPStatus.CONFLICT: EditConflict,
    HTTPStatus.GONE: RecordNotFound,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ContentRefused,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ContentRefused,
    HTTPStatus.UNPROCESSABLE_ENTITY: ContentRefused,
    HTTPStatus.TOO_MANY_REQUESTS: ConcurrencyLimited,
}

_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def exchange(send: Callable[[], httpx.Response], what: str) -> httpx.Response:
    """The answer of ``send``; ``what`` names the request in messages, such as ``"PATCH customer/1001"``.

    Raises:
        Unreachable: the connection failed, so nothing was sent.
        OutcomeUnknown: a timeout, a reset or a cut-off answer after that.
        ServerFailure: a web page came, or the way to one: NetSuite's front, in a maintenance window for one.
    """
    try:
        answer = send()
    except _NOTHING_SENT as error:
        raise Unreachable(f"{what}: cannot reach NetSuite ({_cause(error)})") from error
    except httpx.RequestError as error:
        raise OutcomeUnknown(f"{what}: NetSuite's answer was lost ({_cause(error)})") from error
    if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and _leads_to_a_page(answer):
        raise ServerFailure(
            f"{what}: a web page came where data is due; check the account's address if it lasts",
            status=answer.status_code,
            retry_after=retry_after(answer),
        )
    return answer


def _leads_to_a_page(answer: httpx.Response) -> bool:
    """The API itself answers in JSON, refusals too, and never redirects."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return answer.is_redirect or kind == "text/html" or answer.content.lstrip()[:1] == b"<"


def refusal(answer: httpx.Response, what: str) -> NetSuiteError:
    """The error that ``answer`` stands for. Never raises: an unreadable body only makes the message shorter."""
    code, detail = said(answer)
    kind: type[NetSuiteError]
    if code in THROTTLED:
        kind = ConcurrencyLimited
    elif code in CHANGED_MEANWHILE:
        kind = EditConflict
    elif answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        kind = ServerFailure
    else:
        kind = _BY_STATUS.get(answer.status_code, UnexpectedAnswer)
    if kind is AuthenticationRefused:
        return AuthenticationRefused(f"{what} was refused", status=answer.status_code, code=code, detail=detail)
    pause = retry_after(answer) if issubclass(kind, ConcurrencyLimited | ServerFailure) else None
    return kind(f"{what} failed", status=answer.status_code, code=code, detail=detail, retry_after=pause)


def said(answer: httpx.Response) -> tuple[str | None, str | None]:
    """NetSuite's first ``o:errorCode`` and every ``detail``, or OAuth's ``error`` and its description."""
    try:
        body = json_body(answer)
    except ValueError:
        return None, None
    if not isinstance(body, dict):
        return None, None
    details = [entry for entry in body.get("o:errorDetails") or () if isinstance(entry, dict)]
    if details:
        code = next((str(entry["o:errorCode"]) for entry in details if entry.get("o:errorCode")), None)
        return code, " / ".join(_detail(entry) for entry in details) or None
    code = body.get("error")
    detail = body.get("error_description") or body.get("title")
    return (str(code) if code else None), (str(detail) if detail else None)


def json_body(answer: httpx.Response) -> Any:
    """The body as JSON, every number with a fraction as a :class:`~decimal.Decimal`.

    Raises:
        ValueError: the body is not JSON.
    """
    return json.loads(answer.content, parse_float=Decimal)


def retry_after(answer: httpx.Response) -> timedelta | None:
    """The ``Retry-After`` header as a pause from now, clamped to 1 s .. 10 min; None without one that can be read.

    Both forms of RFC 9110 section 10.2.3: whole seconds, or an HTTP date (measured against the answer's own ``Date``).
    """
    value = answer.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        pause = timedelta(seconds=min(int(value[:12]), LONGEST_PAUSE.total_seconds()))
    else:
        until = _http_date(value)
        if until is None:
            return None
        pause = until - (_http_date(answer.headers.get("date", "")) or datetime.now(UTC))
    return min(max(pause, SHORTEST_PAUSE), LONGEST_PAUSE)


def _http_date(value: str) -> datetime | None:
    try:
        instant = parsedate_to_datetime(value)
    except ValueError:
        return None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _detail(entry: dict[str, Any]) -> str:
    where = next((entry[key] for key in ("o:errorPath", "o:errorQueryParam", "o:errorHeader") if entry.get(key)), None)
    return f"{entry.get('detail', '')} (at {where})" if where else str(entry.get("detail", ""))


def _cause(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
