"""NetSuite's error answers: media type and body as in Oracle's help, section_156570709583."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/vnd.oracle.resource+json; type=error"

_RFC2616_SECTIONS = {400: "10.4.1", 401: "10.4.2", 403: "10.4.4", 404: "10.4.5", 405: "10.4.6", 415: "10.4.16"}


class Refusal(Exception):  # noqa: N818 - it is an answer, not a failure of the server
    """A request NetSuite turns down, with everything its answer says."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        path: str | None = None,
        query: str | None = None,
        header: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """``path``, ``query`` and ``header`` name the property, query parameter or header at fault."""
        super().__init__(detail)
        self.status = status
        self.headers = headers
        where = {"o:errorPath": path, "o:errorQueryParam": query, "o:errorHeader": header}
        self.entry = {"detail": detail, "o:errorCode": code} | {key: name for key, name in where.items() if name}

    def response(self) -> Response:
        """The answer to send."""
        return error_response(self.status, self.entry, self.headers)


def error_response(status: int, entry: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
    """An answer with one ``o:errorDetails`` entry. NetSuite titles its 429 "Bad Request"."""
    title = "Bad Request" if status == HTTPStatus.TOO_MANY_REQUESTS else _phrase(status)
    section = _RFC2616_SECTIONS.get(status, "10.4.1" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "10.5.1")
    body = {
        "type": f"https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec{section}",
        "title": title,
        "status": status,
        "o:errorDetails": [entry],
    }
    return Response(json.dumps(body), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def invalid_login() -> Refusal:
    """No token, or one that is unknown or past its hour."""
    detail = "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI."
    return Refusal(401, "INVALID_LOGIN", detail, headers={"WWW-Authenticate": 'Bearer realm="NetSuite"'})


def nonexistent_id() -> Refusal:
    """The record type exists, the record does not."""
    return Refusal(404, "NONEXISTENT_ID", "The record instance does not exist. Provide a valid record instance ID.")


def concurrency_limit_exceeded() -> Refusal:
    """More requests at once than the account may have."""
    return Refusal(429, "CONCURRENCY_LIMIT_EXCEEDED", "Concurrent request limit exceeded. Request blocked.")


def injected(status: int) -> Refusal:
    """The answer of a fault that was switched on, as NetSuite would word that status."""
    if status == HTTPStatus.UNAUTHORIZED:
        return invalid_login()
    if status == HTTPStatus.NOT_FOUND:
        return nonexistent_id()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return concurrency_limit_exceeded()
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refusal(status, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: sandbox-fault.")
    code = "INSUFFICIENT_PERMISSION" if status == HTTPStatus.FORBIDDEN else "USER_ERROR"
    return Refusal(status, code, "This request was made to fail by the sandbox's error_rate.")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
