"""What other sites, forged cookies and hostile addresses achieve: nothing, and an audit row."""

from typing import Any

import httpx
import pytest

from credit.permissions import Role
from db.engine import transaction
from db.people import tokens
from desk.sign_in.next_page import own_path
from tests.acting import bearer as bearer_of
from tests.acting import everybody
from tests.desk.people.browser import PASSWORD, RunningDesk


def logins(desk: RunningDesk) -> list[str]:
    return [person.login for person in everybody(desk.engine)]


def token(desk: RunningDesk, role: Role = Role.ADMIN) -> dict[str, str]:
    return bearer_of(desk.engine, "program", role)


NEW = {"login": "eve", "role": "admin"}


def test_a_form_needs_this_sessions_csrf_token(desk: RunningDesk) -> None:
    browser, other = desk.signed_in(Role.ADMIN, "vera"), desk.signed_in(Role.ADMIN, "mike")
    for csrf in ({}, {"csrf_token": ""}, {"csrf_token": "wrong"}, {"csrf_token": other.csrf}, {"csrf_token": "ü"}):
        answer = browser.http.post("/people", data={**NEW, **csrf})
        assert answer.status_code == 403
        assert "nothing was done" in answer.text.lower()
    json = browser.http.post("/api/users", json=NEW, headers={"Accept": "application/json"})
    assert (json.status_code, json.json()["code"]) == (403, "no_csrf_token")
    assert logins(desk) == ["mike", "vera"]
    assert desk.refusals() == [("vera", "no_csrf_token", "/people")] * 5 + [("vera", "no_csrf_token", "/api/users")]
    assert browser.http.post("/api/users", json=NEW, headers={"X-CSRF-Token": browser.csrf}).status_code == 201
    assert browser.http.post("/people", data={"csrf_token": browser.csrf, **NEW, "login": "new"}).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_cross_site_post_is_refused_with_every_token_right(desk: RunningDesk, sent: dict[str, str]) -> None:
    browser = desk.signed_in(Role.ADMIN, "vera")
    assert browser.http.post("/people", data={"csrf_token": browser.csrf, **NEW}, headers=sent).status_code == 403
    assert logins(desk) == ["vera"]
    assert [refusal[1:] for refusal in desk.refusals()] == [("cross_site", "/people")]
    own = {"Sec-Fetch-Site": "same-origin"} if "Sec-Fetch-Site" in sent else {"Origin": desk.url}
    assert browser.http.post("/people", data={"csrf_token": browser.csrf, **NEW}, headers=own).status_code == 200


def test_a_bearer_needs_no_csrf_token_and_counts_more_than_a_cookie(desk: RunningDesk) -> None:
    assert httpx.post(f"{desk.url}/api/users", json=NEW, headers=token(desk)).status_code == 201
    browser = desk.signed_in(Role.ADMIN, "vera")
    viewer = token(desk, Role.VIEWER)
    answer = browser.http.post(
        "/api/users", json={**NEW, "login": "two"}, headers={**viewer, "X-CSRF-Token": browser.csrf}
    )
    assert answer.status_code == 403
    assert desk.refusals()[-1] == ("program", "not_allowed", "/api/users")
    forged = {"Authorization": "Bearer hold_forged", "X-CSRF-Token": browser.csrf}
    assert browser.http.post("/api/users", json={**NEW, "login": "two"}, headers=forged).status_code == 401
    assert desk.refusals()[-1] == ("unknown", "unknown_token", "/api/users")
    assert "two" not in logins(desk)


def test_the_sign_in_form_must_be_ours(desk: RunningDesk) -> None:
    desk.person("vera")
    form = {"login": "vera", "password": PASSWORD}
    assert httpx.post(f"{desk.url}/sign-in", data=form).status_code == 403
    assert httpx.post(f"{desk.url}/sign-in", data={**form, "csrf_token": "x"}).status_code == 403
    browser = desk.browser()
    browser.get("/sign-in")
    assert browser.http.post("/sign-in", data={**form, "csrf_token": "x"}).status_code == 403
    cross = {"csrf_token": browser.csrf, **form}
    assert browser.http.post("/sign-in", data=cross, headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.cookie == ""
    assert [code for _, code, _ in desk.refusals()] == ["sign_in_refused"] * 3 + ["cross_site"]


def test_strangers_forged_cookies_and_viewers_change_nothing_and_are_written_down(desk: RunningDesk) -> None:
    stranger, viewer = desk.browser(), desk.signed_in(Role.VIEWER, "vera")
    assert stranger.post("/people", **NEW).status_code == 401
    assert httpx.post(f"{desk.url}/api/users", json=NEW).json()["code"] == "not_signed_in"
    forger = desk.browser()
    forger.http.cookies.set("desk_session", "forged")
    assert forger.get("/people").status_code == 303
    assert forger.post("/people", **NEW).status_code == 401
    assert viewer.post("/people", **NEW).status_code == 403
    assert viewer.get("/people").status_code == 403
    assert logins(desk) == ["vera"]
    assert desk.refusals() == [
        ("unknown", "not_signed_in", "/people"),
        ("unknown", "not_signed_in", "/api/users"),
        ("unknown", "unknown_session", "/people"),
        ("unknown", "not_signed_in", "/people"),
        ("vera", "not_allowed", "/people"),
        ("vera", "not_allowed", "/people"),
    ]


def test_a_flood_of_strangers_is_counted_not_written_down_one_by_one(desk: RunningDesk) -> None:
    stranger, neighbour = desk.browser(), desk.browser(address="127.0.0.2")
    for _ in range(25):
        assert stranger.post("/people", **NEW).status_code == 401
    assert neighbour.post("/people", **NEW).status_code == 401
    assert len(desk.refusals()) == 5 + 1
    desk.stop()
    (rest,) = desk.audit("requests_refused")
    assert rest.detail == {"address": "127.0.0.1", "more": 20}


def test_a_flood_of_somebody_who_is_known_is_counted_too_and_says_whose(desk: RunningDesk) -> None:
    viewer = desk.signed_in(Role.VIEWER, "vera")
    for _ in range(40):
        assert viewer.post("/people", **NEW).status_code == 403
    assert desk.refusals() == [("vera", "not_allowed", "/people")] * 30
    desk.stop()
    (rest,) = desk.audit("requests_refused")
    assert (rest.actor, rest.detail) == ("vera", {"address": "", "more": 10})


EVIL = [
    "//evil",
    "/\\evil",
    "https://evil",
    "evil",
    "/\t/evil",
    "/\n/evil",
    "javascript:alert(1)",
    "",
    "\\\\evil",
    " /a",
]


@pytest.mark.parametrize("evil", EVIL)
def test_next_leads_to_our_own_pages_only(evil: str) -> None:
    assert own_path(evil) == "/"


def test_next_leads_back(desk: RunningDesk) -> None:
    for own in ("/", "/people?page=2&x=%2F", "/holds/C-1"):
        assert own_path(own) == own
    desk.person("vera")
    assert desk.browser().sign_in("vera", next_page="/account?a=b").headers["location"] == "/account?a=b"
    assert desk.browser().sign_in("vera", next_page="//evil.example").headers["location"] == "/"
    hostile = desk.browser().get("/sign-in?next=//evil.example")
    assert "evil" not in hostile.text


def test_a_get_changes_nothing(desk: RunningDesk) -> None:
    browser = desk.signed_in(Role.ADMIN, "vera")
    for path in ("/sign-out", "/account/sign-out-everywhere", "/people/vera/disable", "/tokens/revoke"):
        assert browser.get(path).status_code == 405
    assert browser.get("/account").status_code == 200


def test_a_body_has_a_limit(desk: RunningDesk) -> None:
    large = {**NEW, "name": "x" * 2 * 1024 * 1024}
    announced = httpx.post(f"{desk.url}/api/users", json=large, headers=token(desk))
    assert announced.status_code == 413

    def pieces() -> Any:
        for _ in range(40):
            yield b" " * 65536

    chunked = {**token(desk), "Content-Type": "application/json"}
    assert httpx.post(f"{desk.url}/api/users", content=pieces(), headers=chunked).status_code == 413
    assert logins(desk) == ["program"]


def test_revoked_tokens_are_useless_at_once(desk: RunningDesk) -> None:
    bearer = token(desk)
    assert httpx.get(f"{desk.url}/api/tokens", headers=bearer).status_code == 200
    with transaction(desk.engine) as session:
        assert tokens.listed(session)[0].revoked_at is None
    assert httpx.delete(f"{desk.url}/api/tokens/program", headers=bearer).json()["revoked_at"]
    assert httpx.get(f"{desk.url}/api/tokens", headers=bearer).json()["code"] == "unknown_token"
