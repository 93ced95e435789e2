"""The door that every form comes in by: ASGI middleware.

* Line ends: a browser's form says CRLF for every line break, and counts it as one against `maxlength`. Inside it is LF,
  so what a browser lets somebody type is what the server takes.
* A form that is refused comes back: in its own form where the answer has it, else in the page it was sent from, else
  below the answer, where it can be changed and sent again. Who refused it, and where, makes no difference.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from credit.plain_text import normalize_newlines
from desk.forms.refill import Html, after_problem, before_content, refilled
from desk.forms.sent import Refusal, Sent, address
from desk.rendering import markup

_FORM, _PARTS = "application/x-www-form-urlencoded", "multipart/form-data"
_NO_PAGES = ("/api/", "/static/", "/sign-in", "/sign-out")
_REFUSED = 400


@dataclass
class _Answer:
    """What the application answered, kept back until it is known whether it is a refusal."""

    start: Message = field(default_factory=dict)
    body: bytes = b""

    @property
    def status(self) -> int:
        return int(self.start["status"])

    @property
    def is_page(self) -> bool:
        return Headers(raw=self.start["headers"]).get("content-type", "").startswith("text/html")


class FormDoor:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _brings_form(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await _urlencoded(Request(scope, receive))
        except (HTTPException, MultiPartException) as error:  # too large, or no form at all
            await self._app(scope, _failing(error), send)
            return
        scope = _with_body(scope, body)
        scope.setdefault("state", {})
        sent = Sent.of(_address_of(scope), body, _page_of(scope))
        scope["state"]["sent"] = sent
        answer = _Answer()
        try:
            await self._app(scope, _once(body), _kept(answer))
        finally:  # a 500 is answered, and raised again for the log
            if answer.start:
                await self._send(scope, sent, answer, send)

    async def _send(self, scope: Scope, sent: Sent, answer: _Answer, send: Send) -> None:
        if answer.status >= _REFUSED and answer.is_page:
            page = await self._again(scope, sent, answer.body.decode())
            await _sent(answer, page, answer.status, send)
        elif answer.status == HTTPStatus.SEE_OTHER and "again" in scope["state"]:
            page = await self._signed_in_again(scope, answer, scope["state"]["again"])
            await _sent(answer, page, HTTPStatus.OK, send)
        else:
            await send(answer.start)
            await send({"type": "http.response.body", "body": answer.body})

    async def _again(self, scope: Scope, sent: Sent, page: str) -> str:
        """Return the page that answers a refusal, with what was typed."""
        refusal: Refusal | None = scope["state"].get("refusal")
        filled = refilled(page, sent, refusal)
        if filled is not None:
            return filled
        if refusal is not None:
            own = await self._own_page(scope, sent, refusal)
            if own is not None:
                page, filled = own
                about = {"refusal": refusal, "again": False, "words": bool(sent.words), "page": page}
                return before_content(filled, str(markup(Request(scope), "form_refused.html", **about)))
        if not sent.words:
            return page
        return _with_words(scope, sent, page, signed_in=scope["state"].get("session") is not None)

    async def _signed_in_again(self, scope: Scope, answer: _Answer, sent: Sent) -> str:
        """Return the page that somebody was on when the session ended, with what was typed."""
        cookies = [value.split(b";")[0] for name, value in answer.start["headers"] if name == b"set-cookie"]
        headers = [(name, value) for name, value in scope["headers"] if name != b"cookie"]
        scope = {**scope, "headers": [*headers, (b"cookie", b"; ".join(cookies))]}
        notice = str(markup(Request(scope), "form_refused.html", refusal=None, again=True, page=sent.page))
        own = await self._own_page(scope, sent, None)
        if own is not None:
            return before_content(own[1], notice)
        page = await self._get(scope, "/account") or await self._get(scope, "/password") or ""  # a one-time password
        return _with_words(scope, sent, before_content(page, notice), signed_in=True)

    async def _own_page(self, scope: Scope, sent: Sent, refusal: Refusal | None) -> tuple[str, str] | None:
        """Return the page the form was sent from, or the nearest above it that has the form: address, and filled in."""
        above = urlsplit(sent.action).path
        pages = [sent.page, sent.action, above, *(above.rsplit("/", steps)[0] for steps in (1, 2, 3))]
        for path in dict.fromkeys(pages):
            if path.startswith("/") and not path.startswith(_NO_PAGES):
                page = await self._get(scope, path)
                filled = refilled(page, sent, refusal, as_sent=True) if page is not None else None
                if filled is not None:
                    return path, filled
        return None

    async def _get(self, scope: Scope, url: str) -> str | None:
        """Return one of our own pages as who is asking sees it; None where it is not for them."""
        parts = urlsplit(url)
        headers = [pair for pair in scope["headers"] if pair[0] not in {b"content-type", b"content-length"}]
        asked = {
            "type": "http",
            "app": scope["app"],
            "asgi": scope["asgi"],
            "http_version": scope["http_version"],
            "scheme": scope["scheme"],
            "method": "GET",
            "path": address(parts.path),
            "raw_path": quote(parts.path, safe="/%:@!$&'()*+,;=~").encode(),
            "query_string": parts.query.encode(),
            "root_path": scope.get("root_path", ""),
            "headers": headers,
            "client": scope.get("client"),
            "server": scope.get("server"),
            "state": {"inside": True},  # nobody asked for it: a refusal of it is nobody's
        }
        answer = _Answer()
        await self._app(asked, _once(b""), _kept(answer))
        return answer.body.decode() if answer.status == HTTPStatus.OK and answer.is_page else None


def _with_words(scope: Scope, sent: Sent, page: str, *, signed_in: bool) -> str:
    """Return the page with what was typed below it, where it does not show that already."""
    html = Html(page)
    if all(html.shows(value) for _, value in sent.words):
        return page
    token = html.csrf_token if signed_in else ""
    can_send = signed_in or not html.takes_password  # who signs in on this page gets it back in its form
    words = markup(Request(scope), "form_words.html", sent=sent, token=token, can_send=can_send)
    return after_problem(page, str(words))


def _brings_form(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST" or scope["path"].startswith("/api/"):
        return False
    return Headers(scope=scope).get("content-type", "").startswith((_FORM, _PARTS))


async def _urlencoded(request: Request) -> bytes:
    """Return a form as a urlencoded body whose line ends are LF."""
    form = await request.form()
    fields = [(name, normalize_newlines(value)) for name, value in form.multi_items() if isinstance(value, str)]
    await form.close()
    return Sent("", fields).urlencoded()


def _with_body(scope: Scope, body: bytes) -> Scope:
    other = [pair for pair in scope["headers"] if pair[0] not in {b"content-type", b"content-length"}]
    mine = [(b"content-type", _FORM.encode()), (b"content-length", str(len(body)).encode())]
    return {**scope, "headers": [*other, *mine]}


def _address_of(scope: Scope) -> str:
    path, query = quote(scope["path"]), scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


def _page_of(scope: Scope) -> str:
    shown = urlsplit(Headers(scope=scope).get("referer", ""))
    return f"{shown.path}?{shown.query}" if shown.query else shown.path


def _once(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def _failing(error: Exception) -> Receive:
    async def receive() -> Message:
        raise error

    return receive


def _kept(answer: _Answer) -> Send:
    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.start = message
        else:
            answer.body += message.get("body", b"")

    return keep


async def _sent(answer: _Answer, page: str, status: int, send: Send) -> None:
    body = page.encode()
    headers = MutableHeaders(raw=[pair for pair in answer.start["headers"] if pair[0] != b"location"])
    headers["content-length"] = str(len(body))
    headers["content-type"] = "text/html; charset=utf-8"
    await send({**answer.start, "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})
