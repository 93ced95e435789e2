"""Every page: by axe, on a phone, in the dark, and for each role."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import Page, expect

from credit.permissions import Role
from tests.acting import made_token
from tests.browser.office import COLOURS, EVERY_RULE, Office, violations
from tests.holds.helpers import in_force


def user_code(office: Office) -> str:
    """What a program shows that waits to be confirmed."""
    asked = {"client_name": "hold on a-machine-with-a-rather-long-name.example.test", "token_days": 30}
    answer = httpx.post(f"{office.desk.url}/api/device-codes", json=asked)
    return str(answer.raise_for_status().json()["user_code"])


@pytest.fixture
async def addresses(office: Office) -> list[str]:
    """Each page with something on it."""
    held, proposed = office.world.customer(), await office.proposed(amount="123456.78")
    await in_force(office.world, held)
    shown = office.world.show(held)
    made_token(office.world.engine, "laptop", Role.APPROVER, scope=["claim-and-decide"])
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
        "/tokens",
        "/account",
        "/device",
        f"/device?user_code={user_code(office)}",
        "/nowhere",
    ]


async def read_each(office: Office, page: Page, addresses: list[str]) -> list[str]:
    found = []
    for number, address in enumerate(addresses):
        await page.goto(address)
        await expect(page.get_by_role("heading", level=1)).to_have_count(1)
        await office.picture(page, f"{number:02}")
        if (width := await page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
            found.append(f"{address} is {width} px too wide")
        found += await violations(page, EVERY_RULE)
        await page.emulate_media(color_scheme="dark")
        found += await violations(page, COLOURS)
        await page.emulate_media(color_scheme="light")
    return found


@pytest.mark.parametrize(
    "how",
    [{}, {"viewport": {"width": 320, "height": 640}, "has_touch": True, "is_mobile": True}],
    ids=["desk", "phone"],
)
async def test_nothing_is_wrong_or_too_wide_and_colours_can_be_read_in_the_dark(
    office: Office, addresses: list[str], how: dict[str, Any]
) -> None:
    page = await office.page(**how)
    assert await read_each(office, page, ["/sign-in"]) == []
    page = await office.sign_in("ada", Role.ADMIN, **how)
    assert await read_each(office, page, addresses) == []


async def test_times_are_said_in_the_reader_s_own_zone_and_exactly_in_utc(office: Office) -> None:
    proposed = await office.proposed()
    address = f"/holds/{office.world.show(proposed)['id']}"
    page = await office.sign_in("mike", timezone_id="Asia/Kolkata")
    await page.goto(address)
    said = page.locator("time[title]:not([data-since]):not([data-until])", has_text="GMT+5:30").first
    at = datetime.fromisoformat(str(await said.get_attribute("datetime")))
    assert (await said.text_content() or "").startswith(f"{at.astimezone(ZoneInfo('Asia/Kolkata')):%Y-%m-%d %H:%M}")
    assert await said.get_attribute("title") == f"{at:%Y-%m-%d %H:%M:%S} UTC"

    plain = await office.sign_in("mike", java_script_enabled=False, timezone_id="Asia/Kolkata")
    await plain.goto(address)
    await expect(plain.get_by_text(f"{at:%Y-%m-%d %H:%M} UTC").first).to_be_visible()


async def test_a_viewer_is_offered_nothing_to_do(office: Office, addresses: list[str]) -> None:
    page = await office.sign_in("vera", Role.VIEWER)
    for address in addresses:
        if address in ("/holds/new", "/settings", "/people", "/audit") or address.startswith("/holds/new?"):
            continue
        await page.goto(address)
        forms = page.locator("main form[method=post]:not([action*=sign-out]):not([action*=session])")
        assert address in ("/account", "/nowhere") or "user_code" in address or await forms.count() == 0, address
