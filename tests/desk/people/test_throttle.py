"""Guessing passwords is slow: five wrong ones for a login, twenty from an address, then one has to wait."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from sqlalchemy import func, select, text

from db.engine import transaction
from db.models import SignInFailure
from tests.desk.people.browser import RunningDesk


def guess(desk: RunningDesk, login: str, *, address: str = "127.0.0.1") -> int:
    return desk.browser(address=address).sign_in(login, "a wrong password").status_code


def grow_old(desk: RunningDesk, minutes: int) -> None:
    with transaction(desk.engine) as session:
        session.execute(text("UPDATE sign_in_failures SET at = at - make_interval(mins => :m)"), {"m": minutes})


def test_five_wrong_passwords_for_a_login(desk: RunningDesk) -> None:
    desk.person("vera")
    for login in ("vera", "nobody"):
        assert [guess(desk, login, address="127.0.0.2") for _ in range(5)] == [403] * 5
    known, unknown = desk.browser().sign_in("vera"), desk.browser().sign_in("nobody")  # and from any address
    for answer in (known, unknown):
        assert answer.status_code == 429
        assert 14 * 60 < int(answer.headers["retry-after"]) <= 15 * 60
        assert "Too many failed sign-ins" in answer.text
    assert known.text.count("vera") == unknown.text.count("nobody")
    assert [code for _, code, _ in desk.refusals()][-2:] == ["too_many_attempts"] * 2
    grow_old(desk, 15)
    assert desk.browser().sign_in("vera").status_code == 303


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


def test_old_failures_do_not_pile_up(desk: RunningDesk) -> None:
    desk.person("vera")
    guess(desk, "vera")
    grow_old(desk, 20)
    guess(desk, "mike")
    with transaction(desk.engine) as session:
        assert session.scalar(select(func.count()).select_from(SignInFailure)) == 1
