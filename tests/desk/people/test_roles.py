"""Every route names the permission it takes, and no role gets further than it reaches."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext
from starlette.routing import Mount

from credit.permissions import LEAST_ROLE, OF_PEOPLE, TOKENS_ONLY, Permission, Role, may
from db.act import Act
from db.engine import transaction
from db.people import absences
from desk.access import SAFE_METHODS, Needs
from desk.api.receivables.events import sender
from tests.acting import bearer as bearer_of
from tests.acting import made_token
from tests.desk.people.all_routes import OPEN, routes
from tests.desk.people.browser import Browser, RunningDesk

QUESTIONS = ("/preview", "/api/rates", "/backtest")
OWN = ("/account", "/password", "/sign-out", "/device", "/api/me")
"""What everybody may do for himself."""
OWN_OR_ADMINS = {"/api/absences", "/api/absences/{absence_id}"}
"""What everybody may do for himself, and an admin for anybody: see `test_another_s_absence_takes_an_admin`."""


def needs_of(dependant: Dependant) -> Iterator[Needs]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Needs):
            yield dependency.call
        yield from needs_of(dependency)


def test_every_route_names_its_permission() -> None:
    found = routes()
    assert len(found) > 20
    for route in found:
        path, methods = route.path or "", route.methods or set()
        if path in OPEN:
            continue
        if isinstance(route.route, Mount):
            assert path == "/static"
            continue
        assert isinstance(route.route, APIRoute), f"{route} names no permission"
        if path.startswith("/api/events/"):  # a signature, or a token that may: see tests/events/test_senders.py
            assert sender in [one.call for one in route.dependant.dependencies], f"{path} takes events from anybody"
            continue
        needed = list(needs_of(route.dependant))
        assert needed, f"{methods} {path} names no permission"
        for one in needed:
            assert one.page != path.startswith(("/api/", "/admin/")), f"{path}: a page is not the API"
            changes = not methods <= SAFE_METHODS and not path.endswith(QUESTIONS)  # questions
            own = path.startswith(OWN) or path in OWN_OR_ADMINS
            least = LEAST_ROLE[one.permission]
            assert not changes or own or least > Role.VIEWER, f"{methods} {path} may be done by a viewer"
            assert one.one_time_password == (path in {"/password", "/sign-out"})


def sample(found: list[RouteContext], permission: Permission) -> tuple[str, str] | None:
    """Return a route that takes this permission: one that an empty request does no harm to."""
    for route in found:
        if not isinstance(route.route, APIRoute):
            continue
        if [one.permission for one in needs_of(route.dependant)] == [permission]:
            return min(route.methods or {"GET"}), re.sub(r"{[^}]+}", "00000000-0000-0000-0000-000000000000", route.path)
    return None


@pytest.fixture(scope="module")
def samples() -> dict[Permission, tuple[str, str]]:
    found = {permission: sample(routes(), permission) for permission in Permission}
    return {permission: route for permission, route in found.items() if route is not None}


def test_each_role_over_http(desk: RunningDesk, samples: dict[Permission, tuple[str, str]]) -> None:
    bearers = {role: made_token(desk.engine, role.label, role) for role in Role}
    browsers = {role: desk.signed_in(role) for role in OF_PEOPLE}
    assert {Permission.LOOK, Permission.MANAGE_PEOPLE} <= samples.keys()
    for permission, (method, path) in samples.items():
        for role in Role:
            by_token = httpx.request(method, desk.url + path, headers={"Authorization": f"Bearer {bearers[role]}"})
            answers = [(by_token, may(role, permission))]
            if role in browsers:
                from_a_browser = may(role, permission) and permission not in TOKENS_ONLY
                answers.append((_by_cookie(browsers[role], method, path), from_a_browser))
            for answer, allowed in answers:
                assert (answer.status_code != 403) is allowed, f"{role.label} {method} {path}: {answer.text}"
        assert httpx.request(method, desk.url + path).status_code in {303, 401}


@pytest.mark.parametrize("role", OF_PEOPLE)
def test_another_s_absence_takes_an_admin(desk: RunningDesk, role: Role) -> None:
    for login in ("anna", "dana"):
        desk.person(login, Role.REQUESTER)
    bearer = bearer_of(desk.engine, role.label, role)
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    order = {"login": "anna", "delegate": "dana", "ends_at": ends, "reason": "ill"}
    url, now = f"{desk.url}/api/absences", datetime.now(UTC)
    allowed = role is Role.ADMIN
    assert httpx.post(url, json=order, headers=bearer).status_code == (201 if allowed else 403)
    with transaction(desk.engine) as session:
        rows = absences.listed(session, now) or [
            absences.add(
                Act(session, "test", now),
                login="anna",
                delegate="dana",
                starts_at=now,
                ends_at=now + timedelta(days=1),
                reason="ill",
            )
        ]
    answer = httpx.delete(f"{url}/{rows[0].id}", headers=bearer)
    assert answer.status_code == (200 if allowed else 403)
    browser = desk.signed_in(role)
    assert browser.post("/people/absences", login="anna", delegate="dana").status_code == (422 if allowed else 403)
    assert browser.post(f"/account/absences/{rows[0].id}/end").status_code == (303 if allowed else 403)


def _by_cookie(browser: Browser, method: str, path: str) -> httpx.Response:
    return browser.http.request(method, path, headers={"X-CSRF-Token": browser.csrf})
