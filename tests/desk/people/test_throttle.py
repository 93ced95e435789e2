"""Guessing passwords is slow, wherever it comes from; and nobody's guesses keep the owner out."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, func, select, text

from db.engine import transaction
from db.models import KnownDevice, SignInFailure
from db.people import sign_ins
from runtime.settings import Settings
from services.people import people
from tests.acting import acted
from tests.desk.people.browser import Browser, RunningDesk


def guess(desk: RunningDesk, login: str, *, address: str = "127.0.0.1") -> int:
    return desk.browser(address=address).sign_in(login, "a wrong password").status_code


def grow_old(desk: RunningDesk, minutes: int) -> None:
    with transaction(desk.engine) as session:
        session.execute(text("UPDATE sign_in_failures SET at = at - make_interval(mins => :m)"), {"m": minutes})


def failed(desk: RunningDesk, login: str, addresses: Iterable[str], *, each: int = 1) -> None:
    """Note failures of strangers, now."""
    with transaction(desk.engine) as session:
        now = datetime.now(UTC)
        session.add_all(
            SignInFailure(login=login, address=address, at=now) for address in addresses for _ in range(each)
        )


def known(desk: RunningDesk, login: str) -> Browser:
    """Return a browser that somebody signed in from before, and out."""
    browser = desk.browser(address="127.0.0.3")
    assert browser.sign_in(login).status_code == 303
    browser.post("/sign-out")
    return browser


def test_five_wrong_passwords_for_a_login_from_an_address(desk: RunningDesk) -> None:
    desk.person("vera")
    for login in ("vera", "nobody"):
        assert [guess(desk, login) for _ in range(5)] == [403] * 5
    right, unknown = desk.browser().sign_in("vera"), desk.browser().sign_in("nobody")
    for answer in (right, unknown):
        assert answer.status_code == 429
        assert 14 * 60 < int(answer.headers["retry-after"]) <= 15 * 60
        assert "Too many failed sign-ins" in answer.text
    assert right.text.count("vera") == unknown.text.count("nobody")
    grow_old(desk, 15)
    assert desk.browser().sign_in("vera").status_code == 303


def test_no_stranger_at_another_address_keeps_the_owner_out(desk: RunningDesk) -> None:
    desk.person("vera")
    for _ in range(3):
        assert [guess(desk, "vera", address="127.0.0.2") for _ in range(6)] == [403] * 5 + [429]
        assert desk.browser().sign_in("vera").status_code == 303
        grow_old(desk, 15)


def test_the_owners_success_gives_a_stranger_no_new_tries(desk: RunningDesk) -> None:
    desk.person("vera")
    assert [guess(desk, "vera", address="127.0.0.2") for _ in range(5)] == [403] * 5
    assert desk.browser().sign_in("vera").status_code == 303
    assert guess(desk, "vera", address="127.0.0.2") == 429


def test_a_hundred_strangers_keep_nobody_out_of_a_device_that_is_known(desk: RunningDesk) -> None:
    desk.person("vera")
    device = known(desk, "vera")
    failed(desk, "vera", [f"10.0.0.{n}" for n in range(20)], each=5)
    assert guess(desk, "vera", address="127.0.0.2") == 429
    assert desk.refusals() == [("unknown", "too_many_attempts", "/sign-in")]
    assert desk.browser().sign_in("vera").status_code == 429, "one more stranger, for all that anybody knows"
    assert device.sign_in("vera").status_code == 303
    assert device.sign_in("vera", "a wrong password").status_code == 403


def test_the_strangers_behind_ones_own_address_do_not_keep_a_known_device_out(desk: RunningDesk) -> None:
    desk.person("vera")
    device = known(desk, "vera")
    failed(desk, "vera", ["127.0.0.3"], each=5)
    failed(desk, "anna", ["127.0.0.3"], each=15)
    assert guess(desk, "vera", address="127.0.0.3") == 429
    assert device.sign_in("vera").status_code == 303


def test_a_known_device_may_guess_no_more_than_a_stranger_and_no_other_login(desk: RunningDesk) -> None:
    for login in ("vera", "anna"):
        desk.person(login)
    device = known(desk, "vera")
    assert [device.sign_in("vera", "a wrong password").status_code for _ in range(6)] == [403] * 5 + [429]
    assert desk.browser(address="127.0.0.3").sign_in("vera").status_code == 303, "the device's tries are its own"
    failed(desk, "anna", [f"10.0.0.{n}" for n in range(20)], each=5)
    assert device.sign_in("anna").status_code == 429


def test_a_device_cookie_says_nothing_and_nobody_can_plant_one(desk: RunningDesk) -> None:
    for login in ("vera", "mallory"):
        desk.person(login)
    cookie = known(desk, "mallory").http.cookies["desk_device"]
    victim = desk.browser()
    victim.http.cookies.set("desk_device", cookie, domain="127.0.0.1")
    given = victim.sign_in("vera").headers.get_list("set-cookie")
    [device] = [one for one in given if one.startswith("desk_device=")]
    assert cookie not in device
    assert "vera" not in device
    for attribute in ("HttpOnly", "SameSite=lax", "Max-Age=31536000"):
        assert attribute in device
    with transaction(desk.engine) as session:
        kept = session.scalars(select(KnownDevice.sha256)).all()
        assert all(len(one) == 64 and one not in device for one in kept)
        assert len(kept) == 2


def test_a_new_password_and_a_year_make_a_device_a_stranger_again(desk: RunningDesk) -> None:
    desk.person("vera")
    device = known(desk, "vera")
    with transaction(desk.engine) as session:
        session.execute(text("UPDATE known_devices SET seen_at = seen_at - interval '366 days'"))
    known(desk, "vera")
    with transaction(desk.engine) as session:
        assert session.scalar(select(func.count()).select_from(KnownDevice)) == 1
    acted(desk.engine, "mike", people.reset_password, "vera")
    with transaction(desk.engine) as session:
        assert session.scalar(select(func.count()).select_from(KnownDevice)) == 0
    failed(desk, "vera", [f"10.0.0.{n}" for n in range(20)], each=5)
    assert device.sign_in("vera").status_code == 429


def test_twenty_wrong_passwords_from_an_address(desk: RunningDesk) -> None:
    desk.person("vera")
    with transaction(desk.engine) as session:
        now = datetime.now(UTC)
        session.add_all(SignInFailure(login=f"guess-{n}", address="127.0.0.1", at=now) for n in range(18))
    assert [guess(desk, f"one-more-{number}") for number in range(2)] == [403] * 2
    assert desk.browser().sign_in("vera").status_code == 429
    assert desk.browser(address="127.0.0.2").sign_in("vera").status_code == 303


def test_success_forgets_the_failures_of_the_login_only(desk: RunningDesk) -> None:
    desk.person("vera")
    assert [guess(desk, "vera") for _ in range(4)] == [403] * 4
    assert guess(desk, "mike") == 403
    assert desk.browser().sign_in("vera").status_code == 303
    with transaction(desk.engine) as session:
        assert session.scalars(select(SignInFailure.login)).all() == ["mike"]
    assert [guess(desk, "vera") for _ in range(4)] == [403] * 4


def test_guesses_made_at_once_do_not_pass_the_limit_together(desk: RunningDesk) -> None:
    desk.person("vera")
    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: guess(desk, "vera"), range(16)))
    assert sorted(statuses) == [403] * 5 + [429] * 11


def test_guesses_made_at_once_from_many_addresses_do_not_pass_the_wide_limit(desk: RunningDesk) -> None:
    def attempt(number: int) -> bool:
        with transaction(desk.engine) as session:
            now = datetime.now(UTC)
            until = sign_ins.try_again_at(session, login="vera", address=f"10.0.0.{number}", device="", now=now)
        return until is None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(120))) == sign_ins.LOGIN_LIMIT


@pytest.mark.parametrize("proxy", [False, True])
def test_nobody_but_the_proxy_says_where_a_request_came_from(
    desk_settings: Settings, engine: Engine, *, proxy: bool
) -> None:
    believed = {"desk_proxies": "127.0.0.1" if proxy else ""}
    with RunningDesk(desk_settings.model_copy(update=believed), engine) as desk:
        desk.browser().post("/sign-in", headers={"X-Forwarded-For": "203.0.113.9"}, login="vera", password="x")
        assert [event.detail["address"] for event in desk.audit("request_refused")] == [
            "203.0.113.9" if proxy else "127.0.0.1"
        ]


def test_old_failures_do_not_pile_up(desk: RunningDesk) -> None:
    desk.person("vera")
    guess(desk, "vera")
    grow_old(desk, 20)
    guess(desk, "mike")
    with transaction(desk.engine) as session:
        assert session.scalar(select(func.count()).select_from(SignInFailure)) == 1
