"""The emulator's pages in a real browser, once: buy, subscribe, manage the plan, give the money back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from emulator_parts import KEY, SECRET, Listener, Stage
from playwright.async_api import Page, expect

from embedded.emulator.service import Emulator, Place
from embedded.ports import free_ports
from tests.browser.chromium import need_chromium, running_chromium

ADA = "ada@example.com"


@asynccontextmanager
async def served() -> AsyncIterator[Stage]:
    [port] = free_ports(1)
    origin = f"http://127.0.0.1:{port}"
    stage = Stage.of(Emulator(Place(KEY, SECRET, origin=origin), network=Listener()))
    await stage.emulator.open()
    config = uvicorn.Config(
        stage.emulator.app(), host="127.0.0.1", port=port, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield stage
    finally:
        server.should_exit = True
        await serving
        await stage.emulator.close()


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with running_chromium(need_chromium()) as browser:
        page = await browser.new_page()
        page.set_default_timeout(20_000)
        yield page


@pytest.mark.system
async def test_a_person_buys_subscribes_manages_and_gets_money_back(page: Page) -> None:
    async with served() as stage:
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        shop = f"{stage.emulator.place.origin}/emulator/thanks"

        await buy(page, stage, shop)
        await subscribe(page, stage, shop)
        await manage(page, stage, shop)
        await give_back(page, stage)

        blocked = [text for text in complaints if "Content Security Policy" in text]
        assert blocked == []


async def buy(page: Page, stage: Stage, shop: str) -> None:
    session = await stage.session(success_url=f"{shop}?id={{CHECKOUT_SESSION_ID}}")
    await page.goto(session.url)
    await page.get_by_label("E-mail").fill(ADA)
    await page.get_by_label("A card that is declined").check()
    await page.get_by_role("button", name="Pay $39.00").click()
    await expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
    await page.get_by_label("A card that works").check()
    await page.get_by_role("button", name="Pay $39.00").click()
    await page.wait_for_url(f"{shop}?id={session.id}")


async def subscribe(page: Page, stage: Stage, shop: str) -> None:
    session = await stage.session("basic_monthly", success_url=shop)
    await page.goto(session.url)
    await page.get_by_label("E-mail").fill(ADA)
    await page.get_by_role("button", name="Subscribe for $29.00").click()
    await page.wait_for_url(shop)


async def manage(page: Page, stage: Stage, shop: str) -> None:
    [subscription] = (await stage.v1.subscriptions.list_async()).data
    made = await stage.v1.billing_portal.sessions.create_async(
        {"customer": subscription.customer, "return_url": shop}
    )
    await page.goto(made.url)
    await page.get_by_text("Switch to another plan").click()
    await page.get_by_label("Business", exact=False).first.check()
    await page.get_by_role("button", name="Switch").click()
    await expect(page.get_by_text("$99.00 a month").first).to_be_visible()
    await page.get_by_role("button", name="Cancel the plan").click()
    await expect(page.get_by_text("Ends on")).to_be_visible()
    await page.get_by_role("button", name="Keep the plan").click()
    await expect(page.get_by_text("Renews on")).to_be_visible()
    await page.get_by_role("link", name="Return to the shop").click()
    await page.wait_for_url(shop)


async def give_back(page: Page, stage: Stage) -> None:
    await page.goto(f"{stage.emulator.place.origin}/emulator")
    await page.get_by_role("button", name="Refund").last.click()
    await expect(page.get_by_text("$39.00 refunded")).to_be_visible()
    await page.get_by_role("button", name="Advance a day").click()
    await expect(page.get_by_text("ahead of the true time")).to_be_visible()
    [refund] = (await stage.v1.refunds.list_async()).data
    assert refund.amount == 3900
