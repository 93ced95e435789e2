"""Sessions: what the browser carries, and how they end."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from credit.permissions import Role
from db.engine import transaction
from db.models import UserSession
from runtime.settings import Settings
from services.people import people
from tests.acting import acted, everybody
from tests.conftest import free_port
from tests.desk.people.browser import PASSWORD, Browser, RunningDesk


def sessions_of(desk: RunningDesk, login: str) -> list[UserSession]:
    with transaction(desk.engine) as session:
        query = select(UserSession).join(UserSession.user).where(UserSession.user_id == desk.user(login).id)
        return list(session.scalars(query.order_by(UserSession.created_at)))


def change(desk: RunningDesk, **values: Any) -> None:
    with transaction(desk.engine) as session:
        session.execute(update(UserSession).values(**values))


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/account").status_code == 200


def test_only_the_hash_of_a_cookie_is_kept_and_no_script_can_read_it(desk: RunningDesk) -> None:
    desk.person("vera")
    browser = desk.browser()
    answer = browser.sign_in("Vera")  # logins are written in any case
    given = next(cookie for cookie in answer.headers.get_list("set-cookie") if cookie.startswith("desk_session="))
    assert "HttpOnly" in given
    assert "SameSite=lax" in given
    assert "Path=/" in given
    assert "Domain" not in given
    (row,) = sessions_of(desk, "vera")
    assert row.sha256 == hashlib.sha256(browser.cookie.encode()).hexdigest()
    assert len(browser.cookie) >= 43  # 256 bits in base64
    assert row.address == "127.0.0.1"
    assert desk.audit("signed_in")[0].actor == "vera"


def test_by_https_the_cookie_is_bound_to_the_host(desk_settings: Settings, engine: Engine) -> None:
    port = free_port()
    settings = desk_settings.model_copy(update={"desk_port": port, "desk_url": f"https://localhost:{port}"})
    with RunningDesk(settings, engine) as desk:
        desk.person("vera")
        browser = desk.browser()
        token = browser.get("/sign-in").headers["set-cookie"].split(";")[0]
        form = {"login": "vera", "password": PASSWORD, "csrf_token": browser.csrf}
        answer = browser.http.post("/sign-in", data=form, headers={"Cookie": token})
        given = next(one for one in answer.headers.get_list("set-cookie") if "desk_session" in one)
        assert given.startswith("__Host-desk_session=")
        assert "; Secure" in given
        assert "Path=/;" in given + ";"
        assert answer.headers["strict-transport-security"].startswith("max-age=")


def test_signing_in_takes_a_new_session_and_ends_the_one_brought_along(desk: RunningDesk) -> None:
    browser = desk.signed_in(login="vera")
    before = browser.cookie
    browser.sign_in("vera")
    assert browser.cookie != before
    old, new = sessions_of(desk, "vera")
    assert old.revoked_at is not None
    assert new.revoked_at is None
    thief = desk.browser()
    thief.http.cookies.set("desk_session", before)
    assert not is_signed_in(thief)


def test_a_planted_cookie_never_becomes_a_session(desk: RunningDesk) -> None:
    desk.person("vera")
    browser = desk.browser()
    browser.http.cookies.set("desk_session", "planted", domain="127.0.0.1")
    browser.sign_in("vera")
    assert "planted" not in {row.sha256 for row in sessions_of(desk, "vera")}
    thief = desk.browser()
    thief.http.cookies.set("desk_session", "planted")
    assert thief.get("/account").status_code == 303


def test_idle_and_absolute_ends(desk: RunningDesk) -> None:
    browser, now = desk.signed_in(login="vera"), datetime.now(UTC)
    change(desk, last_seen_at=now - timedelta(minutes=29))
    assert is_signed_in(browser)
    assert sessions_of(desk, "vera")[0].last_seen_at >= now  # and so the idle end moved
    change(desk, last_seen_at=now - timedelta(minutes=31))
    assert not is_signed_in(browser)
    change(desk, last_seen_at=now)
    assert is_signed_in(browser)
    assert sessions_of(desk, "vera")[0].expires_at - sessions_of(desk, "vera")[0].created_at == timedelta(hours=12)
    change(desk, expires_at=now)
    assert not is_signed_in(browser)


def test_a_page_left_open_does_not_keep_its_session_alive(desk: RunningDesk) -> None:
    browser, before = desk.signed_in(login="vera"), datetime.now(UTC) - timedelta(minutes=20)
    change(desk, last_seen_at=before)
    assert browser.get("/", headers={"X-Background": "1"}).status_code == 200
    assert sessions_of(desk, "vera")[0].last_seen_at == before
    assert is_signed_in(browser)
    assert sessions_of(desk, "vera")[0].last_seen_at > before


def test_reading_pages_does_not_write_each_time(desk: RunningDesk) -> None:
    browser = desk.signed_in(login="vera")
    before = sessions_of(desk, "vera")[0].last_seen_at
    for _ in range(3):
        assert is_signed_in(browser)
    assert sessions_of(desk, "vera")[0].last_seen_at == before


def test_signing_out_ends_the_session_on_the_server(desk: RunningDesk) -> None:
    browser = desk.signed_in(login="vera")
    cookie = browser.cookie
    assert browser.post("/sign-out").headers["location"] == "/sign-in"
    assert browser.cookie == ""
    browser.http.cookies.set("desk_session", cookie)
    assert not is_signed_in(browser)
    assert desk.audit("signed_out")[0].actor == "vera"


def test_disabling_and_a_new_role_count_from_the_next_request(desk: RunningDesk) -> None:
    browser = desk.signed_in(Role.ADMIN, "vera")
    desk.person("mike", Role.ADMIN)
    assert browser.get("/people").status_code == 200
    acted(desk.engine, "mike", people.change, "vera", role=Role.VIEWER)
    assert browser.get("/people").status_code == 403
    acted(desk.engine, "mike", people.change, "vera", role=Role.ADMIN)
    assert browser.get("/people").status_code == 200
    acted(desk.engine, "mike", people.change, "vera", disabled=True)
    assert browser.get("/people").status_code == 303
    assert browser.post("/people", login="new", role="viewer").status_code == 401
    assert desk.refusals()[-1] == ("vera", "not_signed_in", "/people")
    assert browser.sign_in("vera").status_code == 403
    acted(desk.engine, "mike", people.change, "vera", disabled=False)
    assert not is_signed_in(browser)  # the old session stays ended
    assert browser.sign_in("vera").status_code == 303


def test_an_admin_ends_somebody_elses_session(desk: RunningDesk) -> None:
    browser, other = desk.signed_in(login="vera"), desk.browser()
    other.sign_in("vera")
    admin = desk.signed_in(Role.ADMIN)
    first = sessions_of(desk, "vera")[0]
    assert str(first.id) in admin.get("/people/vera").text
    assert admin.post(f"/people/vera/sessions/{first.id}/end").status_code == 303
    assert not is_signed_in(browser)
    assert is_signed_in(other)
    assert admin.post("/people/vera/sign-out").status_code == 303
    assert not is_signed_in(other)


def test_one_ends_ones_own_sessions_and_nobody_elses(desk: RunningDesk) -> None:
    browser, other, mikes = desk.signed_in(login="vera"), desk.browser(), desk.signed_in(login="mike")
    other.sign_in("vera")
    (mikes_row,) = sessions_of(desk, "mike")
    browser.post(f"/account/sessions/{mikes_row.id}/end")
    assert is_signed_in(mikes)
    browser.post(f"/account/sessions/{sessions_of(desk, 'vera')[1].id}/end")
    assert not is_signed_in(other)
    assert is_signed_in(browser)
    other.sign_in("vera")
    browser.get("/account")
    assert browser.post("/account/sign-out-everywhere").headers["location"] == "/sign-in"
    assert not is_signed_in(browser)
    assert not is_signed_in(other)
    assert is_signed_in(mikes)


@pytest.mark.parametrize("how", ["revoked", "idle"])
def test_a_session_that_ends_in_the_middle(desk: RunningDesk, how: str) -> None:
    browser, now = desk.signed_in(Role.ADMIN, "vera"), datetime.now(UTC)
    browser.get("/people")
    change(desk, **({"revoked_at": now} if how == "revoked" else {"last_seen_at": now - timedelta(hours=1)}))
    shown = f"{desk.url}/people?page=2"
    swap = browser.get("/people", headers={"HX-Request": "true", "HX-Current-URL": shown})
    assert swap.status_code == 401
    assert swap.headers["hx-redirect"] == "/sign-in?next=/people%3Fpage%3D2"
    page = browser.get("/people?page=2")
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?next=/people%3Fpage%3D2")
    posted = browser.post("/people", login="eve", role="admin", headers={"Referer": f"{desk.url}/people"})
    assert posted.status_code == 401
    assert "Nothing was done" in posted.text
    assert '<input type="hidden" name="next" value="/people">' in posted.text
    assert [person.login for person in everybody(desk.engine)] == ["vera"]
    assert browser.http.get("/api/users").json()["code"] == "not_signed_in"
