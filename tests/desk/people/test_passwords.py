"""Local accounts: the first admin, one-time passwords, which passwords are refused, and how they are kept."""

import stat
import time

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from db.engine import transaction
from db.models import User
from services.people import passwords
from services.people.first_admin import PASSWORD_FILE, ensure_first_admin
from services.people.passwords import WeakPasswordError
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
    browser.get("/password")
    refused = browser.post("/people", login="eve", role="admin")
    assert refused.status_code == 403
    assert "Change your password" in refused.text  # the form that changes it, and below it what was typed
    assert desk.refusals() == [("mike", "password_change_needed", "/people")]

    before = browser.cookie
    changed = browser.post("/password", old=password, new=OWN, repeated=OWN)
    assert (changed.status_code, changed.headers["location"]) == (303, "/")
    assert browser.cookie != before
    assert browser.get("/people").status_code == 200
    assert not file.exists()
    thief = desk.browser()
    thief.http.cookies.set("desk_session", before)
    assert thief.get("/account").status_code == 303
    assert desk.browser().sign_in("mike", password).status_code == 403
    assert desk.browser().sign_in("mike", OWN).status_code == 303


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
    "bad", ["short", "elevenchars", "my name is VERA", "aaaaaaaaaaaaaaaa", "abababababab", "x" * 1001]
)
def test_bad_passwords(bad: str) -> None:
    with pytest.raises(WeakPasswordError):
        passwords.check_strength(bad, login="vera")


def test_good_passwords() -> None:
    for good in (PASSWORD, OWN, passwords.one_time(), "пароль из слов"):
        passwords.check_strength(good, login="vera")


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
