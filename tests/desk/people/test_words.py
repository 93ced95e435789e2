"""Whatever is sent, and to whichever route: what is wrong with it is said in words, and nothing of it breaks."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from credit.permissions import Role
from tests.acting import bearer
from tests.desk.pages.reader import Page
from tests.desk.people.all_routes import routes
from tests.desk.people.browser import RunningDesk
from tests.desk.server import first_app
from tests.patience import PATIENCE
from tests.plain_text.test_doors import resolved

MACHINE = re.compile(
    r"\b[a-z]+_[a-z_]+|\b[A-Z]\w+(Error|Request|Form|Body)\b"
    r"|(Input|String|Value|Data|UUID) (should|input|error)|Field required|not permitted|[Pp]attern"
    r"|\b(?i:body|path|query|header|form)\.\w"
)
TYPED = "banana_split"
LONG = "9" * 3000
NOBODY = "00000000-0000-0000-0000-000000000000"
_PLACES = {"after", "held_after", "next", "reason"}
"""Where a list that is sorted by ids goes on, where a person goes on, what a form is filled with: any text is."""
_AWAY = {"/sign-out", "/sign-in/callback", "/sign-in/provider", "/api/docs", "/api/openapi.json", "/metrics"}


def judged(answer: httpx.Response) -> list[str]:
    """What of an answer is not in the reader's words. What was typed may be anything."""
    assert answer.status_code < 500 or "temporal" in answer.text.lower() or "NETSUITE" in answer.text, answer.text
    if answer.is_success or answer.is_redirect:
        return []
    if "json" in answer.headers["content-type"]:
        problem = answer.json()
        said = [problem["detail"], *(one["what"] for one in problem.get("errors", []))]
    else:
        said = [re.sub(r"<(pre|code|option|textarea|select).*?</\1>", "", answer.text, flags=re.DOTALL)]
        said = [Page(said[0]).text]
    found = MACHINE.findall("; ".join(said).replace(TYPED, ""))
    return [f"{answer.request.method} {answer.request.url.path} {answer.status_code}: {'; '.join(said)[:400]}"] * bool(
        found
    )


def address(path: str, name: str) -> str:
    return re.sub(r"\{[^}]+\}", name, path)


def nonsense(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[Any]:
    """Bodies of the right form with what makes no sense in every field."""
    yield from ([], {}, {"odd_one": 1})
    for value in (TYPED, -1, None, [], LONG):
        yield _filled(schema, document, value)
        yield dict.fromkeys(resolved(schema, document).get("properties", {}), value)


def _filled(schema: dict[str, Any], document: dict[str, Any], value: object) -> Any:
    schema = resolved(schema, document)
    if schema.get("type") == "array":
        return [_filled(schema["items"], document, value)]
    if "properties" in schema:
        return {name: _filled(inner, document, value) for name, inner in schema["properties"].items()}
    return value


def test_of_every_address_query_and_json_body(desk: RunningDesk) -> None:
    document, missed, tried = first_app().openapi(), [], 0
    with httpx.Client(base_url=desk.url, headers=bearer(desk.engine, "ada", Role.ADMIN), timeout=PATIENCE) as api:
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if path in _AWAY:
                    continue
                content = operation.get("requestBody", {}).get("content", {}).get("application/json")
                asked: list[tuple[str, dict[str, Any]]] = [(address(path, name), {}) for name in (TYPED, NOBODY)]
                for given in operation.get("parameters", []):
                    if given["in"] == "query":
                        values = (TYPED, "-1", LONG)
                        asked += [(address(path, NOBODY), {"params": {given["name"]: value}}) for value in values]
                for body in nonsense(content["schema"], document) if content else ():
                    asked.append((address(path, NOBODY), {"json": body}))
                for url, how in asked:
                    tried += 1
                    missed += judged(api.request(method, url, **how))
    assert missed == [], "\n".join(dict.fromkeys(missed))
    assert tried > 500


def forms() -> Iterator[tuple[str, set[str]]]:
    """Each address that takes a form, and its fields."""
    for context in routes():
        route = context.original_route
        if isinstance(route, APIRoute) and "POST" in route.methods and not route.include_in_schema:
            names = set()
            for one in (
                *route.dependant.body_params,
                *(p for d in route.dependant.dependencies for p in d.body_params),
            ):
                names |= set(getattr(one.field_info.annotation, "model_fields", {})) or {one.name}
            yield route.path, names


def test_of_every_form(desk: RunningDesk) -> None:
    ada, missed, tried = desk.signed_in(Role.ADMIN, "ada"), [], 0
    for path, names in forms():
        if path in _AWAY:
            continue
        for value in ("", TYPED, LONG):
            for name in (TYPED, NOBODY):
                tried += 1
                missed += judged(ada.post(address(path, name), **dict.fromkeys(names - {"csrf_token"}, value)))
    assert missed == [], "\n".join(dict.fromkeys(missed))
    assert tried > 200


def pages() -> Iterator[tuple[str, list[str]]]:
    """Each page, and what its address may say behind the question mark."""
    for context in routes():
        route = context.original_route
        if isinstance(route, APIRoute) and "GET" in route.methods and not route.include_in_schema:
            parts = (route.dependant, *route.dependant.dependencies)
            yield route.path, sorted({one.alias for part in parts for one in part.query_params})


def test_of_every_page(desk: RunningDesk) -> None:
    ada, missed, tried = desk.signed_in(Role.ADMIN, "ada"), [], 0
    for path, names in pages():
        if path in _AWAY:
            continue
        for name in names or [""]:
            for value in (TYPED, "-1", LONG):
                tried += 1
                missed += judged(ada.get(address(path, TYPED), params={name: value} if name else {}))
    assert missed == [], "\n".join(dict.fromkeys(missed))
    assert tried > 100


@pytest.mark.parametrize("value", [TYPED, "-1", "25.000,50"])
def test_what_a_page_s_address_asks_for_and_cannot_be_understood_is_said(desk: RunningDesk, value: str) -> None:
    """No filter is dropped in silence, and none is guessed at: a filter that is words finds nothing, and says so."""
    ada, silent = desk.signed_in(Role.ADMIN, "ada"), []
    for path, names in pages():
        if "{" in path or path in _AWAY or path == "/queue/changes":  # which no person sees
            continue
        for name in set(names) - _PLACES:
            answer = ada.get(path, params={name: value})
            if answer.is_success and (answer.text == ada.get(path).text or value not in answer.text):
                silent.append(f"{path}?{name}={value[:30]}")
    assert silent == [], "\n".join(silent)
