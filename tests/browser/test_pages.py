"""Every page: by axe, on a phone, in the dark, and for each role."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from credit.permissions import Role
from tests.browser.office import Office, violations
from tests.holds.helpers import in_force


@pytest.fixture
async def addresses(office: Office) -> list[str]:
    """Each page with something on it."""
    held, proposed = office.world.customer(), await office.proposed(amount="123456.78")
    await in_force(office.world, held)
    shown = office.world.show(held)
    return [
        "/",
        "/?kind=message",
        "/?text=nobody",
        f"/holds/{office.world.show(proposed)['id']}",
        f"/holds/{shown['id']}",
        *(f"/messages/{message['id']}" for message in shown["messages"]),
        "/holds/new",
        f"/holds/new?customer={held}",
        "/aging",
        "/customers",
        f"/customers/{held}",
        "/audit",
        "/settings",
        "/people",
        "/account",
        "/nowhere",
    ]


async def read_each(page: Page, addresses: list[str]) -> list[str]:
    found = []
    for address in addresses:
        await page.goto(address)
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        found += await violations(page)
    return found


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"color_scheme": "dark"},
        {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True},
    ],
    ids=["light", "dark", "phone"],
)
async def test_axe_finds_nothing(office: Office, addresses: list[str], how: dict[str, Any]) -> None:
    page = await office.page(**how)
    await page.goto("/sign-in")
    assert await violations(page) == []
    page = await office.sign_in("ada", Role.ADMIN, **how)
    assert await read_each(page, addresses) == []


async def test_nothing_is_wider_than_a_small_phone(office: Office, addresses: list[str]) -> None:
    page = await office.sign_in("ada", Role.ADMIN, viewport={"width": 320, "height": 640})
    for number, address in enumerate(addresses):
        await page.goto(address)
        width = await page.evaluate("document.documentElement.scrollWidth")
        await office.picture(page, f"{number:02}")
        assert width <= 320, f"{address} is {width} px wide"


async def test_a_viewer_is_offered_nothing_to_do(office: Office, addresses: list[str]) -> None:
    page = await office.sign_in("vera", Role.VIEWER)
    for address in addresses:
        if address in ("/holds/new", "/settings", "/people", "/audit") or address.startswith("/holds/new?"):
            continue
        await page.goto(address)
        forms = page.locator("main form[method=post]:not([action*=sign-out]):not([action*=session])")
        assert address in ("/account", "/nowhere") or await forms.count() == 0, address
