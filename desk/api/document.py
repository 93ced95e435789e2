"""The OpenAPI document: FastAPI's, with what it cannot read off a route.

Security and who may are told by the route's `Needs`, refusals by `refuses` of the handler and all that it depends on,
examples by `examples`. Nothing is written down twice, so nothing can differ from what is done.
"""

import inspect
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from typing import Any, get_args

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import RouteContext, iter_route_contexts
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from credit.permissions import LEAST_ROLE, OF_SENDERS, PERSONS_ONLY, TOKENS_ONLY, Permission, Role, may
from db.errors import (
    NotAllowedError,
    OutOfScopeError,
    PersonNeededError,
    RefusedError,
    StaleRevisionError,
    UnknownSenderError,
)
from desk.access import CSRF_HEADER, SAFE_METHODS, CrossSiteError, Needs, NoCsrfTokenError
from desk.api import examples
from desk.problems import Problem, problem_of
from desk.security import TooLargeError
from desk.sign_in import cookies

INTRODUCTION = """
Propose, decide, watch and mend service holds. All that the pages and `hold` do is here.

**Who calls.** Programs send an API token as `Authorization: Bearer …` (`hold token create`); pages use the session's
cookie, and send its CSRF token with what changes something. Each operation says which role it takes.

**How a hold comes about.** `POST /api/holds` proposes it: nothing happens yet. An approver claims the proposal
(`POST …/claim`), reads it, and decides (`POST …/decision`) with the claim and the revision that was shown, in the body
or as `If-Match: "1"`. Who decides on an older revision is answered 412 (409 where the body named it), and looks again.
A release goes the same way, and so do messages to customers.

**Sending again.** A POST that carries an `Idempotency-Key` is done once: the same request under the same key gets the
first answer, for 24 hours. After a crash that may be `409 answer_lost`: it was done and its answer is lost, so look
before you send anything under another key. Events are known by their own ids instead.

**What is wrong** is told by a problem document (RFC 9457): go by `code`, which never changes; `detail` is for people,
and says what to do. 503 carries `Retry-After`.

**Lists** are read in pages: `limit`, and `cursor` from `next_cursor` of the page before (or the `Link` header). `ETag`
and `If-None-Match` save what has not changed.

**Amounts** are strings such as `"1250.00"`, never JSON numbers; **times** are UTC, as ISO 8601 writes them
(`2027-03-01T09:15:00Z`), and days are UTC's.
"""

TAGS = {
    "holds": "Propose a hold or its release, claim, decide, undo; what lets through while it is in force; its beats.",
    "messages": "Drafted e-mails: edited in revisions, approved as shown, recalled, delivered.",
    "customers": "Whom holds are about: what they owe, and who is exempt from automatic holds.",
    "accounting profiles": "Credit status and limit, and what the Credit Hold page blocks.",
    "front and back office": "May it be ordered, rated, moved? Orders, loads and tariffs.",
    "events": "What happened outside, told by a sender: each counts once, under its id.",
    "netsuite": "Where NetSuite and the record differ, and what is done about it.",
    "AR aging": "The scan that proposes holds, its schedule, a trial of another policy; the ledger out of NetSuite.",
    "report": "What holds came to.",
    "policy": "The numbers that the rules go by, in versions.",
    "org settings": "Organisations, and what happens in them without a person.",
    "templates": "The texts that messages are drafted from, in versions.",
    "audit": "Who did what, when and why: searched, exported, verified.",
    "people": "Accounts, roles, tokens, absences with their stand-ins.",
}

_TOKEN, _SESSION, _CSRF, _SIGNATURE = "token", "session", "csrf", "signature"
_SCHEMES = {
    _TOKEN: {"type": "http", "scheme": "bearer", "description": "An API token: `hold token create`."},
    _SESSION: {"type": "apiKey", "in": "cookie", "name": cookies.SESSION, "description": "A browser, signed in."},
    _CSRF: {"type": "apiKey", "in": "header", "name": CSRF_HEADER, "description": "The session's, in each page."},
    _SIGNATURE: {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks, with `webhook-id` and `webhook-timestamp`, by HOLD_EVENTS_SECRET.",
    },
}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def install(app: FastAPI) -> None:
    """Have `app.openapi()` return the document."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _Document(plain()).tell(app)
        return app.openapi_schema  # type: ignore[return-value]  # `plain` put it there

    app.openapi = openapi  # type: ignore[method-assign]


class _Document:
    def __init__(self, document: dict[str, Any]) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        self._document = document
        self._bodies = {type(one): one for one in examples.bodies(now)}
        self._refusals: dict[type[Exception], list[Exception]] = {}
        for one in examples.refusals(now):
            self._refusals.setdefault(type(one), []).append(one)

    def tell(self, app: FastAPI) -> None:
        components = self._document["components"]
        components["securitySchemes"] = _SCHEMES
        components["schemas"]["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            components["schemas"].pop(unused, None)
        for route in iter_route_contexts(app.routes):
            for method in (route.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}:
                operation = self._document["paths"].get(route.path_format, {}).get(method.lower())
                if operation is not None:
                    self._operation(operation, method, route)

    def _operation(self, operation: dict[str, Any], method: str, route: RouteContext) -> None:
        needs = next((call for call in _calls(route.dependant) if isinstance(call, Needs)), None)
        summary, *more = re.split(r"\.(?:\s+|$)", inspect.cleandoc(route.endpoint.__doc__ or ""), maxsplit=1)
        operation["summary"] = summary.replace("\n", " ")
        operation["description"] = "\n\n".join(
            [*filter(None, more), _who_may(needs.permission) if needs else "Takes no token: anybody may."]
        )
        operation["security"] = _security(needs, method) if needs else []
        for parameter in operation.get("parameters", ()):
            if parameter["in"] == "path":
                own = parameter["schema"].get("examples")
                parameter["example"] = own[0] if own else examples.in_a_path(parameter["name"])
        if "requestBody" in operation:
            shown = {
                model.__name__: {"value": self._body(model)}
                for model in _models(route.body_field.field_info.annotation)
            }
            operation["requestBody"]["content"]["application/json"]["examples"] = shown
        answers = {status: one for status, one in operation["responses"].items() if status < "400"}
        operation["responses"] = answers | self._problems(needs, method, route)

    def _body(self, model: type[BaseModel]) -> dict[str, Any]:
        return self._bodies[model].model_dump(mode="json", exclude_unset=True, by_alias=True)

    def _problems(self, needs: Needs | None, method: str, route: RouteContext) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for error in self._errors(needs, method, route):
            for if_match in {False, isinstance(error, StaleRevisionError)}:
                body = _json(problem_of(error, if_match=if_match))
                code, codes = body["code"], found.setdefault(str(body["status"]), {})
                about = type(error).__doc__ if isinstance(error, RefusedError) else None
                if code not in codes:
                    codes[code] = self._shared(code, {"value": body} | ({"description": about} if about else {}))
        return {
            status: {
                "description": f"{HTTPStatus(int(status)).phrase}: {', '.join(f'`{code}`' for code in shown)}",
                "content": {"application/problem+json": {"schema": _PROBLEM, "examples": shown}},
            }
            for status, shown in sorted(found.items())
        }

    def _shared(self, code: str, shown: dict[str, Any]) -> dict[str, str]:
        """Put an example where operations share it; one code may have several."""
        there = self._document["components"].setdefault("examples", {})
        names = (f"{code}-{number}" if number else code for number in count())
        name = next(name for name in names if there.setdefault(name, shown) == shown)
        return {"$ref": f"#/components/examples/{name}"}

    def _errors(self, needs: Needs | None, method: str, route: RouteContext) -> Iterator[Exception]:
        if route.body_field:
            yield from _UNREADABLE
        invalid = _invalid(route)
        if invalid is not None:
            yield invalid
        for call in _calls(route.dependant):
            for kind in getattr(call, "refusals", ()):
                if needs and call is needs and kind is NotAllowedError:
                    yield from _not_allowed(needs.permission)
                else:
                    yield from self._refusals[kind]
        if method not in SAFE_METHODS:
            yield from (CrossSiteError(), TooLargeError(), *([NoCsrfTokenError()] if needs else []))
        yield _DATABASE_AWAY


_UNREADABLE = (
    RequestValidationError([{"type": "json_invalid", "loc": ("body", 1), "msg": "JSON decode error"}]),
    HTTPException(HTTPStatus.BAD_REQUEST, "There was an error parsing the body"),
)
_DATABASE_AWAY = OperationalError(None, None, Exception())


def _all_of(dependant: Dependant) -> Iterator[Dependant]:
    """Yield the handler and everything that it depends on."""
    yield dependant
    for below in dependant.dependencies:
        yield from _all_of(below)


def _calls(dependant: Dependant) -> Iterator[Any]:
    return (one.call for one in _all_of(dependant))


def _who_may(permission: Permission) -> str:
    least = LEAST_ROLE[permission].label
    if permission in TOKENS_ONLY:
        return f"Takes an API token of the role `sender` or from `{least}` on; no person's session may."
    sender = ", and a `sender`'s token" if permission in OF_SENDERS else ""
    whose = "a person or of a token that a person owns" if permission in PERSONS_ONLY else "a person or an API token"
    return f"Takes the role `{least}` or above, of {whose}{sender}."


def _security(needs: Needs, method: str) -> list[dict[str, list[str]]]:
    ways = [[_TOKEN]]
    if needs.permission not in TOKENS_ONLY:
        ways.append([_SESSION] if method in SAFE_METHODS else [_SESSION, _CSRF])
    if UnknownSenderError in needs.refusals:
        ways.append([_SIGNATURE])
    return [{scheme: [] for scheme in way} for way in ways]


def _not_allowed(permission: Permission) -> Iterator[NotAllowedError]:
    """Yield the refusals of the highest role that may not, and of tokens that may less than their role."""
    short = [role for role in Role if not may(role, permission)]
    if short:
        yield NotAllowedError("erp" if max(short) is Role.SENDER else "vera", max(short), permission)
    if permission is not Permission.KNOW_ONESELF:
        yield OutOfScopeError("dashboard", permission, [Permission.KNOW_ONESELF])
    if permission in PERSONS_ONLY:
        yield PersonNeededError("dashboard", permission)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _invalid(route: RouteContext) -> RequestValidationError | None:
    """Return what the route says of nonsense; None where it takes everything."""
    if route.body_field:
        model = next(_models(route.body_field.field_info.annotation))
        senseless: tuple[dict[str, object], ...] = ({}, {"surprise": 1}, {name: {} for name in model.model_fields})
        for nonsense in senseless:
            try:
                model.model_validate(nonsense)
            except ValidationError as error:
                return RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors()])
    for dependant in _all_of(route.dependant):
        for place in ("path", "query", "header"):
            for field in getattr(dependant, f"{place}_params"):
                _, wrong = field.validate("\0", {}, loc=(place, field.alias))
                if wrong:
                    return RequestValidationError(wrong)
    return None


def _json(response: JSONResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(bytes(response.body))
    return body
