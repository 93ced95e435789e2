"""The door alone, in front of pages of a few lines: no database, no desk."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Form
from fastapi.responses import HTMLResponse, Response

from db.errors import BadInputError
from desk import problems
from desk.forms.door import FormDoor
from desk.pages import errors
from runtime.settings import Settings
from tests.desk.pages.reader import Page

_PAGE = """<html><head><meta name="csrf-token" content="fresh"></head><body><main id="main">
<form method="post" action="/things/a%20b/note?x=1"><input type="hidden" name="csrf_token" value="fresh">
<input type="hidden" name="revision" value="2"><input type="hidden" name="claim_id" value="new">
<textarea id="reason" name="reason" aria-describedby="why">
as it was</textarea><input name="title" value="old"><input type="checkbox" name="tick" value="yes" checked>
<input type="radio" name="scope" value="all" checked><input type="radio" name="scope" value="some">
<select name="role"><option>viewer</option><option value="admin">Admin</option></select>
<input type="password" name="password"><button>Go</button><button formaction="/things/gone">Other</button></form>
</main></body></html>"""
WORDS = '\n She said: "no" & <b>left</b>\n\n\u202eso'

Reason = Annotated[str, Form(max_length=40)]


def _app() -> FastAPI:
    app = FastAPI()
    settings = Settings()
    app.state.surroundings = SimpleNamespace(settings=settings)

    @app.get("/things/{name}")
    async def show(name: str) -> Response:
        return HTMLResponse(_PAGE if name != "empty" else "<html><main id='main'></main></html>")

    @app.post("/things/{name}/note")
    async def note(name: str, reason: Reason = "", title: Annotated[str, Form()] = "") -> Response:
        if title == "refuse":
            raise BadInputError("not like this")
        if title == "break":
            raise RuntimeError("a mistake")
        if title == "own":
            return HTMLResponse("<html><main id='main'><p>No form here.</p></main></html>", 409)
        return HTMLResponse(f"<pre>{len(reason)}|{reason!r}</pre>")

    @app.post("/things/gone")
    async def gone(reason: Reason = "") -> Response:
        raise BadInputError("not like this")

    problems.install(app)
    app.state.strangers = SimpleNamespace(admit=lambda *_: False)
    errors.install(app)
    return app


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    app = _app()
    app.middleware_stack = FormDoor(app.build_middleware_stack())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Accept": "text/html", "Referer": "http://desk/things/a%20b"}
    async with httpx.AsyncClient(transport=transport, base_url="http://desk", headers=headers) as client:
        yield client


async def send(http: httpx.AsyncClient, path: str = "/things/a b/note?x=1", **fields: str) -> tuple[int, Page]:
    answer = await http.post(path, data={"csrf_token": "old", "revision": "1", "claim_id": "old", **fields})
    return answer.status_code, Page(answer.text)


@pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
async def test_a_line_break_is_one_character(http: httpx.AsyncClient, line_end: str) -> None:
    body = ("a\n" * 20).replace("\n", line_end)
    for how in ({"data": {"reason": body}}, {"files": {"reason": (None, body)}}):
        answer = await http.post("/things/a b/note", **how)  # type: ignore[arg-type]
        assert answer.status_code == 200
        assert answer.text.startswith("<pre>40|")
        assert "\\r" not in answer.text


@pytest.mark.parametrize(("title", "status"), [("refuse", 422), ("break", 500)])
async def test_a_refused_form_comes_back_in_the_page_it_was_sent_from(
    http: httpx.AsyncClient, title: str, status: int
) -> None:
    got, page = await send(http, reason=WORDS, title=title, scope="some", role="admin", password="secret")
    assert got == status
    [form] = [one for one in page.forms if "note" in one.action]
    assert form.fields["reason"] == WORDS
    assert (form.fields["title"], form.fields["role"], form.fields["password"]) == (title, "admin", "")
    assert (form.fields["revision"], form.fields["claim_id"], form.fields["csrf_token"]) == ("1", "new", "fresh")
    assert "tick" not in form.fields
    assert [given["value"] for _, given in page.elements if given.get("type") == "radio" and "checked" in given] == [
        "some"
    ]
    assert "Nothing was done." in page.text


async def test_what_is_wrong_stands_beside_its_field(http: httpx.AsyncClient) -> None:
    status, page = await send(http, reason="x" * 52)
    assert status == 422
    assert "Reason: 52 characters; 40 at most" in page.text
    [area] = [given for tag, given in page.elements if tag == "textarea"]
    assert (area["aria-invalid"], area["aria-describedby"]) == ("true", "why wrong-reason")
    assert "x" * 52 in page.typed


async def test_a_page_without_the_form_gets_the_words_below(http: httpx.AsyncClient) -> None:
    status, page = await send(http, reason=WORDS, title="own")
    assert status == 409
    assert "No form here." in page.text
    [form] = page.forms
    assert form.fields["reason"].strip() == WORDS.strip()
    assert (form.action, form.fields["revision"]) == ("/things/a%20b/note?x=1", "1")


async def test_a_button_with_an_address_of_its_own_brings_its_form_back(http: httpx.AsyncClient) -> None:
    status, page = await send(http, "/things/gone", reason=WORDS)
    assert status == 422
    assert WORDS in page.typed


async def test_programs_are_answered_as_ever(http: httpx.AsyncClient) -> None:
    answer = await http.post("/things/a b/note", data={"title": "refuse"}, headers={"Accept": "application/json"})
    assert answer.json()["code"] == "bad_input"
