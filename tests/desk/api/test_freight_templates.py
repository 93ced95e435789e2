"""The two content templates of a credit hold: per organisation, with language fallback, and never in the way."""

from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import update

from credit.eligibility import BACK_OFFICE, FRONT_OFFICE
from credit.freight_messages import PLACEHOLDERS, OnHoldContext
from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.freight import org_settings
from db.messages import templates
from db.models import ContentTemplate, Customer
from tests.credit_hold.freight import held
from tests.desk.api.helpers import refused
from tests.desk.pages.reader import Reader
from tests.desk.server import DeskServer
from tests.owner import as_owner
from tests.world import World

FRONT = f"/api/templates/{quote(FRONT_OFFICE)}"


async def put(api: httpx.AsyncClient, body: str, version: int = 0, **which: str) -> httpx.Response:
    text = {"subject": "On hold", "body": body}
    return await api.put(FRONT, params=which, json=text, headers={"If-Match": f'"{version}"'})


async def message(api: httpx.AsyncClient, customer: str) -> str:
    return str(
        refused(await api.post("/api/rates", json={"customer_id": customer}), 409, "customer_on_hold")["message"]
    )


def speaks(world: World, customer: str, organisation: str, language: str) -> None:
    with transaction(world.engine) as session:
        now = datetime.now(UTC)
        row = org_settings.create(Act(session, "ada", now), organisation)
        row.language = language
        session.flush()
        session.execute(update(Customer).where(Customer.id == customer).values(organisation=organisation))


async def test_most_particular_text_is_used(desk: DeskServer, idle_world: World) -> None:
    api, customer = desk.client(Role.ADMIN), held(idle_world)
    speaks(idle_world, customer, "nord", "de")
    assert (await message(api, customer)).startswith("Your account is on credit hold")
    for which, text in (
        ({"language": "de"}, "Gesperrt: {{ customer_id }}"),
        ({"organisation": "nord"}, "Nord says: {{ blocked }}"),
        ({"organisation": "nord", "language": "de"}, "Nord sagt: {{ customer_name }}"),
    ):
        made = await put(api, text, **which)
        assert (made.status_code, made.json()["version"]) == (200, 1)
        assert {key: made.json()[key] for key in which} == which
        start = text.partition(":")[0]
        assert (await message(api, customer)).startswith(start)
        assert (await api.get(FRONT, params=which)).json()["body"] == text
    assert (await message(api, held(idle_world))).startswith("Your account")  # another organisation's customer
    listed = [one for one in (await api.get("/api/templates")).json()["templates"] if one["name"] == FRONT_OFFICE]
    assert len(listed) == 4


async def test_variant_is_made_once_of_what_is_known(desk: DeskServer) -> None:
    api = desk.client(Role.ADMIN)
    assert (await put(api, "x", language="de")).is_success
    refused(await put(api, "y", language="de"), 412, "stale_version")
    assert (await put(api, "y", 1, language="de")).json()["version"] == 2
    refused(await put(api, "x", organisation="odd"), 404, "unknown_organisation")
    refused(await put(api, "x", language="German!"), 422, "bad_input")
    refused(await api.get(FRONT, params={"language": "fr"}), 404, "unknown_template")
    odd = {"json": {"subject": "s", "body": "b"}, "headers": {"If-Match": '"0"'}}
    refused(await api.put("/api/templates/INFO%20Odd", **odd), 404, "unknown_template")


@pytest.mark.parametrize("body", ["{{ note }}", "{{ facts.total_open }}", "{% if %}", "{{ tariff.__class__.x }}"])
async def test_placeholders_are_checked(desk: DeskServer, body: str) -> None:
    api = desk.client(Role.ADMIN)
    refused(await put(api, body, 1), 422, "template_refused")
    refused(await api.post(f"{FRONT}/preview", json={"subject": "s", "body": body}), 422, "template_refused")


async def test_preview_shows_every_placeholder(desk: DeskServer) -> None:
    assert PLACEHOLDERS.keys() == OnHoldContext.model_fields.keys()
    body = " ".join(f"{{{{ {name} }}}}" for name in PLACEHOLDERS)
    address = f"/api/templates/{quote(BACK_OFFICE)}/preview"
    shown = await desk.client(Role.ADMIN).post(address, json={"subject": "{{ customer_id }}", "body": body})
    assert shown.json()["subject"] == "1012"
    assert shown.json()["body"].strip() == "1012 Harbour Foods Ltd Robin Rep Block All Tariffs advance_load LOAD-7001"


@pytest.mark.parametrize("body", ["{{ nobody }}", "{% if %}", "  "])
async def test_broken_template_still_refuses_in_plain_words(desk: DeskServer, idle_world: World, body: str) -> None:
    """Whoever wrote it past the check: the gate neither opens nor fails."""
    api, customer = desk.client(Role.REQUESTER), held(idle_world)
    with as_owner(idle_world.engine) as session:
        session.execute(update(ContentTemplate).where(ContentTemplate.name.like("INFO %")).values(body=body))
    plain = f"Account {customer} is on credit hold. Please call us."
    assert await message(api, customer) == plain
    answer = await api.get(f"/api/customers/{customer}/eligibility?action=order")
    assert (answer.json()["allowed"], answer.json()["message"]) == (False, plain)
    refused(await api.post("/api/orders", json={"customer_id": customer}), 409, "customer_on_hold")
    load = (await api.post("/api/loads", json={"customer_id": customer})).json()["id"]
    await api.post(f"/api/loads/{load}/advance")
    stopped = refused(await api.post(f"/api/loads/{load}/advance"), 409, "customer_on_hold")
    assert stopped["message"] == f"Customer {customer} is on credit hold: the load cannot pass Committed."


async def test_settings_page_edits_a_variant_of_a_name_with_spaces(desk: DeskServer, idle_world: World) -> None:
    ada = Reader.of(desk, Role.ADMIN, "ada")
    address = f"/settings/templates/{quote(FRONT_OFFICE)}"
    assert (await ada.get("/settings")).links[FRONT_OFFICE] == address
    page = await ada.get(address)
    assert "{{ blocked }}" in page.text
    assert "{{ next_call }}" not in page.text
    german = await ada.send(page, "Show", organisation="main", language="de")
    assert "There is no text of its own here yet" in german.text
    preview = next(given["src"] for tag, given in german.elements if tag == "iframe")
    assert "quote account 1012" in (await ada.get(preview)).text
    written = "Konto {{ customer_id }} ist gesperrt."
    saved = await ada.send(german, "Save as version 1", subject="Gesperrt", body=written)
    assert written in saved.text
    with transaction(idle_world.engine) as session:
        assert templates.find(session, FRONT_OFFICE, "main", "de").subject == "Gesperrt"
        assert templates.find(session, FRONT_OFFICE, "main", "en").organisation == ""
    wrong = await ada.send(saved, "Save as version 2", 422, body="{{ note }}")
    assert "'note' is undefined" in wrong.text
