"""People who are signed in at a desk, with cookies, and without JavaScript."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.people import sessions, users
from desk.access import lifetime
from services.people import passwords
from tests.desk.pages.reader import Page
from tests.desk.server import DeskServer
from tests.world import World

PASSWORD = "correct horse battery"
_HASH = passwords.hashed(PASSWORD)


@dataclass
class Field:
    """One field that a person types words into."""

    name: str
    kind: str
    longest: int | None


@dataclass
class Sheet:
    """One form of a page with the fields it came with, and where words go."""

    page: str
    action: str
    given: dict[str, str]
    typed: list[Field]

    def filled(self, words: str) -> dict[str, str]:
        """Every field with what a person types there."""
        return self.given | {one.name: _as_typed(one, words) for one in self.typed}


def _as_typed(one: Field, words: str) -> str:
    if one.kind == "email":
        return "words@example.test"
    return words if one.kind == "textarea" else words.replace("\n", " ")


def sheets(address: str, page: Page) -> Iterator[Sheet]:
    """The forms of a page that take words, once for each place they can be sent to."""
    number, typed, actions = -1, [], []
    found: list[tuple[int, list[Field], list[str]]] = []
    for tag, given in page.elements:
        if tag == "form":
            number, typed, actions = number + 1, [], [given["action"]]
            found.append((number, typed, actions))
        elif tag in {"input", "textarea"} and given.get("type", "text") in {"text", "email"} and "name" in given:
            kind = "textarea" if tag == "textarea" else given.get("type", "text")
            typed.append(Field(given["name"], kind, int(given["maxlength"]) if "maxlength" in given else None))
    for number, typed, actions in found:
        form = page.forms[number]
        actions += [one["formaction"] for one in form.buttons.values() if "formaction" in one]
        for action in dict.fromkeys(actions):
            if form.method == "post" and typed and not action.endswith("/preview"):
                yield Sheet(address, action, form.fields, typed)


class Person:
    """Somebody at a browser."""

    def __init__(self, desk: DeskServer, world: World, login: str, role: Role) -> None:
        self._desk, self._world, self.login = desk, world, login
        self.http = desk.anyone({"Accept": "text/html"})
        with transaction(world.engine) as session:
            made = users.create(Act(session, "test", datetime.now(UTC)), login=login, role=role, password_hash=_HASH)
            made.one_time_password = False
        self.sign_in()

    def sign_in(self) -> None:
        """Open a session at once: hashing a password takes its time."""
        with transaction(self._world.engine) as session:
            user, ends = users.get(session, self.login), lifetime(self._desk.settings)
            _, cookie = sessions.start(
                session, user, ends, address="127.0.0.1", user_agent="test", now=datetime.now(UTC)
            )
        self.http.cookies.clear()
        self.http.cookies.set("desk_session", cookie, domain="127.0.0.1")

    def session_ends(self) -> None:
        """Let every session of theirs be over."""
        with transaction(self._world.engine) as session:
            user = users.get(session, self.login)
            sessions.revoke(session, datetime.now(UTC), user_id=user.id)

    async def get(self, path: str) -> Page:
        """Open a page."""
        answer = await self.http.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status_code}"
        return Page(answer.text)

    async def csrf(self) -> str:
        """What this session's forms carry."""
        return (await self.get("/account")).forms[0].fields["csrf_token"]

    async def send(self, sheet: Sheet, **fields: str) -> httpx.Response:
        """Send a form as a browser does: line breaks are CRLF, and it says which page it was on."""
        sent = {name: value.replace("\n", "\r\n") for name, value in fields.items()}
        return await self.http.post(sheet.action, data=sent, headers={"Referer": self._desk.url + sheet.page})
