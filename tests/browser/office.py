"""People at browsers: who they are, what they see, and pictures of it."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Route, expect

from credit.permissions import Role
from db.act import Act
from db.engine import transaction
from db.people import users
from services.people import passwords
from tests.desk.server import DeskServer
from tests.messages.post_office import Sink
from tests.patience import PATIENCE
from tests.world import World

PASSWORD = "correct horse battery"
_HASH = passwords.hashed(PASSWORD)
ARTIFACTS = os.environ.get("HOLD_TEST_ARTIFACTS")
"""The folder for screenshots of what the tests see; without one none are taken."""
_ANSWERED = re.compile(r"status of 4(01|03|04|09|22)")
"""The console repeats each refusal; a test that provokes one looks at the page."""

expect.set_options(timeout=PATIENCE * 1000)


class Office:
    def __init__(self, desk: DeskServer, world: World, browser: Browser, sink: Sink, test: str) -> None:
        self.desk = desk
        self.world = world
        self.sink = sink
        self.complaints: list[str] = []
        self._browser = browser
        self._test = re.sub(r"[^\w-]+", "-", test)
        self._contexts: list[BrowserContext] = []
        self._people: set[str] = set()

    def hire(self, login: str, role: Role = Role.APPROVER, *, one_time: bool = False) -> None:
        with transaction(self.world.engine) as session:
            user = users.create(
                Act(session, "test", datetime.now(UTC)),
                login=login,
                role=role,
                password_hash=_HASH,
                email=f"{login}@credit.example.test",
            )
            user.one_time_password = one_time
        self._people.add(login)

    async def page(self, **how: Any) -> Page:
        """A fresh browser, nobody signed in."""
        values = {"base_url": self.desk.url, "viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}
        context = await self._browser.new_context(**(values | how))
        context.set_default_timeout(PATIENCE * 1000)
        self._contexts.append(context)
        page = await context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not _ANSWERED.search(message.text):
            self.complaints.append(f"{message.text} at {message.location}")

    async def sign_in(self, login: str = "mike", role: Role = Role.APPROVER, **how: Any) -> Page:
        """Somebody in front of the queue, in a browser of their own."""
        if login not in self._people:
            self.hire(login, role)
        page = await self.page(**how)
        await page.goto("/")
        await self.fill_in_sign_in(page, login)
        await expect(page).to_have_url(re.compile(r"/$"))
        return page

    async def fill_in_sign_in(self, page: Page, login: str, password: str = PASSWORD) -> None:
        await page.get_by_label("Login").fill(login)
        await page.get_by_label("Password").fill(password)
        await page.get_by_role("button", name="Sign in").click()

    async def proposed(self, **how: Any) -> str:
        """A customer whose hold is proposed."""
        customer = self.world.customer(**how)
        await self.world.start(customer)
        return customer

    async def picture(self, page: Page, name: str) -> None:
        if ARTIFACTS:
            await page.screenshot(path=Path(ARTIFACTS, f"{self._test}-{name}.png"), full_page=True)

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()


async def open_hold(page: Page, world: World, customer: str) -> None:
    """From the queue to a customer's hold."""
    await page.goto("/")
    await page.get_by_role("link", name=world.customer_row(customer).name).first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(world.customer_row(customer).name)


async def keep_still(page: Page) -> None:
    """Let a live page hear nothing new, as in the seconds before it asks."""

    async def answer(route: Route) -> None:
        await (route.fulfill(status=204) if "x-seen" in route.request.headers else route.continue_())

    await page.route("**/*", answer)


async def decide(page: Page, what: str, reason: str = "no payment in sight") -> None:
    """Claim, give a reason, and confirm."""
    await page.get_by_role("button", name="Claim to decide").click()
    await page.get_by_label("Reason").fill(reason)
    await page.get_by_role("button", name=f"{what}…").click()
    await page.get_by_role("button", name=re.compile(f"^{what} the hold")).click()


EVERY_RULE = {
    "type": "tag",
    "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
"""What another colour scheme can change."""


async def violations(page: Page, rules: dict[str, Any] = EVERY_RULE) -> list[str]:
    """What axe finds wrong by WCAG 2.2 A and AA, one line for each element."""
    results = await Axe().run(page, options={"runOnly": rules, "resultTypes": ["violations"]})
    return [
        f"{page.url} {found['id']}: {node['target']} {node['failureSummary']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]
