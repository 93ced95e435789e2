"""A desk that answers on a port, and a browser without JavaScript in front of it."""

import html
import re
import threading
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx
from sqlalchemy import Engine, select

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.models import AuditEvent, User
from db.people import sessions, users
from desk.__main__ import server
from desk.access import lifetime
from runtime.settings import Settings
from services.people import passwords
from tests.desk.server import app_of
from tests.patience import PATIENCE

PASSWORD = "correct horse battery"
PASSWORD_HASH = passwords.hashed(PASSWORD)


class Browser:
    """Keeps cookies, follows nothing by itself, and sends the CSRF token and address of the page seen last."""

    def __init__(self, url: str, *, address: str = "127.0.0.1") -> None:
        transport = httpx.HTTPTransport(local_address=address)
        headers = {"Accept": "text/html"}
        self.http = httpx.Client(base_url=url, transport=transport, headers=headers, timeout=PATIENCE)
        self.csrf = ""
        self.page = url

    def get(self, path: str, **how: Any) -> httpx.Response:
        answer = self._looked_at(self.http.get(path, **how))
        self.page = str(answer.url) if answer.is_success else self.page
        return answer

    def post(self, path: str, *, headers: dict[str, str] | None = None, **form: str) -> httpx.Response:
        sent = {"Referer": self.page, **(headers or {})}
        return self._looked_at(self.http.post(path, data={"csrf_token": self.csrf, **form}, headers=sent))

    def sign_in(self, login: str, password: str = PASSWORD, *, next_page: str = "/") -> httpx.Response:
        self.get("/sign-in")
        answer = self.post("/sign-in", login=login, password=password, next=next_page)
        if answer.status_code == 303:
            self.get("/account")
        return answer

    @property
    def cookie(self) -> str:
        return self.http.cookies.get("desk_session") or ""

    def _looked_at(self, answer: httpx.Response) -> httpx.Response:
        found = re.search(r'name="csrf-token" content="([^"]+)"', answer.text)
        if found:
            self.csrf = html.unescape(found[1])
        return answer


class RunningDesk:
    """A desk of its own, in a thread, on the test's database."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings = settings
        self.engine = engine
        self.url = f"http://127.0.0.1:{settings.desk_port}"
        self._server = server(app_of(settings), settings)
        self._thread = threading.Thread(target=self._server.run)
        self._browsers: list[Browser] = []

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + PATIENCE
        while not self._server.started:
            assert self._thread.is_alive(), "the desk did not start"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        for browser in self._browsers:
            browser.http.close()
        self._server.should_exit = True
        self._thread.join(30)

    def browser(self, *, address: str = "127.0.0.1") -> Browser:
        made = Browser(self.url, address=address)
        self._browsers.append(made)
        return made

    def person(self, login: str, role: Role = Role.VIEWER, *, one_time: bool = False) -> str:
        """Make a local account with `PASSWORD`; returns its login."""
        with transaction(self.engine) as session:
            user = users.create(
                Act(session, "test", datetime.now(UTC)),
                login=login,
                role=role,
                password_hash=PASSWORD_HASH,
                name=login.title(),
            )
            user.one_time_password = one_time
        return login

    def signed_in(self, role: Role = Role.VIEWER, login: str = "") -> Browser:
        """Return the browser of a new person of this role, signed in (at once: hashing takes its time)."""
        login = self.person(login or f"{role.label}-{len(self._browsers)}", role)
        browser, now = self.browser(), datetime.now(UTC)
        with transaction(self.engine) as session:
            user = users.get(session, login)
            _, cookie = sessions.start(
                session, user, lifetime(self.settings), address="127.0.0.1", user_agent="test", now=now
            )
        browser.http.cookies.set("desk_session", cookie, domain="127.0.0.1")
        assert browser.get("/account").status_code == 200
        return browser

    def user(self, login: str) -> User:
        with transaction(self.engine) as session:
            return session.scalars(select(User).where(User.login == login)).one()

    def audit(self, *actions: str) -> list[AuditEvent]:
        """Return the events of these actions, oldest first."""
        with transaction(self.engine) as session:
            query = select(AuditEvent).where(AuditEvent.action.in_(actions)).order_by(AuditEvent.id)
            return list(session.scalars(query))

    def refusals(self) -> list[tuple[str, str, str]]:
        """Return (who, code, path) of every refusal that has a row of its own."""
        return [(event.actor, event.detail["code"], event.detail["path"]) for event in self.audit("request_refused")]
