"""The pages of a hold's later life: by axe, in the light, in the dark and on a phone."""

import asyncio

from playwright.async_api import expect

from credit.permissions import Role
from tests.browser.office import Office, violations
from tests.drift.helpers import check, says
from tests.holds.helpers import in_force


async def test_axe_finds_nothing_and_nothing_is_too_wide(office: Office) -> None:
    world = office.world
    held, asking = world.customer(amount="123456.78"), world.customer()
    await in_force(world, held)
    await in_force(world, asking)
    says(world, held, "OFF")
    unheld = world.customer()
    says(world, unheld, "ON")
    await check(world)
    says(world, asking, "OFF")
    await world.operations.request_release(asking, reason="they paid by cheque, which has cleared", actor="rosa")
    await asyncio.sleep(0)
    addresses = ["/", f"/holds/{held}", f"/holds/{held}/change", f"/holds/{asking}", "/drift", "/report"]
    addresses += [f"/customers/{held}"]
    page = await office.sign_in("ada", Role.ADMIN)

    async def look(suffix: str) -> None:
        for number, address in enumerate(addresses):
            await page.goto(address)
            await expect(page.get_by_role("heading", level=1)).to_have_count(1)
            assert await violations(page) == []
            width = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            await office.picture(page, f"{number}-{suffix}")
            assert width <= 0, f"{address} is {width} px too wide ({suffix})"

    await look("light")
    await page.emulate_media(color_scheme="dark")
    await page.set_viewport_size({"width": 375, "height": 800})
    await look("phone-dark")
    await page.emulate_media(color_scheme="light")
    await world.approve(asking)
    await world.eventually(
        lambda: "needs_attention" in [beat["status"] for beat in world.show(asking)["release_beats"]]
    )
    addresses += [f"/holds/{asking}/beats/restore_netsuite"]
    addresses = addresses[3:4] + addresses[-1:]
    await look("phone-asks")
    await page.set_viewport_size({"width": 1280, "height": 900})
    await look("asks")
