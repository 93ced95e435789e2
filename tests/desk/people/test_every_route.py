"""What holds of every route there is, and of every one that will be: each is asked for over HTTP."""

from collections.abc import Iterator

import httpx
import pytest

from credit.permissions import OF_PEOPLE, Permission, Role
from db.engine import transaction
from db.errors import BadInputError
from db.models import InboundEvent
from db.people import tokens, users
from db.people.tokens import Caller
from services.people import people
from tests.acting import acted
from tests.acting import bearer as bearer_of
from tests.desk.people.all_routes import asked
from tests.desk.people.browser import Browser, RunningDesk

ONE_TIME = {"/password", "/sign-out"}
"""All that can be done before a one-time password is changed."""


@pytest.fixture
def newcomer(desk: RunningDesk) -> Iterator[Browser]:
    """An admin, signed in, whose password must be changed first."""
    browser = desk.signed_in(Role.ADMIN, "newcomer")
    with transaction(desk.engine) as session:
        users.get(session, "newcomer").one_time_password = True
    yield browser
    assert browser.get("/password").status_code == 200
    assert browser.post("/sign-out").headers["location"] == "/sign-in"


def by_cookie(browser: Browser, method: str, path: str) -> httpx.Response:
    return browser.http.request(method, path, headers={"X-CSRF-Token": browser.csrf, "Accept": "application/json"})


def test_with_a_one_time_password_nothing_but_its_change_can_be_done(desk: RunningDesk, newcomer: Browser) -> None:
    walked = [one for one in asked() if one[1] not in ONE_TIME]
    assert len(walked) > 150
    for method, path in walked:
        answer = by_cookie(newcomer, method, path)
        if path.startswith(("/api/", "/admin/")):
            assert (answer.status_code, answer.json()["code"]) == (403, "password_change_needed"), f"{method} {path}"
        else:
            assert (answer.status_code, answer.headers.get("location")) == (303, "/password"), f"{method} {path}"
    keyed = {"X-CSRF-Token": newcomer.csrf, "Idempotency-Key": "k"}
    assert newcomer.http.post("/api/holds", json={}, headers=keyed).json()["code"] == "password_change_needed"


@pytest.mark.parametrize("role", OF_PEOPLE)
def test_no_session_may_send_events_and_of_the_tokens_only_a_sender_s_or_an_admin_s(
    desk: RunningDesk, role: Role
) -> None:
    browser = desk.signed_in(role)
    bearer = bearer_of(desk.engine, "one", role)
    events = [one for one in asked() if one[1].startswith("/api/events/")]
    assert len(events) == 6
    for method, path in events:
        by_session = by_cookie(browser, method, path)
        assert (by_session.status_code, by_session.json()["code"]) == (403, "not_allowed"), path
        assert "only a sender's token (`hold token create --role sender`)" in by_session.json()["detail"]
        by_token = httpx.request(method, desk.url + path, headers=bearer)
        assert by_token.status_code == (422 if role is Role.ADMIN else 403), path
    with transaction(desk.engine) as session:
        assert session.query(InboundEvent).count() == 0


def test_a_sender_may_do_nothing_else(desk: RunningDesk) -> None:
    bearer = bearer_of(desk.engine, "erp", Role.SENDER)
    for method, path in asked():
        answer = httpx.request(method, desk.url + path, headers=bearer)
        allowed = path.startswith("/api/events/") or path == "/api/me"
        assert (answer.status_code == 403) is not allowed, f"{method} {path}: {answer.status_code}"
    me = httpx.get(f"{desk.url}/api/me", headers=bearer).json()
    may = ["ask who one is", "send events"]
    assert me.pop("expires_at")
    assert me == {"name": "erp", "role": "sender", "permissions": may, "token": "erp"}


def test_an_admin_s_session_is_not_told_that_it_may_send_events(desk: RunningDesk) -> None:
    told = desk.signed_in(Role.ADMIN).http.get("/api/me").json()["permissions"]
    assert sorted(told) == sorted(set(Permission) - {Permission.SEND_EVENT})


def test_a_person_is_never_a_sender(desk: RunningDesk) -> None:
    admin = desk.signed_in(Role.ADMIN)
    desk.person("anna")
    with pytest.raises(BadInputError, match="role of programs"):
        acted(desk.engine, "test", people.create, "erp", Role.SENDER)
    with pytest.raises(BadInputError, match="role of programs"):
        acted(desk.engine, "test", people.change, "anna", role=Role.SENDER)
    for answer in (
        admin.post("/people", login="erp", role="sender"),
        admin.post("/people/anna/role", role="sender"),
        admin.http.patch("/api/users/anna", json={"role": "sender"}, headers={"X-CSRF-Token": admin.csrf}),
    ):
        assert answer.status_code == 422
    assert desk.user("anna").role == "viewer"


def test_a_sender_is_lent_no_role_by_an_absence() -> None:
    """A token may have the name of somebody who stands in for another."""
    assert not Caller("dana", Role.SENDER, stands_in=Role.APPROVER).may(Permission.DECIDE)
    assert Caller("dana", Role.VIEWER, stands_in=Role.APPROVER).may(Permission.DECIDE)


def test_an_admin_makes_a_sender_s_token_by_page_and_by_api(desk: RunningDesk) -> None:
    admin = desk.signed_in(Role.ADMIN)
    assert "<option>sender</option>" in admin.get("/tokens").text
    assert "hold_" in admin.post("/tokens", name="erp", role="sender").text
    made = admin.http.post("/api/tokens", json={"name": "bank", "role": "sender"}, headers={"X-CSRF-Token": admin.csrf})
    with transaction(desk.engine) as session:
        assert made.json()["owner"] is None
        assert [row.role for row in tokens.listed(session)] == ["sender", "sender"]
