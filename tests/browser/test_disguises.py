"""Text that people wrote, as long as a line can be and written the other way: pages stay as wide as their screen."""

from datetime import UTC, datetime, timedelta

from playwright.async_api import expect
from sqlalchemy import text

from credit.permissions import Role
from credit.states import Verdict
from db.act import Act
from db.engine import transaction
from db.freight import accounting_profiles
from db.people import tokens, users
from db.receivables import exemptions
from tests.browser.office import Office
from tests.holds.helpers import in_force
from tests.owner import as_owner

LONG = "x" * 350
TURNED = "By mike \u202eekim yb devorppa"


async def addresses(office: Office) -> list[str]:
    """Every page, with the token wherever somebody can have written it."""
    world, now = office.world, datetime.now(UTC)
    held, proposed, declined = world.customer(), world.customer(), world.customer(in_netsuite=False)
    with transaction(world.engine) as session:
        session.execute(text("UPDATE customers SET name = :name"), {"name": LONG})
        accounting_profiles.enter_credit_hold(Act(session, "y" * 90, now), proposed, note=LONG)
        until = now.date() + timedelta(days=9)
        exemptions.grant(Act(session, "ada", now), declined, owner=LONG, reason=LONG, until=until)
        users.create(Act(session, "ada", now), login="z" * 100, role=Role.VIEWER, name="n" * 200)
        tokens.create(Act(session, "ada", now), name="t" * 90, role=Role.VIEWER, service=True)
    await in_force(world, held)
    await world.start(proposed, LONG)
    await world.start(declined, LONG)
    await world.decide(declined, Verdict.DECLINE, LONG)
    await world.operations.request_release(held, reason=LONG, actor="robin")
    shown = world.show(held)
    return [
        "/",
        "/?text=" + LONG[:100],
        *(f"/holds/{world.show(one)['id']}" for one in (held, proposed, declined)),
        *(f"/messages/{message['id']}" for message in shown["messages"]),
        "/holds/new",
        f"/holds/new?customer={proposed}",
        "/aging",
        "/customers",
        *(f"/customers/{one}" for one in (held, proposed, declined)),
        f"/customers/{proposed}/credit-hold",
        f"/customers/{proposed}/accounting-profile",
        "/drift",
        "/report",
        "/rates",
        "/loads",
        "/audit",
        "/settings",
        "/settings/organisations",
        "/people",
        "/people/" + "z" * 100,
        "/tokens",
        "/account",
    ]


async def test_a_long_word_leaves_every_page_as_wide_as_its_screen(office: Office) -> None:
    pages, wide = await addresses(office), []
    for width in (390, 1280):
        page = await office.sign_in("ada", Role.ADMIN, viewport={"width": width, "height": 900})
        for number, address in enumerate(pages):
            await page.goto(address)
            found = await page.evaluate("document.documentElement.scrollWidth")
            await office.picture(page, f"{width}-{number:02}")
            if found > width:
                wide.append(f"{address} is {found} px wide on {width}")
            tall = "[...document.querySelectorAll('td > time, td .badge')].filter(one => one.offsetHeight > 40).length"
            assert await page.evaluate(tall) == 0, f"{address}: a time is broken into lines at {width}"
    assert wide == []


async def test_what_is_written_the_other_way_turns_nothing_else_round(office: Office) -> None:
    customer = await office.proposed()
    with as_owner(office.world.engine) as session:
        for table in ("holds", "hold_triggers"):
            session.execute(text(f"UPDATE {table} SET reason = :reason"), {"reason": TURNED})  # noqa: S608
        session.execute(text("UPDATE customers SET name = :name"), {"name": "חברה 2020 בע״מ"})
    page = await office.sign_in()
    await page.goto(f"/holds/{office.world.show(customer)['id']}")
    await expect(page.get_by_role("heading", level=1).locator("bdi")).to_have_text("חברה 2020 בע״מ")
    await expect(page.locator("main")).to_contain_text("By mike \\u202eekim yb devorppa")
    assert "\u202e" not in await page.content()
