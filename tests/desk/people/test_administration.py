"""Admins' pages, API and command line for people and tokens."""

import json
import re
from collections.abc import Callable

import httpx
import pytest

from credit.permissions import Role
from starter.cli import run
from tests.acting import bearer as bearer_of
from tests.acting import made_token
from tests.desk.people.browser import RunningDesk

Hold = Callable[..., tuple[int, str, str]]


def secret(page: str) -> str:
    found = re.search(r'id="secret">([^<]+)<', page)
    assert found, page
    return found[1]


def test_an_admin_makes_an_account_whose_owner_signs_in(desk: RunningDesk) -> None:
    admin = desk.signed_in(Role.ADMIN, "mike")
    made = admin.post("/people", login="Vera", name="Vera <b>Viewer</b>", email="vera@example.test", role="requester")
    password = secret(made.text)
    assert made.headers["cache-control"] == "no-store"
    listed = admin.get("/people").text
    assert "Vera &lt;b&gt;Viewer" in listed
    assert password not in listed
    vera = desk.browser()
    assert vera.sign_in("vera", password).headers["location"] == "/password"
    new = "vier Wörter in Folge"
    vera.get("/password")
    assert vera.post("/password", new=new, repeated=new).status_code == 303
    assert vera.get("/account").status_code == 200
    again = secret(admin.post("/people/vera/reset-password").text)
    assert vera.get("/account").status_code == 303
    assert vera.sign_in("vera", again).headers["location"] == "/password"
    assert [event.action for event in desk.audit("user_created", "password_changed", "password_reset")][-3:] == [
        "user_created", "password_changed", "password_reset",
    ]  # fmt: skip


def test_an_admin_gives_somebody_another_name_and_address(desk: RunningDesk) -> None:
    desk.person("vera")
    admin = desk.signed_in(Role.ADMIN, "mike")
    admin.get("/people/vera")
    changed = admin.post("/people/vera/contact", name="Vera <V>", email="vera@example.test")
    assert (changed.status_code, changed.headers["location"]) == (303, "/people/vera")
    page = admin.get("/people/vera").text
    assert 'value="Vera &lt;V&gt;"' in page
    assert 'value="vera@example.test"' in page
    refused = admin.post("/people/vera/contact", name="Vera W", email="nowhere")
    assert refused.status_code == 422
    assert 'value="Vera W"' in refused.text
    assert (desk.user("vera").name, desk.user("vera").email) == ("Vera <V>", "vera@example.test")
    assert desk.signed_in(Role.APPROVER, "anna").post("/people/vera/contact", email="").status_code == 403


def test_refusals_are_explained_on_the_page(desk: RunningDesk) -> None:
    admin = desk.signed_in(Role.ADMIN, "mike")
    admin.get("/people")
    taken = admin.post("/people", login="mike", name="Another", role="viewer")
    assert taken.status_code == 409
    assert 'role="alert" id="problem" data-stays tabindex="-1" data-focus' in taken.text
    assert 'value="Another"' in taken.text
    assert admin.post("/people", login="no spaces", role="viewer").status_code == 422
    last = admin.post("/people/mike/disable")
    assert last.status_code == 409
    assert "last admin" in last.text
    assert 'action="/people/mike/disable"' in last.text, "a form without words comes back in its page, too"
    assert admin.post("/people/mike/role", role="viewer").status_code == 409
    assert desk.user("mike").role == "admin"
    assert admin.get("/people/nobody").status_code == 404
    assert {code for _, code, _ in desk.refusals()} == {"login_taken", "bad_input", "last_admin"}
    desk.person("anna", Role.ADMIN)
    assert admin.post("/people/anna/disable").status_code == 303
    assert admin.post("/people/mike/disable").status_code == 409  # the other one can't sign in


def test_tokens_on_pages(desk: RunningDesk) -> None:
    admin = desk.signed_in(Role.ADMIN, "mike")
    token = secret(admin.post("/tokens", name="nightly job", role="viewer").text)
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{desk.url}/api/me", headers=bearer).json()["token"] == "nightly job"
    page = admin.get("/tokens").text
    for said in ("nightly job", '<a href="/people/nightlyjob">nightlyjob</a>', "</time> ago", "Whatever uses it stops"):
        assert said in page, said
    assert re.search(r'href="/people" aria-current="page"', page)
    again = admin.post("/tokens", name="nightly job", role="viewer", days="7")
    assert again.status_code == 409
    assert re.search(r'name="days"[^>]* value="7"', again.text), "what was typed stays"
    assert httpx.get(f"{desk.url}/api/me", headers=bearer).status_code == 200
    token = secret(admin.post("/tokens", name="nightly job", role="viewer", owner="mike", replace="yes").text)
    assert httpx.get(f"{desk.url}/api/me", headers=bearer).status_code == 401
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{desk.url}/api/me", headers=bearer).json()["name"] == "mike"
    admin.post("/tokens", name="dashboard", role="viewer", owner="-", only="look")
    assert "itself, a service" in admin.get("/tokens").text
    assert admin.post("/tokens", name="x", role="viewer", days="soon").status_code == 422
    assert admin.post("/tokens/revoke", name="nightly job").status_code == 303
    assert httpx.get(f"{desk.url}/api/me", headers=bearer).status_code == 401
    assert admin.post("/tokens/revoke", name="no such").status_code == 404
    assert admin.post("/tokens", name="", role="viewer").status_code == 422


def test_the_api(desk: RunningDesk) -> None:
    bearer = bearer_of(desk.engine, "program", Role.ADMIN)
    with httpx.Client(base_url=f"{desk.url}/api", headers=bearer) as api:
        made = api.post("/users", json={"login": "vera", "role": "admin"})
        assert made.status_code == 201
        assert desk.browser().sign_in("vera", made.json()["one_time_password"]).status_code == 303
        assert api.post("/users", json={"login": "vera", "role": "viewer"}).json()["code"] == "login_taken"
        assert api.post("/users", json={"login": "eve", "role": "king"}).status_code == 422
        assert api.patch("/users/vera", json={"role": "viewer"}).json()["code"] == "last_admin"
        api.post("/users", json={"login": "mike", "role": "admin"})
        changed = api.patch("/users/vera", json={"role": "viewer", "disabled": True}).json()
        assert (changed["role"], changed["disabled_at"] is None) == ("viewer", False)
        assert api.patch("/users/vera", json={"disabled": False}).json()["disabled_at"] is None
        contact = api.patch("/users/vera", json={"name": "Vera V", "email": "vera@example.test"}).json()
        assert (contact["name"], contact["email"], contact["role"]) == ("Vera V", "vera@example.test", "viewer")
        for bad in ("nonsense", "a@b.example, c@d.example", "a@b.example\nBcc: c@d.example"):
            assert api.patch("/users/vera", json={"email": bad, "name": "Eve"}).status_code == 422
        assert api.patch("/users/vera", json={"role": "viewer"}).json()["name"] == "Vera V"
        taken_away = api.patch("/users/vera", json={"email": ""}).json()
        assert (taken_away["name"], taken_away["email"]) == ("Vera V", None)
        assert [event.detail for event in desk.audit("user_name_changed", "user_email_changed")] == [
            {"login": "vera", "before": "", "after": "Vera V"},
            {"login": "vera", "before": None, "after": "vera@example.test"},
            {"login": "vera", "before": "vera@example.test", "after": None},
        ]
        assert api.patch("/users/nobody", json={}).json()["code"] == "unknown_user"
        assert api.post("/users/vera/reset-password").json()["one_time_password"]
        assert api.post("/users/vera/sign-out").json() == {"login": "vera", "sessions_ended": 0}
        assert [user["login"] for user in api.get("/users").json()["users"]] == ["mike", "program", "vera"]
        token = api.post("/tokens", json={"name": "job", "role": "viewer"}).json()["token"]
        assert token not in api.get("/tokens").text
        assert api.delete("/tokens/job").json()["name"] == "job"
        assert api.delete("/tokens/nothing").json()["code"] == "unknown_token_name"


@pytest.fixture
def hold(desk: RunningDesk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Hold:
    """The command line as an admin's; `role` makes it somebody else's."""
    monkeypatch.setenv("HOLD_DESK_URL", desk.url)
    monkeypatch.setenv("HOLD_DATA_DIR", str(desk.settings.data_dir))

    def call(*arguments: str, role: Role = Role.ADMIN) -> tuple[int, str, str]:
        token = made_token(desk.engine, "robin", role)
        monkeypatch.setenv("HOLD_TOKEN", token)
        code = run(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_the_command_line(desk: RunningDesk, hold: Hold) -> None:
    code, password, said = hold("user", "create", "Vera", "--role", "viewer", "--name", "Vera V")
    assert code == 0
    assert "not shown again" in said
    browser = desk.browser()
    assert browser.sign_in("vera", password.strip()).status_code == 303
    assert json.loads(hold("user", "sign-out", "vera", "--json")[1]) == {"login": "vera", "sessions_ended": 1}
    assert browser.get("/password").status_code == 303
    assert json.loads(hold("user", "role", "vera", "admin", "--json")[1])["role"] == "admin"
    assert hold("user", "disable", "vera")[0] == 1  # the last admin
    hold("user", "create", "mike", "--role", "admin")
    assert "vera is admin, disabled" in hold("user", "disable", "vera")[2]
    assert browser.sign_in("vera", password.strip()).status_code == 403
    assert hold("user", "enable", "vera")[0] == 0
    assert "vera: name Vera V, e-mail v@example.test." in hold("user", "change", "vera", "--email", "v@example.test")[2]
    assert "e-mail none" in hold("user", "change", "vera", "--email", "", "--name", "Vera")[2]
    assert "--email" in hold("user", "change", "vera")[2]
    assert desk.user("vera").name == "Vera"
    reset = json.loads(hold("user", "reset-password", "vera", "--json")[1])["one_time_password"]
    assert browser.sign_in("vera", reset).status_code == 303
    assert [user["login"] for user in json.loads(hold("user", "list", "--json")[1])["users"]] == [
        "mike",
        "robin",
        "vera",
    ]
    assert "vera" in hold("user", "list")[1]
    assert hold("user", "reset-password", "nobody")[0] == 1
    assert hold("user", "create", "eve", "--role", "admin", role=Role.APPROVER)[0] == 1
    assert desk.audit("user_disabled")[0].actor == "robin"


def test_tokens_on_the_command_line(desk: RunningDesk, hold: Hold) -> None:
    token = hold("token", "create", "--name", "job", "--role", "viewer")[1].strip()
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{desk.url}/api/me", headers=bearer).status_code == 200
    assert token not in hold("token", "list")[1]
    assert hold("token", "revoke", "job")[0] == 0
    assert httpx.get(f"{desk.url}/api/me", headers=bearer).status_code == 401
    listed = json.loads(hold("token", "list", "--json")[1])["tokens"]
    assert {one["name"]: one["revoked_at"] is None for one in listed} == {"robin": True, "job": False}
    assert hold("token", "revoke", "nothing")[0] == 1
