"""A program signs in as the person who confirms its code (RFC 8628)."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text, update

from credit.permissions import Role
from db.engine import transaction
from db.errors import DeviceCodeError, ExpiredTokenError
from db.models import DeviceCode, User
from db.people import device_codes
from db.people.device_codes import Redeemed
from tests.desk.people.browser import Browser, RunningDesk

CLIENT = "hold on laptop"


def begin(desk: RunningDesk, client: str = CLIENT, **more: Any) -> dict[str, Any]:
    answer = httpx.post(f"{desk.url}/api/device-codes", json={"client_name": client, **more})
    assert answer.status_code == 200, answer.text
    begun: dict[str, Any] = answer.json()
    return begun


def asked(desk: RunningDesk, begun: dict[str, Any]) -> httpx.Response:
    """What the program is answered, who has waited long enough since it asked last."""
    with transaction(desk.engine) as session:
        session.execute(text("UPDATE device_codes SET polled_at = polled_at - interval '5 s'"))
    return asked_at_once(desk, begun)


def asked_at_once(desk: RunningDesk, begun: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{desk.url}/api/device-tokens", json={"device_code": begun["device_code"]})


def answered(browser: Browser, begun: dict[str, Any], verdict: str = "confirm") -> httpx.Response:
    return browser.post("/device", user_code=begun["user_code"], verdict=verdict)


def error(answer: httpx.Response) -> str:
    assert answer.status_code == 400
    assert answer.json()["code"] == answer.json()["error"]
    return str(answer.json()["error"])


def me(desk: RunningDesk, token: str) -> httpx.Response:
    return httpx.get(f"{desk.url}/api/me", headers={"Authorization": f"Bearer {token}"})


def grow_old(desk: RunningDesk) -> None:
    with transaction(desk.engine) as session:
        session.execute(text("UPDATE device_codes SET expires_at = expires_at - interval '10 min'"))


def waiting_for_locks(desk: RunningDesk) -> int:
    with transaction(desk.engine) as session:
        return session.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one()


def test_a_program_acts_as_who_confirmed_its_code(desk: RunningDesk) -> None:
    browser, begun = desk.signed_in(Role.APPROVER, "ann"), begin(desk)
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", begun["user_code"])
    assert begun["verification_uri"] == f"{desk.url}/device"
    assert begun["verification_uri_complete"] == f"{desk.url}/device?user_code={begun['user_code']}"
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    assert error(asked(desk, begun)) == "authorization_pending"
    page = browser.get(f"/device?user_code={begun['user_code'].lower().replace('-', ' ')}").text
    for shown in (CLIENT, "127.0.0.1", "act as ann", "12 h"):
        assert shown in page
    told = answered(browser, begun)
    assert (told.status_code, told.headers["location"]) == (303, "/device")
    assert "Confirmed." in browser.get("/device").text
    handed = asked(desk, begun)
    assert handed.status_code == 200
    assert handed.headers["cache-control"] == "no-store"
    assert (handed.json()["token_type"], handed.json()["expires_in"]) == ("Bearer", 12 * 3600)
    known = me(desk, handed.json()["access_token"]).json()
    assert (known["name"], known["role"]) == ("ann", "approver")
    [confirmed] = desk.audit("device_confirmed")
    assert (confirmed.actor, confirmed.detail) == ("ann", {"client_name": CLIENT, "address": "127.0.0.1"})
    [made] = desk.audit("token_created")
    assert (made.actor, made.detail["name"]) == ("ann", f"ann: {CLIENT}")
    assert desk.refusals() == []  # that nobody has answered yet is none


def test_the_token_is_handed_out_once(desk: RunningDesk) -> None:
    browser, begun = desk.signed_in(Role.VIEWER, "ann"), begin(desk)
    answered(browser, begun)

    def second() -> Redeemed | DeviceCodeError:
        with transaction(desk.engine) as session:
            return device_codes.redeem(session, begun["device_code"], datetime.now(UTC))

    with ThreadPoolExecutor(1) as pool:
        with transaction(desk.engine) as session:
            first = device_codes.redeem(session, begun["device_code"], datetime.now(UTC))
            overtaken = pool.submit(second)
            while not waiting_for_locks(desk):
                assert not overtaken.done()
        assert isinstance(first, Redeemed)
        assert isinstance(overtaken.result(), ExpiredTokenError)
    assert error(asked(desk, begun)) == "expired_token"
    assert len(desk.audit("token_created")) == 1
    with transaction(desk.engine) as session:
        assert session.scalars(select(DeviceCode)).all() == []


def test_who_asks_too_often_is_slowed_down(desk: RunningDesk) -> None:
    begun = begin(desk)
    assert error(asked_at_once(desk, begun)) == "authorization_pending"
    for _ in range(2):
        assert error(asked_at_once(desk, begun)) == "slow_down"
    assert error(asked(desk, begun)) == "authorization_pending"


def test_a_denied_code_is_over(desk: RunningDesk) -> None:
    browser, begun = desk.signed_in(Role.VIEWER, "ann"), begin(desk)
    answered(browser, begun, "deny")
    assert answered(browser, begun).status_code == 404
    assert error(asked(desk, begun)) == "access_denied"
    assert error(asked(desk, begun)) == "expired_token"
    assert [(one.actor, one.detail["client_name"]) for one in desk.audit("device_denied")] == [("ann", CLIENT)]
    assert desk.audit("token_created") == []


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_code_lasts_ten_minutes_and_then_leaves_nothing_behind(desk: RunningDesk, *, confirmed: bool) -> None:
    browser, begun = desk.signed_in(Role.VIEWER, "ann"), begin(desk)
    if confirmed:
        answered(browser, begun)
    grow_old(desk)
    assert error(asked(desk, begun)) == "expired_token"
    assert browser.get(f"/device?user_code={begun['user_code']}").status_code == 404
    assert answered(browser, begun).status_code == 404
    begin(desk)
    with transaction(desk.engine) as session:
        assert len(session.scalars(select(DeviceCode)).all()) == 1


@pytest.mark.parametrize(
    "change", [{"disabled_at": datetime.now(UTC)}, {"one_time_password": True}], ids=["disabled", "one_time_password"]
)
def test_who_may_not_come_in_any_more_has_no_token_made(desk: RunningDesk, change: dict[str, Any]) -> None:
    browser, begun = desk.signed_in(Role.VIEWER, "ann"), begin(desk)
    answered(browser, begun)
    with transaction(desk.engine) as session:
        session.execute(update(User).values(change))
    assert error(asked(desk, begun)) == "access_denied"
    assert desk.audit("token_created") == []


def test_a_program_s_name_takes_nobody_else_s_token(desk: RunningDesk) -> None:
    tokens = {}
    for login, client in (("ann", CLIENT), ("bob", CLIENT), ("eve", f"ann: {CLIENT}")):
        begun = begin(desk, client)
        answered(desk.signed_in(Role.VIEWER, login), begun)
        tokens[login] = asked(desk, begun).json()["access_token"]
    for login, token in tokens.items():
        assert me(desk, token).json()["name"] == login
    again = begin(desk)
    browser = desk.browser()
    browser.sign_in("ann")
    answered(browser, again)
    assert asked(desk, again).is_success
    assert me(desk, tokens["ann"]).status_code == 401  # the same program of the same person


def test_the_page_takes_the_session_s_csrf_token_and_no_api_token(desk: RunningDesk) -> None:
    browser, begun = desk.signed_in(Role.VIEWER, "ann"), begin(desk)
    form = {"user_code": begun["user_code"], "verdict": "confirm"}
    assert browser.http.post("/device", data=form).status_code == 403
    answered(browser, begun)
    token = asked(desk, begun).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    another = begin(desk)
    for answer in (
        httpx.get(f"{desk.url}/device", headers=bearer),
        httpx.post(f"{desk.url}/device", headers=bearer, data={**form, "user_code": another["user_code"]}),
        httpx.post(f"{desk.url}/device", data=form),
    ):
        assert answer.status_code in (303, 401)
    assert error(asked(desk, another)) == "authorization_pending"


def test_what_a_program_calls_itself_is_shown_and_never_run(desk: RunningDesk) -> None:
    begun = begin(desk, "<script>alert(1)</script>")
    page = desk.signed_in().get(f"/device?user_code={begun['user_code']}").text
    assert "&lt;script&gt;alert(1)" in page
    for client in ("", " ", "a\nb", "a\u202eb", "a\u2003b", "x" * 81):
        answer = httpx.post(f"{desk.url}/api/device-codes", json={"client_name": client})
        assert answer.status_code == 422
    for days in (0, 91):
        answer = httpx.post(f"{desk.url}/api/device-codes", json={"client_name": CLIENT, "token_days": days})
        assert answer.status_code == 422


def test_ten_codes_of_an_address_are_open_at_a_time(desk: RunningDesk) -> None:
    for _ in range(device_codes.ADDRESS_LIMIT):
        begin(desk)
    refused = httpx.post(f"{desk.url}/api/device-codes", json={"client_name": CLIENT})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_device_codes")
    assert 0 < int(refused.headers["retry-after"]) <= 600
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as neighbour:
        assert neighbour.post(f"{desk.url}/api/device-codes", json={"client_name": CLIENT}).is_success
    grow_old(desk)
    begin(desk)


def test_no_code_is_stored(desk: RunningDesk) -> None:
    begun = begin(desk)
    with transaction(desk.engine) as session:
        [row] = session.execute(text("SELECT device_codes::text FROM device_codes")).scalars().all()
    assert begun["device_code"] not in row
    assert begun["user_code"].replace("-", "") not in row.replace("-", "")


def test_a_token_ends_itself(desk: RunningDesk) -> None:
    browser, begun = desk.signed_in(Role.VIEWER, "ann"), begin(desk, token_days=30)
    assert "30 d" in browser.get(f"/device?user_code={begun['user_code']}").text
    answered(browser, begun)
    token = asked(desk, begun).json()["access_token"]
    lasts = datetime.fromisoformat(me(desk, token).json()["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29) < lasts <= timedelta(days=30)
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.delete(f"{desk.url}/api/me/token", headers=bearer).is_success
    assert me(desk, token).status_code == 401
    assert desk.audit("token_revoked")[0].actor == "ann"
    by_session = browser.http.delete("/api/me/token", headers={"X-CSRF-Token": browser.csrf})
    assert by_session.status_code == 422
