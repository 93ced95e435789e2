"""Every link of every page leads somewhere: the desk, crawled from its first page."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles, org_settings
from db.people import users
from db.receivables import exemptions
from tests.acting import acted
from tests.desk.pages.conftest import Sit
from tests.desk.pages.reader import Page
from tests.drift.helpers import check, says
from tests.holds.helpers import in_force
from tests.world import World

_MOST = 400


def inside(links: Iterable[str]) -> set[str]:
    """The addresses of our own among links, without their fragments."""
    parts = [urlsplit(link) for link in links if link]
    return {one._replace(fragment="").geturl() for one in parts if not one.netloc and one.path.startswith("/")}


async def everything(world: World) -> None:
    """One row of each kind: of customers' blocks, of holds, of messages, of the system."""
    held, proposed, blocked = world.customer(), world.customer(), world.customer(in_netsuite=False)
    await in_force(world, held)
    await world.start(proposed)
    says(world, held, "OFF")
    await check(world)
    now = datetime.now(UTC)
    with transaction(world.engine) as session:
        accounting_profiles.enter_credit_hold(Act(session, "ada", now), blocked, note="by hand")
        accounting_profiles.set_limit(Act(session, "ada", now), blocked, Decimal(1))
        until = now.date() + timedelta(days=9)
        exemptions.grant(Act(session, "ada", now), blocked, owner="ada", reason="x", until=until)
        users.create(Act(session, "ada", now), login="zoe", role=Role.VIEWER)
        org_settings.create(Act(session, "ada", now), "west")


async def test_no_link_leads_nowhere(world: World, sit: Sit) -> None:
    await everything(world)
    ada = sit(Role.ADMIN, "ada")
    ada.http.event_hooks = {}  # exports are held against the contract by their own tests
    waiting, seen, dead = ["/"], {"/"}, []
    while waiting and len(seen) < _MOST:
        address = waiting.pop(0)
        answer = await ada.http.get(address, follow_redirects=True)
        if answer.status_code >= 400 and address != "/account":  # which only a signed-in person has
            dead.append(f"{address}: {answer.status_code}")
            continue
        if not answer.headers["content-type"].startswith("text/html") or address.startswith("/api"):
            continue
        found = inside(given["href"] for tag, given in Page(answer.text).elements if tag == "a" and "href" in given)
        waiting += sorted(found - seen)
        seen |= found
    assert dead == []
    assert {"/audit", "/drift", "/settings", "/people"} <= seen
    blocks = [address for address in seen if address.startswith("/customers/")]
    assert len(blocks) > 2


async def test_rows_about_a_block_lead_to_the_customer(world: World, sit: Sit) -> None:
    customer = world.customer(in_netsuite=False)
    acted(world.engine, "ada", accounting_profiles.enter_credit_hold, customer, note="x")
    ada = sit(Role.ADMIN, "ada")
    page = await ada.get("/audit", hold=customer)
    assert page.links[f"customer {customer}"] == f"/customers/{customer}"
    await ada.get(page.links[f"customer {customer}"])
