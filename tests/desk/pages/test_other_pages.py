import re
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from credit.audit_entries.system import RequestsRefused
from credit.permissions import Role
from db import audit
from db.engine import transaction
from rendering.differences import pieces as diff
from services.schedules import ensure
from tests.desk.pages.conftest import Sit
from tests.desk.server import DeskServer
from tests.holds.helpers import events, in_force
from tests.netsuite.sandbox_server import PLAIN_HTTP
from tests.owner import as_owner
from tests.world import World


async def test_a_hold_is_started_from_a_search(world: World, sit: Sit) -> None:
    customer = world.customer()
    rosa = sit(Role.REQUESTER, "rosa")
    old_name = await rosa.http.get("/admin-dashboard.html")
    assert (old_name.status_code, old_name.headers["location"]) == (302, "/holds/new")
    page = await rosa.send(await rosa.get("/holds/new"), "Search", q=customer.lower())
    [link] = [href for words, href in page.links.items() if customer in words]
    page = await rosa.get(link)
    assert "40,000.00" in page.text
    page = await rosa.send(page, "Propose the hold of 40,000.00 USD", 422)
    assert "say why" in page.text
    page = await rosa.send(page, "Propose the hold of 40,000.00 USD", reason="they moved away")
    assert "Proposed. It waits for an approver." in page.text
    assert "they moved away By hand, rosa" in page.text
    page = await rosa.send(await rosa.get(link), "Add to the open hold", reason="and took the goods along")
    assert "your reason was added to it" in page.text


async def test_the_search_alone_while_somebody_types(world: World, sit: Sit) -> None:
    customer = world.customer()
    rosa = sit(Role.REQUESTER)
    assert customer in (await rosa.get("/holds/new/found", q=customer)).text
    assert "contains “nobody-at-all”" in (await rosa.get("/holds/new/found", q="nobody-at-all")).text
    rosa.http.headers["HX-Request"] = "true"
    page = await rosa.get("/customers", q=customer)
    assert customer in page.text
    assert "html" not in {tag for tag, _ in page.elements}


async def test_viewers_start_nothing(world: World, sit: Sit) -> None:
    customer = world.customer()
    viewer = sit(Role.VIEWER)
    await viewer.get("/holds/new", 403)
    assert (await viewer.http.post("/holds/new", data={"customer": customer, "reason": "x"})).status_code == 403
    page = await viewer.get(f"/customers/{customer}")
    assert "Start a hold" not in page.links


async def test_customer_with_its_holds(world: World, sit: Sit) -> None:
    customer = world.customer()
    await in_force(world, customer)
    page = await sit(Role.VIEWER).get(f"/customers/{customer}")
    for words in ("Over 90 days", "in force", "Approved by mike", "as discussed"):
        assert words in page.text
    assert "Open the hold" in page.links
    assert "/customers?q=&after=" not in (await sit(Role.VIEWER).get("/customers")).links.values()


async def test_aging_is_run_paused_and_resumed(world: World, sit: Sit) -> None:
    await ensure(world.client, world.settings)
    customer = world.customer(amount="99000")
    mira = sit(Role.ADMIN, "mira")
    page = await mira.get("/aging", dry_run=datetime.now(UTC).date().isoformat())
    assert customer in page.text
    assert "99,000.00" in page.text
    assert "'soon' is no day: write it as 2027-03-31" in (await mira.get("/aging", 422, dry_run="soon")).text
    page = await mira.send(page, "Run a scan now")
    assert "The scan was started." in page.text
    await world.eventually(lambda: events(world, "system", "ar_aging_started"))
    await world.eventually(lambda: _finished(world))
    page = await mira.get("/aging")
    assert "1 proposed" in page.text
    [run] = [href for href in page.links.values() if href.startswith("/aging/runs/")]
    assert customer in (await mira.get(run)).text
    await mira.get("/aging/runs/00000000-0000-0000-0000-000000000000", 404)
    page = await mira.send(page, "Pause the schedule", reason="year end")
    assert "paused by mira: year end" in page.text
    page = await mira.send(page, "Resume the schedule")
    assert page.offers("Pause the schedule")
    viewer = sit(Role.VIEWER)
    page = await viewer.get("/aging")
    assert not page.offers("Run a scan now")
    assert not page.offers("Pause the schedule")
    for action in ("run", "pause", "resume"):
        assert (await viewer.http.post(f"/aging/{action}")).status_code == 403


def _finished(world: World) -> bool:
    with world.engine.connect() as connection:
        return bool(
            connection.execute(text("SELECT count(*) FROM ar_aging_runs WHERE finished_at IS NOT NULL")).scalar()
        )


async def test_audit_is_filtered_and_verified(world: World, sit: Sit) -> None:
    first, second = world.customer(), world.customer()
    started = await world.start(first)
    await world.start(second)
    mike = sit(name="mike")
    await mike.http.post(f"/holds/{first}/claim")
    page = await mike.get("/audit", actor="mike", action="proposal_claimed")
    assert "claimed revision 1 to decide it" in page.text
    assert page.links[f"hold {str(started.hold_id)[:8]}"] == f"/holds/{started.hold_id}"
    page = await mike.get("/audit", hold=second)
    assert "proposed this hold" in page.text
    assert "mike" not in {word for form in page.forms for word in form.fields.values()}
    assert f"hold={second}" in page.links["Export CSV"]
    async with httpx.AsyncClient(base_url=mike.http.base_url, headers=mike.http.headers, verify=PLAIN_HTTP) as plain:
        export = await plain.get(page.links["Export JSON lines"])
    assert '"hold_proposed"' in export.text
    assert str(started.hold_id) not in export.text
    assert "No hold matches" in (await mike.get("/audit", 422, hold="nobody")).text
    assert "Nothing matches" in (await mike.get("/audit", since="2999-01-01")).text
    page = await mike.send(page, "Verify every row")
    assert "Whole." in page.text
    with as_owner(world.engine) as session:
        session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        session.execute(text("UPDATE audit_events SET actor = 'somebody' WHERE actor = 'mike'"))
        session.execute(text("ALTER TABLE audit_events ENABLE TRIGGER USER"))
    page = await mike.send(page, "Verify every row")
    assert "Not as it was written." in page.text
    assert str(started.hold_id) in page.text
    await sit(Role.REQUESTER).get("/audit", 403)


async def test_audit_goes_on_page_by_page(world: World, sit: Sit) -> None:
    world.customer()
    mike = sit(name="mike")
    with transaction(world.engine) as session:
        for number in range(52):
            entry = RequestsRefused(address="", more=1000 + number)
            audit.append(session, chain=audit.SYSTEM, entry=entry, actor="mike", at=datetime.now(UTC))
    page = await mike.get("/audit", actor="mike")
    assert page.text.count("more times than are written down one by one") == 50
    page = await mike.get(page.links["Older"])
    assert page.text.count("more times than are written down one by one") == 2
    assert "was refused 1,000 more times" in page.text


@pytest.mark.parametrize("path", ["/nowhere", "/holds/nobody", "/customers/nobody", "/settings/templates/nobody"])
async def test_errors_are_pages_for_browsers_and_problems_for_programs(desk: DeskServer, sit: Sit, path: str) -> None:
    page = await sit(Role.ADMIN).get(path, 404)
    assert "There is nothing here" in page.text
    assert "Go to the queue" in page.links
    assert "Customers" in page.links  # where to go on is there, as on every page
    assert "`" not in page.text  # no command is advised to who sits before a page
    problem = await desk.client(Role.ADMIN).get(path, headers={"Accept": "application/json"})
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


async def test_a_database_that_fails_is_a_page_too(desk: DeskServer, sit: Sit, world: World) -> None:
    reader = sit(Role.VIEWER)
    with as_owner(world.engine) as session:
        session.execute(text("ALTER TABLE policies RENAME TO policies_away"))
    page = await reader.get("/customers/x", 503)
    assert "Not possible right now" in page.text


async def test_static_files_stay_in_the_browser_under_the_address_with_their_hash(sit: Sit) -> None:
    reader = sit(Role.VIEWER)
    page = await reader.get("/")
    found = [given.get("href") or given["src"] for tag, given in page.elements if tag in ("link", "script")]
    assert len(found) == 5
    for address in found:
        kept = await reader.http.get(address)
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable", address
        other = await reader.http.get(re.sub(r"v=.*", "v=old", address))
        assert other.headers["cache-control"] == "no-cache"
    assert (await reader.http.get("/static/../rendering.py")).status_code == 404
    assert (await reader.http.get("/static/..%2Frendering.py")).status_code == 404


@given(st.text(alphabet="ab \n.", max_size=60), st.text(alphabet="ab \n.", max_size=60))
def test_a_difference_holds_both_texts(before: str, after: str) -> None:
    pieces = diff(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "removed") == after


def test_a_difference_is_of_words() -> None:
    pieces = diff("Pay today.\nThank you.\n", "Pay now.\nThank you.\n")
    assert [(piece.kind, piece.text) for piece in pieces if piece.kind != "same"] == [
        ("removed", "today"),
        ("added", "now"),
    ]
