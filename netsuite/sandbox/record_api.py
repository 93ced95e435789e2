"""The NetSuite side: the token endpoint, customer GET and PATCH, and sales orders, as strict as the real thing."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import parse_qsl, quote, unquote

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from netsuite.oauth import TOKEN_PATH
from netsuite.sandbox.customer_fields import HOLD_FIELD, merged, shown, validation
from netsuite.sandbox.faults import Faults, Governor, strikes
from netsuite.sandbox.lost_answers import AnswerLost, ConnectionReset
from netsuite.sandbox.problems import Refusal, injected, invalid_login, nonexistent_id
from netsuite.sandbox.store import EXTERNAL, StoreThread, Write
from netsuite.sandbox.suiteql import asked
from netsuite.sandbox.tokens import GrantRefused, Tokens

RECORD_PATH = "/services/rest/record/v1/"
SINGULAR = "application/vnd.oracle.resource+json; type=singular"

_PAGE = "<!DOCTYPE html>\n<html><head><title>NetSuite</title></head><body>NetSuite is being maintained.</body></html>"
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_JSON_TYPES = frozenset({"application/json", "application/vnd.oracle.resource+json"})
_GET_PARAMETERS = frozenset({"fields", "expandSubResources", "simpleEnumFormat"})
_PATCH_PARAMETERS = frozenset({"replace"})
_ORDER_FIELDS = frozenset({"entity", "item", "memo", "tranDate", "otherRefNum", "terms", "location", "subsidiary"})


@dataclass(slots=True)
class Account:
    """Everything one running sandbox shares between its requests."""

    store: StoreThread
    tokens: Tokens
    governor: Governor
    hold_seconds: float
    faults: Faults
    enforces_holds: bool = True
    """The accounting preference *Customer Credit Limit Handling*: False for Ignore and Warn Only."""


class RecordApi:
    """The endpoints of the NetSuite side."""

    def __init__(self, account: Account) -> None:
        """Serve ``account``."""
        self._account = account

    async def token(self, request: Request) -> Response:
        """``POST /services/rest/auth/oauth2/v1/token``: a bearer token for a signed assertion."""
        if away := _away(self._account.faults):
            return away
        await asyncio.sleep(self._account.faults.latency_ms / 1000)
        if request.method != "POST":
            return _not_allowed("POST").response()
        if _media_type(request) != "application/x-www-form-urlencoded":
            return _oauth_error(GrantRefused("invalid_request", "the body must be form-encoded"))
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
        try:
            token, seconds = self._account.tokens.grant(form, _origin(request) + TOKEN_PATH)
        except GrantRefused as refused:
            return _oauth_error(refused)
        answer = {"access_token": token, "expires_in": f"{seconds:g}", "token_type": "bearer"}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    async def record(self, request: Request) -> Response:
        """Everything under ``/services/rest/record/v1/``: faults, sign-in, the limit, then the record itself."""
        segments = _segments(request)
        return await self._guarded(request, segments, lambda: self._dispatch(request, segments))

    async def suiteql(self, request: Request) -> Response:
        """``POST /services/rest/query/v1/suiteql``: the same faults, sign-in and limit as the records'."""
        return await self._guarded(request, [], lambda: self._query(request))

    async def _guarded(
        self, request: Request, segments: list[str], work: Callable[[], Awaitable[Response]]
    ) -> Response:
        account = self._account
        if away := _away(account.faults):
            return away
        if not account.tokens.good(request.headers.get("authorization")):
            return invalid_login().response()
        try:
            with account.governor.slot(account.faults.max_concurrency):
                await asyncio.sleep(account.faults.latency_ms / 1000)
                if strikes(account.faults.reset_rate):
                    await self._note_refused(request, segments)
                    return ConnectionReset()
                if strikes(account.faults.error_rate):
                    raise injected(account.faults.error_status)
                answer = await work()
        except Refusal as refusal:
            await self._note_refused(request, segments)
            return refusal.response()
        if segments and request.method in _WRITES:
            if strikes(account.faults.commit_then_timeout_rate):
                return AnswerLost(account.hold_seconds)
            if strikes(account.faults.commit_then_page_rate):
                return HTMLResponse(_PAGE)
        return answer

    async def _query(self, request: Request) -> Response:
        if request.method != "POST":
            raise _not_allowed("POST")
        body = await _json_object(request)
        question = asked(body, dict(request.query_params), request.headers.get("prefer"))
        page = await self._account.store.do(lambda store: store.suiteql(question))
        return Response(json.dumps(page), media_type="application/vnd.oracle.resource+json; type=collection")

    async def _dispatch(self, request: Request, segments: list[str]) -> Response:
        match segments:
            case ["customer", address] if address:
                if request.method == "GET":
                    return await self._read_customer(request, address)
                if request.method == "PATCH":
                    return await self._change_customer(request, address)
                raise _not_allowed("GET, PATCH")
            case ["salesOrder"]:
                if request.method == "POST":
                    return await self._create_sales_order(request)
                raise _not_allowed("POST")
            case ["customer"] | ["customer", ""]:
                raise _not_allowed("")
            case _:
                kind = segments[0] if segments else ""
                raise Refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", f"Record type '{kind}' does not exist.")

    async def _read_customer(self, request: Request, address: str) -> Response:
        _known_parameters(request, _GET_PARAMETERS)
        customer = await self._account.store.do(lambda store: store.customer(address))
        if customer is None:
            raise nonexistent_id()
        simple = request.query_params.get("simpleEnumFormat", "false").lower() == "true"
        body = shown(customer, request.query_params.get("fields"), simple_enums=simple)
        links = [{"rel": "self", "href": _location(request, "customer", customer["id"])}]
        return Response(json.dumps({"links": links} | body), media_type=SINGULAR)

    async def _change_customer(self, request: Request, address: str) -> Response:
        _known_parameters(request, _PATCH_PARAMETERS)
        rules = validation(
            request.headers.get("x-netsuite-propertynamevalidation"),
            request.headers.get("x-netsuite-propertyvaluevalidation"),
        )
        changes = await _json_object(request)
        write = Write(request.method, _path(request), address, changes)
        changed = await self._account.store.do(
            lambda store: store.change(write, lambda record: merged(record, changes, rules))
        )
        if changed is None:
            raise nonexistent_id()
        return Response(status_code=204, headers={"Location": _location(request, "customer", changed)})

    async def _create_sales_order(self, request: Request) -> Response:
        """A held customer may not order: "Customer is on credit hold." (as recorded by netsuite-php issue 85)."""
        body = await _json_object(request)
        stray = next((name for name in body if name not in _ORDER_FIELDS), None)
        if stray is not None:
            _invalid(f"The property '{stray}' is unknown for the record type 'salesOrder'.", stray)
        entity = body.get("entity")
        if not isinstance(entity, dict) or not ({"id", "externalId"} & entity.keys()):
            _invalid("Please enter value(s) for: Customer", "entity")
        address = str(entity["id"]) if "id" in entity else EXTERNAL + str(entity["externalId"])
        customer = await self._account.store.do(lambda store: store.customer(address))
        if customer is None:
            _invalid("You have entered an Invalid Field Value for the field: entity.", "entity")
        if customer[HOLD_FIELD] == "ON" and self._account.enforces_holds:
            raise Refusal(HTTPStatus.BAD_REQUEST, "USER_ERROR", "Customer is on credit hold.")
        number = await self._account.store.do(lambda store: store.add_sales_order(customer["id"], body))
        return Response(status_code=204, headers={"Location": _location(request, "salesOrder", str(number))})

    async def _note_refused(self, request: Request, segments: list[str]) -> None:
        """Keep a refused write to a customer in the ledger, with ``applied`` false."""
        if request.method not in _WRITES or segments[:1] != ["customer"] or len(segments) < 2:  # noqa: PLR2004
            return
        raw = await request.body()
        try:
            body = _json(raw)
        except ValueError:
            body = raw.decode("utf-8", "replace")
        write = Write(request.method, _path(request), segments[1], body)
        await self._account.store.do(lambda store: store.note_refused(write))


async def _json_object(request: Request) -> dict[str, Any]:
    if _media_type(request) not in _JSON_TYPES:
        detail = "The content type must be application/json."
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "INVALID_HEADER", detail, header="Content-Type")
    try:
        body = _json(await request.body())
    except ValueError:
        _invalid("Invalid content in the request body. Make sure that you provide valid JSON.")
    if not isinstance(body, dict):
        _invalid("Invalid content in the request body. It must be a JSON object.")
    return body


def _json(raw: bytes) -> Any:
    """The JSON value in ``raw``, by RFC 8259: no NaN, nothing infinite.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(raw, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits} is too large")
    return number


def _invalid(detail: str, path: str | None = None) -> NoReturn:
    raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_CONTENT", f"Error while accessing a resource. {detail}", path=path)


def _known_parameters(request: Request, known: frozenset[str]) -> None:
    stray = next((name for name in request.query_params if name not in known), None)
    if stray is not None:
        detail = f"Invalid query parameter name '{stray}'."
        raise Refusal(HTTPStatus.BAD_REQUEST, "INVALID_PARAMETER", detail, query=stray)


def _segments(request: Request) -> list[str]:
    """The path below the record root, split before it is unquoted: an id may contain a quoted slash."""
    return [unquote(segment) for segment in _path(request)[len(RECORD_PATH) :].split("/")]


def _path(request: Request) -> str:
    """The path as it was sent, still quoted."""
    raw: bytes = request.scope["raw_path"]
    return raw.decode("ascii", "replace")


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _origin(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


def _location(request: Request, kind: str, key: str) -> str:
    return str(request.url.replace(path=f"{RECORD_PATH}{kind}/{quote(key, safe='')}", query=""))


def _oauth_error(refused: GrantRefused) -> Response:
    status = HTTPStatus.UNAUTHORIZED if refused.error == "invalid_client" else HTTPStatus.BAD_REQUEST
    return JSONResponse({"error": refused.error, "error_description": refused.description}, status)


def _not_allowed(allow: str) -> Refusal:
    detail = "The HTTP method is not allowed for this resource."
    return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail, headers={"Allow": allow})


def _away(faults: Faults) -> Response | None:
    if faults.outage:
        why = "The service is temporarily unavailable."
        return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "UNEXPECTED_ERROR", why).response()
    if faults.maintenance == "page":
        return HTMLResponse(_PAGE)
    if faults.maintenance == "redirect":
        return RedirectResponse("https://system.netsuite.example/maintenance.html", HTTPStatus.FOUND)
    return None
