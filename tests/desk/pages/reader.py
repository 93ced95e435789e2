"""Somebody who reads pages and sends their forms, without JavaScript."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any

import httpx

from credit.permissions import Role
from tests.desk.server import DeskServer

_MACHINE_WORD = re.compile(r"\b[a-z]+_[a-z_]+\b")
_AS_IT_IS = frozenset({"pre", "code", "textarea", "del", "ins"})
"""Elements that show what a program stores, or what somebody typed."""
_VOID = frozenset({"input", "meta", "link", "br", "img", "rect"})


@dataclass
class Form:
    method: str
    action: str
    id: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    buttons: dict[str, dict[str, str]] = field(default_factory=dict)
    """What stands on the button -> its attributes."""


class Page(HTMLParser):
    """What a page says and what can be sent from it."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.said: list[str] = []
        self.badges: list[str] = []
        """What is said of a thing or a customer in a coloured word."""
        self.in_words: list[str] = []
        """What is said to people, in the desk's own words."""
        self.typed: list[str] = []
        """What stands in the fields that a person sees."""
        self.address = ""
        """Where it says it is: path and query."""
        self._badge = False
        self._open: list[str] = []
        self._button: tuple[dict[str, str], list[str]] | None = None
        self._link: tuple[str, list[str]] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._select = ""
        self._elsewhere: list[tuple[str, dict[str, str]]] = []
        self.feed(source)
        for words, given in self._elsewhere:  # a button may stand outside of its form
            next(form for form in self.forms if form.id == given["form"]).buttons[words] = given

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def form_with(self, button: str) -> Form:
        found = [form for form in self.forms if button in form.buttons]
        assert found, f"no button {button!r}; there are {[list(form.buttons) for form in self.forms]}"
        return found[0]

    def offers(self, button: str) -> bool:
        return any(button in form.buttons for form in self.forms)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        self._badge = "badge" in given.get("class", "").split()
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "form":
            self.forms.append(Form(given.get("method", "get"), given["action"], given.get("id", "")))
        elif tag == "input" and self.forms and "name" in given:
            if given.get("type") not in {"hidden", "checkbox", "radio"}:
                self.typed.append(given.get("value", ""))
            if given.get("type") != "checkbox" or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
        elif tag == "textarea":
            self._area = (given["name"], [])
        elif tag in {"select", "option"}:
            self._choose(tag, given)
        elif tag == "button":
            self._button = (given, [])
        elif tag == "a":
            self._link = (given.get("href", ""), [])

    def _choose(self, tag: str, given: dict[str, str]) -> None:
        fields = self.forms[-1].fields
        if tag == "select":
            self._select = given["name"]
        elif "selected" in given or self._select not in fields:
            fields[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        self._badge = False
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "button" and self._button is not None:
            given, words = self._button
            words_of = " ".join("".join(words).split())
            if "form" in given:
                self._elsewhere.append((words_of, given))
            else:
                self.forms[-1].buttons[words_of] = given
            self._button = None
        elif tag == "a" and self._link is not None:
            self.links[" ".join("".join(self._link[1]).split())] = self._link[0]
            self._link = None
        elif tag == "textarea" and self._area is not None:
            name, words = self._area
            self.forms[-1].fields[name] = "".join(words).removeprefix("\n")
            self.typed.append(self.forms[-1].fields[name])
            self._area = None
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        if self._badge and data.strip():
            self.badges.append(data.strip())
        if not _AS_IT_IS & set(self._open):
            self.in_words.append(data)
        for collected in (self._button, self._link, self._area):
            if collected is not None:
                collected[1].append(data)


class Reader:
    """One person in front of the desk. Every page is held against what all pages owe."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.status = 0

    @classmethod
    def of(cls, desk: DeskServer, role: Role = Role.APPROVER, name: str = "") -> "Reader":
        http = desk.client(role, name)
        http.headers["Accept"] = "text/html"
        return cls(http)

    async def ask(self, path: str, **params: Any) -> httpx.Response:
        """GET, the parameters added to those that the path has."""
        return await self.http.get(httpx.URL(path).copy_merge_params(params) if params else path)

    async def get(self, path: str, status: int = 200, **params: Any) -> Page:
        return self._read(await self.ask(path, **params), status)

    async def again(self, page: Page, status: int = 204) -> Page | None:
        """Ask as a live page asks for itself: 204 where it says already what it would say."""
        [main] = [given for tag, given in page.elements if tag == "main"]
        asked = json.loads(main["hx-headers"]) | {"HX-Request": "true"}
        answer = await self.http.get(main["hx-get"], headers=asked)
        if status == HTTPStatus.NO_CONTENT:
            assert answer.status_code == status, Page(answer.text).text
            return None
        return self._read(answer, status)

    async def send(self, page: Page, button: str, status: int = 200, **typed: str) -> Page:
        """Fill in and send the form that has this button; follows the redirect that every success answers with."""
        form = page.form_with(button)
        pressed = form.buttons[button]
        chosen = {pressed["name"]: pressed["value"]} if "name" in pressed else {}
        action = pressed.get("formaction", form.action)
        sent = form.fields | typed | chosen
        if form.method == "get":
            answer = await self.http.get(action.partition("#")[0], params=sent)
        else:
            answer = await self.http.post(
                action, data=sent, headers={"Referer": str(self.http.base_url.join(page.address))}
            )
        if answer.status_code == 303:
            answer = await self.http.get(answer.headers["location"])
        return self._read(answer, status)

    def _read(self, answer: httpx.Response, status: int) -> Page:
        self.status = answer.status_code
        assert answer.status_code == status, f"{answer.request.url}: {answer.status_code}: {Page(answer.text).text}"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        page = Page(answer.text)
        own = [given["data-page"] for _, given in page.elements if "data-page" in given]
        page.address = (own or [answer.request.url.raw_path.decode()])[0]
        ids = [given["id"] for _, given in page.elements if "id" in given]
        assert len(ids) == len(set(ids)), f"an id twice on {answer.request.url}"
        machine_words = _MACHINE_WORD.findall(" ".join(page.in_words))
        assert not machine_words, f"{machine_words} on {answer.request.url}"
        for tag, given in page.elements:
            assert "style" not in given, f"the policy forbids style attributes: {tag} {given}"
            assert not [name for name in given if name.startswith("on")], f"the policy forbids handlers: {tag} {given}"
            assert tag != "script" or given.get("src"), "the policy forbids inline scripts"
        return page
