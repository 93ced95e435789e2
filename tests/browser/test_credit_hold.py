"""A customer is put on credit hold in its profile: no rates, no load past Committed, until the entry is deleted."""

from playwright.async_api import Page, expect

from credit.eligibility import BACK_OFFICE, FRONT_OFFICE
from credit.permissions import Role
from db.engine import transaction
from db.models import ContentTemplate
from tests.browser.office import Office, violations
from tests.world import World

TEXTS = {
    FRONT_OFFICE: "No rates for {{ customer_id }} today: please ring the credit desk.",
    BACK_OFFICE: "Stop: {{ customer_id }} is held ({{ blocked }}), {{ reference }} stays where it is.",
}


def customise(world: World) -> None:
    """Put both messages into the company's own words, as an admin does in the settings."""
    with transaction(world.engine) as session:
        for name, body in TEXTS.items():
            session.add(
                ContentTemplate(name=name, language="en", version=2, subject="On hold", body=body, created_by="ada")
            )


async def rate(page: Page, customer: str) -> None:
    await page.goto("/rates")
    await page.get_by_label("Customer number").fill(customer)
    await page.get_by_label("From", exact=True).fill("Chicago")
    await page.get_by_label("To", exact=True).fill("Dallas")
    await page.get_by_role("button", name="Rate", exact=True).click()


async def test_credit_hold_stops_rates_and_loads_until_its_entry_is_deleted(office: Office) -> None:
    customise(office.world)
    customer, page = office.world.customer(in_netsuite=False), await office.sign_in()
    await rate(page, customer)
    await expect(page.get_by_role("table")).to_contain_text("365.00 USD")
    await office.picture(page, "rates")

    await page.goto(f"/customers/{customer}")
    await page.get_by_role("link", name="Edit Accounting Profile").click()
    await page.get_by_role("combobox", name="Credit Status").select_option("Credit Hold")
    await page.get_by_label("Why").fill("two cheques came back")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Nobody is asked")).to_be_visible()
    await office.picture(page, "block")
    await page.get_by_role("button", name="Block all tariffs now").click()
    await expect(page.get_by_role("region", name="Accounting Information")).to_contain_text("Block All Tariffs")

    await rate(page, customer)
    await expect(page.get_by_role("alert")).to_contain_text(f"No rates for {customer} today: please ring")
    await office.picture(page, "refused")

    await page.goto(f"/loads?customer={customer}")
    await page.get_by_label("Customer number").fill(customer)
    await page.get_by_role("button", name="Make the load").click()
    row = page.get_by_role("row").filter(has_text=customer)
    await row.get_by_role("button", name="To committed").click()
    await row.get_by_role("button", name="To ready").click()
    await expect(page.get_by_role("alert")).to_contain_text(f"Stop: {customer} is held (Block All Tariffs)")
    await expect(row).to_contain_text("committed")
    await office.picture(page, "stopped")

    await page.goto(f"/customers/{customer}")
    await page.get_by_role("link", name="Credit Hold", exact=True).click()
    await page.get_by_role("button", name="Delete Block All Tariffs").click()
    await page.get_by_label("Why").fill("they paid")
    await office.picture(page, "delete")
    await page.get_by_role("button", name="Delete the entry").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("free")
    await office.picture(page, "free")

    await rate(page, customer)
    await expect(page.get_by_role("table")).to_contain_text("365.00 USD")
    await page.goto("/loads")
    await row.get_by_role("button", name="To ready").click()
    await expect(row.get_by_text("ready", exact=True)).to_be_visible()


async def test_axe_finds_nothing_and_nothing_is_too_wide(office: Office) -> None:
    customer, page = office.world.customer(in_netsuite=False), await office.sign_in("ada", Role.ADMIN)
    await page.goto(f"/customers/{customer}/accounting-profile")
    await page.get_by_label("Credit limit").fill("30000")
    await page.get_by_label("Why").fill("agreed with their director")
    await page.get_by_role("button", name="Save").click()
    await page.goto(f"/customers/{customer}/credit-hold")
    await page.get_by_label("Only these tariffs").check()
    await page.get_by_label("LTL-STANDARD").check()
    await page.get_by_label("FTL-REEFER").check()
    await page.get_by_label("Note").fill("damaged freight, see the claim of last March")
    await page.get_by_role("button", name="Block…", exact=True).click()
    await page.get_by_role("button", name="Block FTL-REEFER, LTL-STANDARD now").click()
    await page.get_by_label("Block All Tariffs").check()
    await page.get_by_label("Note").fill("two cheques came back")
    await page.get_by_role("button", name="Block…", exact=True).click()
    for size in ({"width": 320, "height": 640}, {"width": 1280, "height": 900}):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        await office.picture(page, f"block-{size['width']}")
        assert await violations(page) == []
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    await page.get_by_role("button", name="Block all tariffs now").click()
    await page.get_by_role("button", name="Delete Block All Tariffs").click()
    confirm = page.url.removeprefix(office.desk.url)
    await page.goto("/loads")
    await page.get_by_label("Customer number").fill(customer)
    await page.get_by_label("From", exact=True).fill("Chicago")
    await page.get_by_role("button", name="Make the load").click()
    addresses = {
        "customer": f"/customers/{customer}",
        "profile": f"/customers/{customer}/accounting-profile",
        "page": f"/customers/{customer}/credit-hold",
        "confirm": confirm.partition("?")[0],
        "rates": f"/rates?customer={customer}",
        "loads": "/loads",
        "organisations": "/settings/organisations",
        "settings": "/settings",
        "aging": "/aging",
    }
    for suffix, size in (("wide", {"width": 1280, "height": 900}), ("phone", {"width": 320, "height": 640})):
        await page.set_viewport_size(size)  # type: ignore[arg-type]
        for name, address in addresses.items():
            await page.goto(address)
            await expect(page.get_by_role("heading", level=1)).to_have_count(1)
            await office.picture(page, f"{name}-{suffix}")
            assert await violations(page) == []
            width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert width <= 0, f"{address} is {width} px too wide ({suffix})"
