"""A person decides, with the mouse, the keyboard, a phone, or without JavaScript."""

import re

from playwright.async_api import expect
from sqlalchemy import func, select, update

from credit.permissions import Role
from db.engine import transaction
from db.models import Decision, UserSession
from tests.browser.office import Office, decide, keep_still, open_hold
from tests.holds.helpers import rows


async def test_first_sign_in_asks_for_a_password_of_ones_own(office: Office) -> None:
    office.hire("newcomer", one_time=True)
    page = await office.page()
    await page.goto("/aging")
    await office.fill_in_sign_in(page, "newcomer")

    await expect(page.get_by_role("heading", name="Change your password")).to_be_visible()
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Change your password")).to_be_visible()
    await expect(page.get_by_label("New password", exact=True)).to_be_focused()
    await expect(page.get_by_role("navigation")).to_have_count(0)
    await page.get_by_label("New password", exact=True).fill("a much better one")
    await page.get_by_label("New password, again").fill("a much better one")
    await page.get_by_role("button", name="Change password").click()
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Queue")).to_be_visible()


async def test_approve_and_watch_the_beats_finish(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in()
    await expect(page.get_by_role("table")).to_contain_text(office.world.customer_row(customer).name)
    await office.picture(page, "queue")
    await open_hold(page, office.world, customer)
    await office.picture(page, "hold")

    await decide(page, "Approve")

    beats = page.get_by_role("list").filter(has_text="NetSuite")
    await expect(beats.get_by_text("done", exact=True)).to_have_count(4)
    await expect(page.locator("#status")).to_contain_text("in force")
    await office.picture(page, "in-force")
    shown = office.world.show(customer)
    assert (shown["status"], shown["timeline"][-1]["who"] != "") == ("in_force", True)
    assert len(office.world.sandbox.applied(f"N-{customer}")) == 1


async def test_decline(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in()
    await open_hold(page, office.world, customer)

    await decide(page, "Decline", "they paid this morning")

    await expect(page.locator("#status")).to_contain_text("declined")
    await expect(page.get_by_text("they paid this morning").first).to_be_visible()
    assert office.world.customer_row(customer).entitystatus == "active"


async def test_a_decision_without_a_reason_is_not_one(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in()
    await open_hold(page, office.world, customer)
    await page.get_by_role("button", name="Claim to decide").click()
    await page.get_by_label("Reason").fill("   ")
    await page.get_by_role("button", name="Approve…").click()

    await expect(page.get_by_role("alert")).to_contain_text("say why")
    await expect(page.get_by_role("alert")).to_be_focused()
    assert office.world.status(customer) == "proposed"


async def test_two_people_at_one_item(office: Office) -> None:
    customer = await office.proposed()
    mike, anna = await office.sign_in("mike"), await office.sign_in("anna")
    for page in (mike, anna):
        await open_hold(page, office.world, customer)
    await keep_still(anna)

    await mike.get_by_role("button", name="Claim to decide").click()
    await expect(mike.get_by_text("claimed by you")).to_be_visible()
    await anna.get_by_role("button", name="Claim to decide").click()
    await expect(anna.get_by_role("alert")).to_contain_text("Claimed by mike")
    await office.picture(anna, "refused")
    await mike.get_by_label("Reason").fill("as discussed")
    await mike.get_by_role("button", name="Approve…").click()
    await mike.get_by_role("button", name=re.compile("^Approve the hold")).click()
    await office.world.in_status(customer, "in_force")

    await anna.reload()
    await expect(anna.get_by_role("button", name="Claim to decide")).to_have_count(0)
    decided = select(func.count()).select_from(Decision)
    assert rows(office.world, decided) == [1]


async def test_a_claim_is_given_back_when_the_page_is_left(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in()
    await open_hold(page, office.world, customer)
    await page.get_by_role("button", name="Claim to decide").click()
    await office.world.eventually(lambda: office.world.show(customer)["proposal"]["claimed_by"] == "mike")

    await page.goto("/customers")

    await office.world.eventually(lambda: office.world.show(customer)["proposal"]["claimed_by"] is None)


async def test_a_session_that_ends_in_the_middle_loses_nothing_and_does_nothing(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in()
    await open_hold(page, office.world, customer)
    await page.get_by_role("button", name="Claim to decide").click()
    await page.get_by_label("Reason").fill("no payment in sight")
    with transaction(office.world.engine) as session:
        session.execute(update(UserSession).values(revoked_at=func.now()))

    await page.get_by_role("button", name="Approve…").click()

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    await office.picture(page, "signed-out")
    assert office.world.status(customer) == "proposed"
    await office.fill_in_sign_in(page, "mike")
    await expect(page).to_have_url(re.compile("/holds/"))
    await expect(page.get_by_text("claimed by you")).to_be_visible()
    await expect(page.get_by_label("Reason")).to_have_value("no payment in sight")


async def test_everything_works_without_javascript(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in(java_script_enabled=False)
    await open_hold(page, office.world, customer)

    await decide(page, "Approve")

    await office.world.in_status(customer, "in_force")
    await page.reload()
    await expect(page.locator("#status")).to_contain_text("in force")


async def test_with_the_keyboard_alone_on_a_phone(office: Office) -> None:
    customer = await office.proposed()
    page = await office.sign_in(viewport={"width": 375, "height": 740})
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.get_by_role("link", name=office.world.customer_row(customer).name).focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Claim to decide").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Reason").focus()
    await page.keyboard.type("no payment in sight")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Approve this hold?")).to_be_focused()
    await office.picture(page, "confirm")
    await page.get_by_role("button", name=re.compile("^Approve the hold")).focus()
    await page.keyboard.press("Enter")

    await office.world.in_status(customer, "in_force")


async def test_the_specs_page_leads_to_starting_a_hold(office: Office) -> None:
    customer = office.world.customer()
    page = await office.sign_in("robin", Role.REQUESTER)
    await page.goto("/admin-dashboard.html")
    await expect(page.get_by_role("heading", name="Start a hold")).to_be_visible()
    await page.get_by_label("Customer").press_sequentially(customer.lower(), delay=20)
    await page.get_by_role("link", name=office.world.customer_row(customer).name).click()
    await page.get_by_label("Why this customer").fill("a phone call revealed trouble")
    await office.picture(page, "start")
    await page.get_by_role("button", name=re.compile("^Propose the hold")).click()

    await expect(page.get_by_role("heading", level=1)).to_contain_text(office.world.customer_row(customer).name)
    shown = office.world.show(customer)
    assert (shown["status"], shown["evidence"][0]["actor"]) == ("proposed", "robin")
    await expect(page.get_by_role("button", name="Claim to decide")).to_have_count(0)


async def test_the_queue_shows_what_arrives_without_a_reload(office: Office) -> None:
    page = await office.sign_in()
    await expect(page.get_by_text("Nothing waits for anybody")).to_be_visible()
    await office.picture(page, "empty")
    customer = await office.proposed()
    await expect(page.locator("#news")).to_contain_text("1 new")
    await page.locator("#news").get_by_role("link").click()
    await expect(page.get_by_role("table")).to_contain_text(office.world.customer_row(customer).name)
