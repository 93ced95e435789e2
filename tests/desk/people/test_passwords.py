"""Local accounts: the first admin, one-time passwords, which passwords are refused, and how they are kept."""

import re
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.models import User
from db.people import users
from services.people import passwords, people
from services.people.first_admin import PASSWORD_FILE, ensure_first_admin
from services.people.passwords import WeakPasswordError
from tests.acting import acted
from tests.desk.people.browser import PASSWORD, RunningDesk

OWN = "a password of my own"


def test_the_first_admin_is_made_once_and_must_choose_a_password(desk: RunningDesk, database_url: str) -> None:
    file = desk.settings.data_dir / PASSWORD_FILE
    password = ensure_first_admin(database_url, file)
    assert password is not None
    assert file.read_text() == password + "\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert ensure_first_admin(database_url, file) is None
    browser = desk.browser()
    answer = browser.sign_in("mike", password, next_page="/people")
    assert answer.headers["location"] == "/password"
    for path in ("/", "/people", "/account"):
        page = browser.get(path)
        assert (page.status_code, page.headers["location"]) == (303, "/password")
    assert browser.http.get("/api/users").json()["code"] == "password_change_needed"
    assert not file.exists(), "it was for that sign-in"
    browser.get("/password")
    refused = browser.post("/people", login="eve", role="admin")
    assert refused.status_code == 403
    assert "Change your password" in refused.text  # the form that changes it, and below it what was typed
    assert desk.refusals() == [("mike", "password_change_needed", "/people")]

    before = browser.cookie
    assert browser.post("/password", new=password, repeated=password).status_code == 422
    changed = browser.post("/password", new=OWN, repeated=OWN)
    assert (changed.status_code, changed.headers["location"]) == (303, "/")
    assert browser.cookie != before
    assert browser.get("/people").status_code == 200
    assert desk.user("mike").one_time_until is None
    thief = desk.browser()
    thief.http.cookies.set("desk_session", before)
    assert thief.get("/account").status_code == 303
    assert desk.browser().sign_in("mike", password).status_code == 403
    assert desk.browser().sign_in("mike", OWN).status_code == 303


def made_at(desk: RunningDesk, password: str, ago: timedelta) -> None:
    """Make vera, whose one-time password was made so long ago."""
    with transaction(desk.engine) as session:
        act = Act(session, "test", datetime.now(UTC) - ago)
        users.create(act, login="vera", role=Role.VIEWER, password_hash=passwords.hashed(password))


def test_a_one_time_password_opens_one_session(desk: RunningDesk) -> None:
    password = acted(desk.engine, "test", people.create, "vera", Role.VIEWER)
    browsers = [desk.browser() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda one: one.sign_in("vera", password), browsers))
    assert sorted(answer.status_code for answer in answers) == [303, 403, 403, 403]
    refused = next(answer for answer in answers if answer.status_code == 403)
    assert "This one-time password was used already" in refused.text
    assert "hold user reset-password vera" in refused.text
    assert [code for _, code, _ in desk.refusals()] == ["one_time_password_over"] * 3
    inside = browsers[[answer.status_code for answer in answers].index(303)]
    inside.get("/password")
    assert inside.post("/password", new=OWN, repeated=OWN).status_code == 303
    assert desk.browser().sign_in("vera", OWN).status_code == 303
    assert desk.browser().sign_in("vera", OWN).status_code == 303, "one's own may be used again"


@pytest.mark.parametrize(("hours", "status"), [(23.9, 303), (24.1, 403)])
def test_a_one_time_password_works_for_a_day(desk: RunningDesk, hours: float, status: int) -> None:
    made_at(desk, "one-time-password", timedelta(hours=hours))
    assert desk.browser().sign_in("vera", "one-time-password").status_code == status


def test_who_guesses_is_not_told_that_a_password_was_a_one_time_one(desk: RunningDesk) -> None:
    made_at(desk, "one-time-password", timedelta(hours=25))
    expired = desk.browser().sign_in("vera", "another-password")
    unknown = desk.browser().sign_in("nobody", "another-password")
    assert expired.status_code == unknown.status_code == 403
    for answer in (expired, unknown):
        assert "Login and password do not fit" in answer.text
        assert "one-time" not in answer.text


def test_a_first_password_that_nobody_used_in_time_is_made_anew(desk: RunningDesk, database_url: str) -> None:
    file = desk.settings.data_dir / PASSWORD_FILE
    first = ensure_first_admin(database_url, file)
    with transaction(desk.engine) as session:
        session.execute(update(User).values(one_time_until=datetime.now(UTC)))
    second = ensure_first_admin(database_url, file)
    assert second not in {None, first}
    assert file.read_text() == f"{second}\n"
    assert ensure_first_admin(database_url, file) is None
    assert first is not None
    assert desk.browser().sign_in("mike", first).status_code == 403
    acted(desk.engine, "ada", people.reset_password, "mike")
    assert ensure_first_admin(database_url, file) is None
    assert not file.exists(), "it told a password that is mike's no longer"


def test_the_next_empty_field_has_the_focus(desk: RunningDesk) -> None:
    made_at(desk, "one-time-password", timedelta())

    def focused(page: str) -> list[str]:
        return re.findall(r'id="(\w+)"[^>]* autofocus', page)

    browser = desk.browser()
    assert focused(browser.get("/sign-in").text) == ["login"]
    assert focused(browser.sign_in("vera", "wrong").text) == ["password"]
    assert browser.sign_in("vera", "one-time-password").status_code == 303
    page = browser.get("/password").text
    assert focused(page) == ["new"]
    assert 'name="old"' not in page
    assert "/queue" not in page, "nothing that would only lead back here"
    again = browser.post("/password", new=OWN, repeated=OWN + "!")
    assert focused(again.text) == ["new"]
    browser.post("/password", new=OWN, repeated=OWN)
    assert focused(browser.get("/password").text) == ["old"]


def test_a_password_change_ends_all_other_sessions_and_needs_the_old_one(desk: RunningDesk) -> None:
    browser, other = desk.signed_in(login="vera"), desk.browser()
    other.sign_in("vera")
    assert browser.post("/password", old="a wrong one", new=OWN, repeated=OWN).status_code == 403
    assert browser.post("/password", old=PASSWORD, new=OWN, repeated=OWN + "!").status_code == 422
    assert browser.post("/password", old=PASSWORD, new="vera vera vera", repeated="vera vera vera").status_code == 422
    assert browser.post("/password", old=PASSWORD, new=PASSWORD, repeated=PASSWORD).status_code == 422
    assert [code for _, code, _ in desk.refusals()] == ["wrong_password", "weak_password", "weak_password"]
    assert other.get("/account").status_code == 200
    assert browser.post("/password", old=PASSWORD, new=OWN, repeated=OWN).status_code == 303
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 303


@pytest.mark.parametrize(
    "bad",
    [
        "short", "elevenchars", "my name is VERA", "aaaaaaaaaaaaaaaa", "abababababab", "x" * 1001,
        "password12345", "qwertyuiop123", "letmein123456", "P@ssw0rd2026!", "Summer2026!!!", "password" * 100,
        "servicehold123", "CreditHold2026", "Lindqvist2026", "acmefreight12",
    ],
)  # fmt: skip
def test_passwords_that_would_be_guessed(bad: str) -> None:
    with pytest.raises(WeakPasswordError) as refused:
        passwords.check_strength(bad, login="vera", about="Vera Lindqvist v.l@acmefreight.example")
    assert "take " in str(refused.value).casefold()


def test_good_passwords() -> None:
    for good in (PASSWORD, OWN, passwords.one_time(), "пароль из слов", "tK4!zq9Lw_2p"):
        passwords.check_strength(good, login="vera")


@pytest.mark.parametrize("long", ["a", "ab1", "1aB!", "password", "01/02/1990", "@4$a"])
def test_a_long_password_is_judged_as_fast_as_a_short_one(long: str) -> None:
    began = time.process_time()
    with pytest.raises(WeakPasswordError):
        passwords.check_strength((long * 1000)[:1000], login="vera")
    assert time.process_time() - began < 1  # the whole of it takes minutes


def test_the_dictionaries_are_loaded_by_who_judges_a_password_only() -> None:
    code = "import sys, desk.app, starter.cli; sys.exit('zxcvbn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_hash_of_weaker_parameters_is_made_anew_at_the_next_sign_in(desk: RunningDesk) -> None:
    desk.person("vera")
    weak = PasswordHasher(time_cost=1, memory_cost=8192).hash(PASSWORD)
    with transaction(desk.engine) as session:
        session.execute(update(User).values(password_hash=weak))
    assert desk.browser().sign_in("vera").status_code == 303
    with transaction(desk.engine) as session:
        kept = session.scalars(select(User.password_hash)).one()
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert kept != weak
    assert not passwords.outdated(kept)
    assert desk.browser().sign_in("vera").status_code == 303


def test_an_unknown_login_takes_as_much_work_and_says_the_same(desk: RunningDesk) -> None:
    desk.person("vera")
    known, unknown = desk.browser().sign_in("vera", "wrong"), desk.browser().sign_in("nobody", "wrong")
    assert known.status_code == unknown.status_code == 403
    alert = 'role="alert"'
    assert known.text.split(alert)[-1].split("</div>")[0] == unknown.text.split(alert)[-1].split("</div>")[0]

    def work(password_hash: str | None) -> float:
        began = time.process_time()
        assert not passwords.matches("wrong", password_hash)
        return time.process_time() - began

    kept = desk.user("vera").password_hash
    assert min(work(None) for _ in range(3)) > min(work(kept) for _ in range(3)) / 2


def test_who_signs_in_with_the_provider_only_has_no_password(desk: RunningDesk) -> None:
    desk.person("vera")
    with transaction(desk.engine) as session:
        session.execute(update(User).values(password_hash=None))
    for password in ("", "None", PASSWORD):
        assert desk.browser().sign_in("vera", password).status_code == 403
