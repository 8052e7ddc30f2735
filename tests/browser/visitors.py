"""Somebody at a browser of their own: what they do, and what a page must not do meanwhile."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
)

from tests.flows.product import Customer, Product
from tests.flows.test_operating import impacter

PATIENCE_MS = 30_000
PASSWORD = "correct horse battery staple"
# What Chromium writes of every answer that is no success; pages are right to ask and be refused.
OF_ANSWERS = "Failed to load resource"
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Visitor:
    """A person, and the page that they look at."""

    page: Page
    product: Product
    address: str = field(default_factory=lambda: f"ann.{uuid4().hex[:12]}@example.com")
    password: str = PASSWORD
    complaints: list[str] = field(default_factory=list)

    @classmethod
    async def arriving(cls, context: BrowserContext, product: Product) -> "Visitor":
        """Open a page, and listen for what must not happen on it."""
        context.set_default_timeout(PATIENCE_MS)
        visitor = cls(await context.new_page(), product)
        visitor._listen(visitor.page)
        context.on("page", visitor._listen)
        context.on("request", visitor._check)
        return visitor

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda flaw: self.complaints.append(f"{page.url}: {flaw}"))
        page.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(OF_ANSWERS):
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def _check(self, request: Request) -> None:
        if not request.url.startswith((self.product.origin, "data:", "blob:")):
            self.complaints.append(f"asked somebody else: {request.url}")

    async def go(self, path: str) -> None:
        """Type an address, and wait until the page that it shows is there."""
        await self.page.goto(f"{self.product.origin}{path}")
        await expect(self.page.locator("h1").first).to_be_visible()

    async def press(self, name: str) -> None:
        """Press the button or follow the link of this name."""
        button = self.page.get_by_role("button", name=name, exact=True)
        await button.or_(self.page.get_by_role("link", name=name, exact=True)).first.click()

    async def fill(self, **fields: str) -> None:
        """Fill in fields by their labels: `current_password` is "Current password"."""
        for name, value in fields.items():
            label = {"email": "E-mail"}.get(name, name.replace("_", " ").capitalize())
            await self.page.get_by_role("textbox", name=label, exact=True).fill(value)

    async def see(self, text: str) -> None:
        """Wait until a text is there."""
        await expect(self.page.get_by_text(text).first).to_be_visible()

    async def see_title(self, text: str) -> None:
        """Wait until the page has this heading."""
        await expect(self.page.get_by_role("heading", name=text, level=1)).to_be_visible()

    async def sign_up(self) -> None:
        """Open an account, as the sign-up page offers."""
        await self.go("/signup")
        await self.fill(email=self.address, password=self.password)
        await self.press("Create account")
        await self.see_title("What do you need done?")

    async def log_in(self) -> None:
        """Come back to an account."""
        await self.go("/login")
        await self.fill(email=self.address, password=self.password)
        await self.press("Sign in")
        await self.see_title("What do you need done?")

    async def sign_out(self) -> None:
        """Leave by the account's panel."""
        await self.page.get_by_role("button", name="Account: ").click()
        await self.page.get_by_role("button", name="Sign out", exact=True).click()
        await self.see_title("Sign in")

    async def arrive_funded(self, credits_wanted: int) -> Customer:
        """Be somebody with credits already, at the dashboard."""
        customer = await self.product.customer(funds=credits_wanted)
        self.address, self.password = customer.address, customer.password
        await self.log_in()
        return customer

    async def arrive_as_operator(self) -> None:
        """Be somebody who may see the operators' pages."""
        customer = await self.product.customer()
        await impacter(self.product, "roles", customer.address, "admin")
        self.address, self.password = customer.address, customer.password
        await self.log_in()

    async def open_mail(self, subject: str) -> None:
        """Find a mail in the developers' mailbox, and follow the link in it."""
        await self.product.mail(self.address, subject)
        await self.page.goto(f"{self.product.origin}/dev/mailbox")
        mine = self.page.get_by_role("link").filter(has_text=self.address)
        await mine.filter(has_text=subject).first.click()
        link = self.page.frame_locator("iframe").get_by_role("link").filter(has_text=" ").first
        await link.click()

    async def ask(self, description: str) -> None:
        """Write what is to be done, look at its price, and send it."""
        field = self.page.get_by_label("need done?")
        await field.fill(description)
        await expect(self.quote).to_be_visible()
        await field.press("Enter")
        await expect(self.page).to_have_url(re.compile("task=task_"))

    @property
    def quote(self) -> Locator:
        return self.page.get_by_test_id("quote")

    @property
    def chip(self) -> Locator:
        return self.page.get_by_test_id("credits-chip")

    @property
    def task(self) -> Locator:
        return self.page.get_by_test_id("task")

    async def has_credits(self, number: int, level: str) -> None:
        """Wait until the chip in the header says so, in its colour."""
        await expect(self.chip).to_contain_text(f"{number:,} credit")
        await expect(self.chip).to_have_attribute("data-level", level)

    async def task_is(self, status: str) -> None:
        """Wait until the task that is looked at has come so far."""
        await expect(self.task).to_have_attribute("data-status", status)

    async def violations(self) -> list[str]:
        """Return what axe finds wrong with the page as it is now."""
        if not await self.page.evaluate("() => 'axe' in window"):
            await self.page.evaluate(AXE.read_text())
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        found: Mapping[str, Any] = await self.page.evaluate("options => axe.run(options)", options)
        return [
            f"{each['id']}: {each['help']}: {node['target']} {node['failureSummary']}"
            for each in found["violations"]
            for node in each["nodes"]
        ]
