"""Whatever becomes of a form, what was typed into it is in the answer, where it can be changed and sent again."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import update

from credit.outcomes import ExceptionScope
from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from db.models import Message
from db.receivables import exemptions
from desk.forms.sent import SECRETS
from services import schedules
from services.holds.outcomes import OutcomeOperations
from tests.desk.forms.people import PASSWORD, Person, Sheet, sheets
from tests.desk.pages.reader import Page
from tests.desk.people.all_routes import routes
from tests.desk.server import DeskServer
from tests.drift.helpers import check, released, says
from tests.holds.helpers import in_force
from tests.world import World

LATER = date.today() + timedelta(days=60)  # noqa: DTZ011 (a day far enough away in every zone)
WORDS = "We said «no» & <b>so</b>.\n\n  The second line."
_CARRIED = {"csrf_token", "claim_id", "customer", "verdict", "expected", "prior", "arrived", "next", "again", "shown"}
_STEPS = {"/holds/{name}/decision", "/messages/{message_id}/decision", "/holds/{name}/claim", "/aging/resume"}
"""Steps whose form carries the words of the one before, and the form of `/aging/pause` once more."""
_NOT_KEPT = {
    "/sign-in": "a login is typed again with its password",
    "/messages/{message_id}/preview": "shows what stands in the form, in a frame beside it",
    "/settings/templates/{name}/preview": "the same",
    "/holds/{name}/beats/{beat}/retry": "a button alone",
    "/messages/{message_id}/retry": "a button alone",
    "/device": "its one field is filled in by the page",
    "/tokens/revoke": "its one field is filled in by the page",
}


async def scene(world: World, me: Person) -> list[str]:
    """Make something of everything that has a form, and return the pages that have them all."""
    held, lifted, foreign, exempt, proposed, undoable, stuck = (world.customer() for _ in range(7))
    for customer in (held, lifted):
        await in_force(world, customer)
    await released(world, lifted)
    await schedules.ensure(world.client, world.settings)
    await schedules.resume(world.client, "another test may have left it paused")
    says(world, lifted, "OFF")
    says(world, foreign, "ON")
    await check(world)
    outcomes = OutcomeOperations(world.engine, world.client, world.settings.task_queue)
    await outcomes.add_exception(
        held, scope=ExceptionScope.ORDER, reference="PO-1", until=LATER, reason="promised", actor="mike"
    )
    with transaction(world.engine) as session:
        now = datetime.now(UTC)
        exemptions.grant(Act(session, "mike", now), exempt, owner="mike", reason="a deal", until=LATER)
        accounting_profiles.enter_credit_hold(Act(session, "mike", now), exempt, note="two cheques")
    await world.start(proposed)
    await world.operations.claim(proposed, actor=me.login)

    world.sandbox.faults(outage=True)
    await world.start(stuck)
    await world.approve(stuck)
    await world.eventually(lambda: world.beat(stuck, "push_netsuite")["status"] == "retrying")
    hour = timedelta(hours=1)
    world.set_policy(approval_undo=hour, notice_cooling_off=hour, rep_message_cooling_off=hour)
    await world.start(undoable)
    await world.approve(undoable)

    notices = {one["kind"]: f"/messages/{one['id']}" for one in world.show(held)["messages"]}
    of_stuck = {one["kind"]: f"/messages/{one['id']}" for one in world.show(stuck)["messages"]}
    await _press(me, notices["customer_notice"], "/claim")
    for address, delivery in ((notices["sales_rep"], "cooling_off"), (of_stuck["sales_rep"], "unknown")):
        await _press(me, address, "/claim")
        page = await me.get(address)
        fields = next(form for form in page.forms if form.action.endswith("/confirm")).fields
        answer = await me.http.post(f"{address}/decision", data=fields | {"verdict": "approve"})
        assert answer.status_code == 303, Page(answer.text).text
        with transaction(world.engine) as session:
            row = update(Message).where(Message.id == address.rpartition("/")[2])
            session.execute(row.values(delivery=delivery))

    def hold(customer: str) -> str:
        return f"/holds/{world.show(customer)['id']}"

    blocked = await me.get(f"/customers/{exempt}/credit-hold")
    [entry] = [one for one in blocked.forms if one.action.endswith("/delete")]
    return [
        *(hold(customer) for customer in (held, proposed, undoable)),
        f"{hold(held)}/change",
        f"{hold(stuck)}/beats/push_netsuite",
        *notices.values(),
        of_stuck["customer_notice"],
        of_stuck["sales_rep"],
        "/drift",
        f"/holds/new?customer={exempt}",
        f"/customers/{exempt}",
        f"/customers/{foreign}",
        f"/customers/{held}/credit-hold",
        f"/customers/{held}/accounting-profile",
        f"/customers/{exempt}/accounting-profile",
        entry.action,
        "/aging",
        "/loads",
        "/settings",
        "/settings/organisations",
        "/settings/templates/service_hold_customer_notice",
        "/people",
        "/people/vera",
        "/tokens",
        "/account",
    ]


async def _press(me: Person, address: str, action: str) -> None:
    page = await me.get(address)
    form = page.forms[0].fields
    answer = await me.http.post(f"{address}{action}", data={"csrf_token": form["csrf_token"]})
    assert answer.status_code == 303, Page(answer.text).text


def routes_with_words() -> Iterator[APIRoute]:
    """Every address that takes words from a form, from the application itself."""
    for context in routes():
        route = context.original_route
        if not isinstance(route, APIRoute) or "POST" not in route.methods or route.include_in_schema:
            continue
        names = set()
        for one in (*route.dependant.body_params, *(p for d in route.dependant.dependencies for p in d.body_params)):
            model = one.field_info.annotation
            names |= set(getattr(model, "model_fields", {})) or {one.name}
        if names - _CARRIED - SECRETS - {"role", "revision", "version", "evidence_seen", "lift_block", "format"}:
            yield route


def lost(sheet: Sheet, answer: httpx.Response, words: str, *, readonly: bool = False) -> str:
    """Say what is wrong with an answer that should have the words; empty where nothing is."""
    where = f"{sheet.page}: {sheet.action}: {answer.status_code}"
    if answer.status_code < 400:
        return f"{where}: nothing was refused"
    page = Page(answer.text)
    for one in sheet.typed:
        if sheet.filled(words)[one.name] not in page.typed:
            return f"{where}: {one.name} is lost: {page.text[:300]}"
    actions = {form.action for form in page.forms}
    actions |= {given["formaction"] for form in page.forms for given in form.buttons.values() if "formaction" in given}
    kept = {sheet.action, sheet.action.replace("/decision", "/confirm")} & actions
    return "" if kept or readonly else f"{where}: it cannot be sent again"


async def test_every_form_under_every_refusal(world: World, desk: DeskServer) -> None:
    me, viewer = Person(desk, world, "vera", Role.ADMIN), Person(desk, world, "victor", Role.VIEWER)
    pages = await scene(world, me)
    forms: list[Sheet] = []
    for address in pages:
        forms += sheets(address, await me.get(address))
    forms += [
        Sheet(one.page, one.action.replace("/confirm", "/decision"), one.given | {"verdict": "decline"}, one.typed)
        for one in forms
        if one.action.endswith("/confirm") and "/holds/" in one.action
    ]
    wanted = {route.path: route.path_regex for route in routes_with_words() if route.path not in _NOT_KEPT}
    reached = {
        path for path, regex in wanted.items() if any(regex.match(one.action.partition("?")[0]) for one in forms)
    }
    assert set(wanted) - reached - _STEPS == set(), "a form that no page of the scene has"

    problems: list[str] = []
    theirs = await viewer.csrf()
    for sheet in forms:
        fields = sheet.filled(WORDS)
        wrong = await me.send(sheet, **fields | {"csrf_token": "outdated"})
        problems.append(lost(sheet, wrong, WORDS))
        if not sheet.action.startswith("/account"):  # everybody's own
            not_allowed = await viewer.send(sheet, **fields | {"csrf_token": theirs})
            assert not_allowed.status_code == 403, sheet
            problems.append(lost(sheet, not_allowed, WORDS))
        if {"claim_id", "revision", "version"} & set(fields) and not sheet.action.endswith("/claim"):
            stale = {name: "77" for name in ("revision", "version") if name in fields}
            stale |= {"claim_id": str(uuid4())} if "claim_id" in fields else {}
            problems.append(lost(sheet, await me.send(sheet, **fields | stale), WORDS))
        for one in sheet.typed:
            if one.longest is not None and one.kind != "email":
                long = fields[one.name] + "x" * (one.longest + 12 - len(fields[one.name]))
                answer = await me.send(sheet, **sheet.given | {one.name: long})
                if answer.status_code >= 400:
                    page = Page(answer.text)
                    problems += [] if long in page.typed else [f"{sheet.action}: {one.name} is lost: it was too long"]
    assert "\n".join(one for one in problems if one) == ""


async def test_a_session_that_is_over_costs_no_word(world: World, desk: DeskServer) -> None:
    me = Person(desk, world, "vera", Role.ADMIN)
    problems: list[str] = []
    for address in await scene(world, me):
        for sheet in sheets(address, await me.get(address)):
            me.session_ends()
            out = await me.send(sheet, **sheet.filled(WORDS))
            assert out.status_code == 401
            problems.append(lost(sheet, out, WORDS, readonly=True))
            page = Page(out.text)
            entering = page.form_with("Sign in")
            back = await me.http.post(entering.action, data=entering.fields | {"login": "vera", "password": PASSWORD})
            assert back.status_code == 200
            assert "You are signed in again" in back.text
            page = Page(back.text)
            for one in sheet.typed:
                problems += [] if sheet.filled(WORDS)[one.name] in page.typed else [f"{sheet.action}: {one.name}"]
            form = next((one for one in page.forms if one.action == sheet.action), None)
            same = form is not None and form.fields["csrf_token"] == await me.csrf()
            problems += [] if same or "formaction" in back.text else [f"{sheet.action}: it cannot be sent"]
    assert "\n".join(one for one in problems if one) == ""


@pytest.mark.parametrize("line_end", ["\r\n", "\n"])
async def test_what_a_browser_allows_is_taken(world: World, desk: DeskServer, line_end: str) -> None:
    customer = world.customer()
    me = Person(desk, world, "vera", Role.ADMIN)
    page = await me.get(f"/holds/new?customer={customer}")
    [sheet] = sheets(f"/holds/new?customer={customer}", page)
    words = ("a\n" * 1000)[:-1] + "z"  # 2000, as a browser counts
    answer = await me.http.post(sheet.action, data=sheet.given | {"reason": words.replace("\n", line_end)})
    assert answer.status_code == 303, Page(answer.text).text
    [trigger] = world.show(customer)["evidence"]
    assert trigger["reason"] == words


async def test_what_is_too_long_is_said_beside_its_field_in_words(world: World, desk: DeskServer) -> None:
    customer = world.customer()
    me = Person(desk, world, "vera", Role.ADMIN)
    address = f"/holds/new?customer={customer}"
    [sheet] = sheets(address, await me.get(address))
    answer = await me.send(sheet, **sheet.given | {"reason": "x" * 2012})
    assert answer.status_code == 422
    page = Page(answer.text)
    assert "Reason: 2,012 characters; 2,000 at most" in page.text
    [given] = [given for tag, given in page.elements if tag == "textarea"]
    assert given["aria-invalid"] == "true"
    [note] = [given for _, given in page.elements if given.get("id") == given.get("aria-describedby", "wrong-reason")]
    assert note["class"] == "field-error"
    assert not re.search(r"String should|422|Body", page.text)


async def test_nothing_secret_comes_back(world: World, desk: DeskServer) -> None:
    me = Person(desk, world, "vera", Role.ADMIN)
    page = await me.get("/password")
    passwords = {given["name"] for tag, given in page.elements if given.get("type") == "password"}
    assert passwords <= SECRETS
    typed = {"old": "secret-old", "new": "secret-new", "repeated": "secret-other", "csrf_token": await me.csrf()}
    for fields in (typed, typed | {"csrf_token": "outdated"}):
        assert "secret-" not in (await me.http.post("/password", data=fields)).text
    me.session_ends()
    assert "secret-" not in (await me.http.post("/password", data=typed)).text
