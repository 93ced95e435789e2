"""What every answer carries."""

import re

import httpx
import pytest
from sqlalchemy import Engine, text
from starlette.requests import Request

from credit.permissions import Role
from desk.sign_in.strangers import address_of
from runtime.settings import Settings
from tests.acting import made_token
from tests.conftest import free_port
from tests.desk.people.browser import RunningDesk
from tests.owner import as_owner


def test_every_answer_is_protected_and_kept_by_no_cache(desk: RunningDesk) -> None:
    browser = desk.signed_in(Role.ADMIN, "vera")
    with as_owner(desk.engine) as session:
        session.execute(text("ALTER TABLE api_tokens RENAME TO away"))
    answers = {
        200: browser.get("/people"),
        303: desk.browser().get("/people"),
        401: desk.browser().post("/people"),
        403: browser.http.post("/people"),
        404: browser.get("/nothing-here"),
        405: browser.get("/sign-out"),
        422: browser.post("/people/vera/role", role="king"),
        503: browser.get("/tokens"),
    }
    answers |= {201: browser.http.get("/api/openapi.json"), 202: browser.get("/healthz")}
    for status, answer in answers.items():
        assert answer.status_code == (200 if status in {201, 202} else status)
        policy = answer.headers["content-security-policy"]
        for rule in (
            "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
            "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'", "frame-src 'self'",
        ):  # fmt: skip
            assert rule in policy.split("; ")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "camera=()" in answer.headers["permissions-policy"]
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert "strict-transport-security" not in answer.headers
        assert "server" not in answer.headers


def test_a_mistake_of_ours_is_protected_too(desk: RunningDesk) -> None:
    browser = desk.signed_in(Role.ADMIN, "vera")
    with as_owner(desk.engine) as session:
        session.execute(text("ALTER TABLE users DROP CONSTRAINT ck_users_role_known"))
        session.execute(text("UPDATE users SET role = 'king'"))
    answer = browser.get("/people")
    assert answer.status_code == 500
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "king" not in answer.text


def test_static_files_may_be_kept(desk: RunningDesk) -> None:
    page = httpx.get(f"{desk.url}/sign-in").text
    asset = re.search(r'href="(/static/desk.css\?v=[^"]+)"', page)
    assert asset is not None
    assert "no-store" not in httpx.get(desk.url + asset[1]).headers["cache-control"]
    assert httpx.get(desk.url + asset[1].split("?")[0]).headers["etag"]


def test_the_api_docs_load_nothing_from_elsewhere_and_run_no_inline_script(desk: RunningDesk) -> None:
    page = httpx.get(f"{desk.url}/api/docs")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert "<script>" not in page.text
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) == 4
    for source in sources:
        assert source.startswith("/static/")
        assert httpx.get(desk.url + source).status_code == 200


def test_another_host_name_is_refused_where_ours_is_known(desk_settings: Settings, engine: Engine) -> None:
    port = free_port()
    settings = desk_settings.model_copy(update={"desk_port": port, "desk_url": f"http://desk.example:{port}"})
    with RunningDesk(settings, engine) as desk:
        for host in (f"desk.example:{port}", f"127.0.0.1:{port}", f"localhost:{port}"):
            assert httpx.get(f"{desk.url}/sign-in", headers={"Host": host}).status_code == 200
        for host in ("evil.example", f"evil.example:{port}", "desk.example", f"desk.example.evil:{port}"):
            assert httpx.get(f"{desk.url}/sign-in", headers={"Host": host}).status_code == 421
        assert httpx.get(f"{desk.url}/healthz", headers={"Host": "10.0.0.7"}).status_code == 200
        assert {refusal[1] for refusal in desk.refusals()} == {"unknown_host"}


@pytest.mark.parametrize(
    ("host", "counted_as"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("unix", "unix"),
    ],
)
def test_who_counts_as_one_address(host: str, counted_as: str) -> None:
    assert address_of(Request({"type": "http", "client": (host, 1)})) == counted_as


def test_admins_see_no_secrets_in_lists(desk: RunningDesk) -> None:
    made = made_token(desk.engine, "program", Role.VIEWER)
    browser = desk.signed_in(Role.ADMIN, "vera")
    for path in ("/people", "/tokens", "/api/users", "/api/tokens", "/people/vera"):
        shown = browser.get(path).text
        assert made not in shown
        assert "argon2" not in shown
        assert "sha256" not in shown
