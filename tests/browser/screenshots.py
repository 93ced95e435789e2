"""Take the pictures of the README anew: a demo stack of its own, with NetSuite away while one hold is in force.

script/screenshots [FOLDER]      docs, where no folder is named
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

from services.people.first_admin import LOGIN, PASSWORD_FILE
from starter.demo import demo
from starter.demo.demo import Hold
from tests.browser import chromium, node
from tests.browser.conftest import FLAGS

_PASSWORD = "a password for pictures"
_IN_FORCE, _PROPOSED = "1005", "1003"
_COLUMNS = (
    "Status",
    "Workflow ID",
    "HoldStatus",
    "WaitingOn",
    "NetSuitePush",
    "HoldTrigger",
    "DaysOverdue",
    "ArBalance",
)
_LIMIT = 60_000  # milliseconds


async def pictures(browser: Browser, where: dict[str, Any], in_force: str, password: str, folder: Path) -> None:
    """Take each; `in_force` is the id of the hold whose push to NetSuite is retried."""
    desk = await _page(browser, where["desk"], 1280, 800)
    await _sign_in(desk, password)
    await desk.goto("/")
    await expect(desk.get_by_role("table").first).to_be_visible()
    await desk.screenshot(path=folder / "desk-queue.png")

    await desk.set_viewport_size({"width": 1280, "height": 1000})
    await desk.goto(f"/holds/{in_force}")
    await expect(desk.get_by_text("retrying").first).to_be_visible()
    await desk.screenshot(path=folder / "desk-hold.png")

    temporal = await _page(browser, where["temporal_ui"], 1500, 480)
    columns = {"default": [{"label": name, "pinned": False} for name in _COLUMNS]}
    wanted = json.dumps(json.dumps(columns))
    await temporal.add_init_script(f"localStorage.setItem('namespace-workflow-table-columns', {wanted})")
    await temporal.goto('/namespaces/default/workflows?query=WorkflowType="ServiceHold"')
    for customer in (_PROPOSED, _IN_FORCE):
        await expect(temporal.get_by_role("link", name=f"service-hold/{customer}").first).to_be_visible()
    await expect(temporal.get_by_text("retrying").first).to_be_visible()
    await temporal.screenshot(path=folder / "web-ui-list.png")

    await temporal.set_viewport_size({"width": 1400, "height": 700})
    await temporal.get_by_role("link", name=f"service-hold/{_PROPOSED}").first.click()
    await temporal.get_by_text("User Metadata").first.click()
    await expect(temporal.get_by_text("Current Details").first).to_be_visible()
    texts = temporal.locator("iframe")  # Markdown is shown in frames of its own, and the page never rests
    await expect(texts.first).to_be_visible()
    for number in range(await texts.count()):
        await expect(texts.nth(number).content_frame.locator("body")).to_contain_text(re.compile(r"\w"))
    await temporal.screenshot(path=folder / "web-ui-hold.png")


async def _page(browser: Browser, url: str, width: int, height: int) -> Page:
    context = await browser.new_context(
        base_url=url, viewport={"width": width, "height": height}, reduced_motion="reduce", timezone_id="UTC"
    )
    context.set_default_timeout(_LIMIT)
    return await context.new_page()


async def _sign_in(page: Page, password: str) -> None:
    await page.goto("/")
    await page.get_by_label("Login").fill(LOGIN)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_label("New password", exact=True).fill(_PASSWORD)
    await page.get_by_label("New password, again").fill(_PASSWORD)
    await page.get_by_role("button", name="Change password").click()
    await expect(page.get_by_role("heading", name="Change your password")).not_to_be_visible()


async def take(hold: Hold, folder: Path, scratch: Path) -> None:
    os.environ[node.VARIABLE] = str(node.ensure(scratch))
    password = (hold.data_dir / PASSWORD_FILE).read_text().strip()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(chromium.ensure()), args=FLAGS)
        await pictures(browser, hold.run("status"), hold.run("show", _IN_FORCE)["id"], password, folder)
        await browser.close()


def main(folder: Path) -> None:
    expect.set_options(timeout=_LIMIT)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hold-pictures-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        scratch.chmod(0o711)
        hold = Hold(scratch / "data")
        try:
            demo.demo(hold.data_dir)
            hold.run("demo", "outage", "on")
            demo.approve(hold, _IN_FORCE, "three reminders, no answer")
            demo.wait_for(hold, _IN_FORCE, lambda seen: "retrying" in {beat["status"] for beat in seen["beats"]})
            asyncio.run(take(hold, folder, scratch))
        finally:
            hold.say("down")
            demo.destroy(hold.data_dir)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "docs")
    sys.stdout.flush()
    os._exit(0)  # the SDK's native threads can abort an ordinary exit (sdk-python issue 300)
