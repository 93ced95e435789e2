"""Signing in with a real OpenID Connect provider."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from pydantic import SecretStr
from sqlalchemy import Engine

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.people import tokens, users
from desk.sign_in.oidc import Attempt, checked
from desk.sign_in.provider_people import _email
from runtime.settings import Settings
from services.people import people
from tests.acting import acted, everybody
from tests.conftest import free_port
from tests.desk.people.browser import PASSWORD, Browser, RunningDesk
from tests.desk.people.provider import OidcProvider

PEOPLE: dict[str, dict[str, object]] = {
    "s-1": {"name": "Anna Approver", "preferred_username": "Anna", "groups": ["staff", "ar-viewers", "ar-approvers"]},
    "s-2": {"name": "Also Anna", "preferred_username": "anna", "email": "anna@example.test", "groups": "ar-viewers"},
    "s-3": {"email": "Mail@Example.Test", "email_verified": True, "groups": ["ar-viewers"]},
    "s-4": {"preferred_username": "nobody-here", "groups": ["staff"]},
    "s-5": {"preferred_username": "operator", "email": "mike@example.test", "groups": ["ar-admins"]},
    "s-6": {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example.test"}}},
    "s-7": {"hasgroups": True},
}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"email": "anna@example.test"}, "anna@example.test"),
        ({"email": "anna@example.test", "email_verified": False}, None),
        ({"email": "a@example.test, b@example.test"}, None),
        ({"email": "=?utf-8?q?a?=@example.test"}, None),
        ({}, None),
    ],
)
def test_an_address_that_is_none_keeps_nobody_out(said: dict[str, object], kept: str | None) -> None:
    assert _email(said) == kept


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def provider(port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OidcProvider]:
    log = tmp_path_factory.mktemp("provider") / "log"
    running = OidcProvider(f"http://127.0.0.1:{port}/sign-in/callback", PEOPLE, log)
    yield running
    running.stop()


@pytest.fixture
def desk_settings(desk_settings: Settings, port: int, provider: OidcProvider) -> Settings:
    roles = {"ar-viewers": "viewer", "ar-approvers": "approver", "ar-admins": "admin"}
    changes: dict[str, Any] = {
        "desk_port": port,
        "oidc_issuer": provider.issuer,
        "oidc_client_id": "desk",
        "oidc_client_secret": SecretStr("desk-secret/with+signs"),
        "oidc_roles": roles,
    }
    return desk_settings.model_copy(update=changes)


def asked(browser: Browser, next_page: str = "/account") -> str:
    answer = browser.get(f"/sign-in/provider?next={next_page}")
    assert answer.status_code == 303
    return answer.headers["location"]


def at_provider(address: str, subject: str) -> str:
    """Sign in and consent at the provider, as a browser does; returns where it sends the browser."""
    with httpx.Client() as http:
        while not urlsplit(address).path.startswith("/sign-in/"):
            page = http.get(address)
            while "location" not in page.headers:
                action = re.search(r'action="([^"]+)"', page.text)
                prompt = re.search(r'name="prompt" value="([^"]+)"', page.text)
                assert action, page.text
                assert prompt, page.text
                page = http.post(
                    str(page.url.join(action[1])), data={"prompt": prompt[1], "login": subject, "password": "x"}
                )
            address = str(page.url.join(page.headers["location"]))
    return address


def come_back(browser: Browser, address: str) -> httpx.Response:
    parts = urlsplit(address)
    return browser.get(f"{parts.path}?{parts.query}")


def sign_in(desk: RunningDesk, subject: str) -> tuple[Browser, httpx.Response]:
    browser = desk.browser()
    answer = come_back(browser, at_provider(asked(browser), subject))
    return browser, answer


def test_somebody_the_provider_knows(desk: RunningDesk, provider: OidcProvider) -> None:
    browser, answer = sign_in(desk, "s-1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/account")
    assert browser.get("/account").status_code == 200
    user = desk.user("anna")
    assert (user.name, user.role, user.password_hash) == ("Anna Approver", "approver", None)
    assert (user.oidc_issuer, user.oidc_subject) == (provider.issuer, "s-1")
    assert desk.audit("signed_in")[0].detail["how"] == "provider"
    sign_in(desk, "s-1")
    assert [person.login for person in everybody(desk.engine)] == ["anna"]


def test_the_question_carries_pkce_state_and_nonce(desk: RunningDesk) -> None:
    first, second = (parse_qs(urlsplit(asked(desk.browser())).query) for _ in range(2))
    assert first["code_challenge_method"] == ["S256"]
    assert set(first["scope"][0].split()) == {"openid", "profile", "email", "groups"}
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 43
        assert first[name] != second[name]


def test_people_are_told_apart_by_subject_not_by_name_or_address(desk: RunningDesk) -> None:
    local = desk.person("anna@example.test")
    with transaction(desk.engine) as session:
        tokens.create(Act(session, "test", desk.user(local).created_at), name="Job", role=Role.VIEWER, service=True)
    for subject in ("s-1", "s-2", "s-3", "s-5"):
        assert sign_in(desk, subject)[1].status_code == 303
    roles = {person.login: person.role for person in everybody(desk.engine)}
    assert roles == {
        "anna": "approver",
        "anna@example.test": "viewer",  # the second Anna has her address, and is not her
        "anna-2": "viewer",
        "mail@example.test": "viewer",
        "mike@example.test": "admin",  # not `operator`: a token acts under that name
    }
    assert desk.user(local).oidc_subject is None


def test_the_groups_decide_the_role_at_each_sign_in(desk: RunningDesk) -> None:
    sign_in(desk, "s-1")
    acted(desk.engine, "test", people.change, "anna", role=Role.ADMIN)
    sign_in(desk, "s-1")
    assert desk.user("anna").role == "approver"


def test_who_has_no_role_may_not_come_in(desk: RunningDesk) -> None:
    browser, answer = sign_in(desk, "s-4")
    assert answer.status_code == 403
    assert "none of your groups" in answer.text
    assert browser.cookie == ""
    assert everybody(desk.engine) == []
    assert desk.refusals() == [("unknown", "sign_in_refused", "/sign-in/callback")]


@pytest.mark.parametrize("subject", ["s-6", "s-7"])
def test_who_is_in_too_many_groups_for_a_token_is_told_so_and_keeps_the_role(
    desk: RunningDesk, provider: OidcProvider, subject: str
) -> None:
    with transaction(desk.engine) as session:
        known = (provider.issuer, subject)
        users.create(Act(session, "test", datetime.now(UTC)), login="anna", role=Role.ADMIN, subject=known)
    browser, answer = sign_in(desk, subject)
    assert answer.status_code == 403
    assert "more groups than your provider puts into a token" in answer.text
    assert browser.cookie == ""
    assert desk.user("anna").role == "admin"


def test_who_was_disabled_here_may_not_come_in(desk: RunningDesk) -> None:
    desk.person("mike", Role.ADMIN)
    sign_in(desk, "s-1")
    acted(desk.engine, "mike", people.change, "anna", disabled=True)
    browser, answer = sign_in(desk, "s-1")
    assert answer.status_code == 403
    assert browser.cookie == ""


def test_an_answer_counts_once_and_in_the_browser_that_asked(desk: RunningDesk) -> None:
    browser, victim = desk.browser(), desk.browser()
    address = at_provider(asked(browser), "s-1")
    assert come_back(victim, address).status_code == 403  # it asked nothing
    asked(victim)
    assert come_back(victim, address).status_code == 403  # another state
    code, state = (parse_qs(urlsplit(address).query)[name][0] for name in ("code", "state"))
    no_issuer = f"{urlsplit(address).path}?code={code}&state={state}"
    assert come_back(browser, no_issuer).status_code == 403  # RFC 9207
    assert victim.cookie == browser.cookie == ""
    assert come_back(browser, address).status_code == 403  # its attempt is over
    own = parse_qs(urlsplit(asked(victim)).query)["state"][0]
    stolen = f"/sign-in/callback?code={code}&state={own}&iss={desk.settings.oidc_issuer}"
    assert victim.get(stolen).status_code == 502  # the provider asks for the verifier
    assert victim.cookie == ""
    assert len(desk.refusals()) == 5


def test_a_refusal_of_the_provider_is_shown_escaped(desk: RunningDesk) -> None:
    browser = desk.browser()
    state = parse_qs(urlsplit(asked(browser)).query)["state"][0]
    answer = browser.get(f"/sign-in/callback?error=<b>no</b>&state={state}&iss={desk.settings.oidc_issuer}")
    assert answer.status_code == 403
    assert "&lt;b&gt;no" in answer.text


def test_local_accounts_can_be_switched_off(desk_settings: Settings, engine: Engine) -> None:
    with RunningDesk(desk_settings.model_copy(update={"desk_local_accounts": False}), engine) as desk:
        desk.person("vera")
        browser = desk.browser()
        assert 'type="password"' not in browser.get("/sign-in").text
        answer = browser.post("/sign-in", login="vera", password=PASSWORD)
        assert answer.status_code == 403
        assert browser.cookie == ""
        assert sign_in(desk, "s-1")[1].status_code == 303


def test_a_client_with_a_wrong_secret(desk_settings: Settings, engine: Engine) -> None:
    wrong = desk_settings.model_copy(update={"oidc_client_secret": SecretStr("wrong")})
    with RunningDesk(wrong, engine) as desk:
        browser, answer = sign_in(desk, "s-1")
        assert answer.status_code == 502
        assert browser.cookie == ""


def test_a_provider_that_is_away_or_somebody_else(desk_settings: Settings, engine: Engine) -> None:
    away = desk_settings.model_copy(update={"oidc_issuer": f"http://127.0.0.1:{free_port()}"})
    with RunningDesk(away, engine) as desk:
        answer = desk.browser().get("/sign-in/provider")
        assert answer.status_code == 502
        assert "reached" in answer.text
    alias = desk_settings.model_copy(update={"oidc_issuer": desk_settings.oidc_issuer + "/"})
    with RunningDesk(alias, engine) as desk:
        assert "calls itself" in desk.browser().get("/sign-in/provider").text


KEY = ECKey.generate_key("P-256", {"kid": "one"})
KEYS = KeySet([KEY])
EXPECTED: dict[str, Any] = {"issuer": "https://idp", "client_id": "desk", "nonce": "n", "access_token": None}
GOOD: dict[str, Any] = {"iss": "https://idp", "aud": "desk", "sub": "s", "nonce": "n"}


def id_token(key: ECKey = KEY, **changes: Any) -> str:
    now = int(time.time())
    claims = {**GOOD, "iat": now, "exp": now + 60, **changes}
    return jwt.encode({"alg": "ES256", "kid": "one"}, {k: v for k, v in claims.items() if v is not None}, key)


def test_a_good_id_token() -> None:
    assert checked(id_token(), KEYS, **EXPECTED)["sub"] == "s"
    assert checked(id_token(aud=["desk"]), KEYS, **EXPECTED)["sub"] == "s"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil"},
        {"iss": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": None},
        {"aud": ["desk", "another"], "azp": "another"},
        {"exp": 1},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
    ],
)
def test_id_tokens_that_are_not_for_us(changes: dict[str, Any]) -> None:
    with pytest.raises((JoseError, ValueError)):
        checked(id_token(**changes), KEYS, **EXPECTED)


def test_id_tokens_that_are_not_signed_by_the_provider() -> None:
    forged = id_token(ECKey.generate_key("P-256", {"kid": "one"}))
    unsigned = "eyJhbGciOiJub25lIn0." + id_token().split(".")[1] + "."
    for token in (forged, unsigned, "", "a.b.c"):
        with pytest.raises((JoseError, ValueError)):
            checked(token, KEYS, **EXPECTED)


def test_an_attempt_survives_its_cookie() -> None:
    attempt = Attempt.fresh("/holds/ü?a=b")
    assert Attempt.of_cookie(attempt.cookie()) == attempt
