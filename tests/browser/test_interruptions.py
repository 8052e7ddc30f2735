"""A reload, a spell without network and a server that dies: nothing that was asked for or written is lost."""

from playwright.async_api import expect

from tests.browser.conftest import PATIENT
from tests.browser.visitors import Visitor
from tests.flows.product import Product, start

SLOW = "Say hello [demo: slow 8]"


async def test_a_reload_loses_nothing(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.ask(SLOW)
    await visitor.task_is("running")

    await visitor.page.reload()

    await visitor.see("Working on it…")
    await visitor.task_is("completed")
    await visitor.has_credits(90, "good")


async def test_a_draft_is_there_after_a_reload(visitor: Visitor):
    await visitor.arrive_funded(100)
    field = visitor.page.get_by_label("What do you need done?")
    await field.fill("Write a poem about rain")
    await expect(visitor.quote).to_be_visible()

    await visitor.page.reload()

    await expect(field).to_have_value("Write a poem about rain")


async def test_a_draft_is_nobody_elses(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.page.get_by_label("What do you need done?").fill("My secret plan")
    await visitor.sign_out()

    await visitor.arrive_funded(100)

    await expect(visitor.page.get_by_label("What do you need done?")).to_have_value("")


async def test_what_happened_while_offline_is_there_afterwards(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.ask(SLOW)
    await visitor.task_is("running")

    await visitor.page.context.set_offline(True)
    await visitor.see("Offline")
    customer = await _customer(visitor)
    [task] = (await customer.get("/api/tasks"))["tasks"]
    await customer.task_is(task["task_id"], "completed")
    await visitor.page.context.set_offline(False)

    await visitor.task_is("completed")
    await visitor.see("Done!")
    await visitor.has_credits(90, "good")
    await expect(visitor.page.get_by_text("Offline")).to_have_count(0)
    visitor.complaints.clear()  # of the network, while there was none


async def test_what_is_sent_while_offline_is_asked_for_once_by_a_page_that_is_opened_later(
    visitor: Visitor,
):
    await visitor.arrive_funded(100)
    field = visitor.page.get_by_label("What do you need done?")
    await field.fill("Say hello")
    await expect(visitor.quote).to_be_visible()
    await visitor.page.context.set_offline(True)
    await field.press("Enter")
    await visitor.see("Offline")
    customer = await _customer(visitor)
    assert (await customer.get("/api/tasks"))["tasks"] == []
    closed, visitor.page = visitor.page, await visitor.page.context.new_page()
    await closed.close()  # Chromium lets it online for a moment, so it may ask as well

    await visitor.page.context.set_offline(False)
    await visitor.page.goto(f"{visitor.product.origin}/dashboard")

    await visitor.task_is("completed")
    await visitor.has_credits(90, "good")
    assert len((await customer.get("/api/tasks"))["tasks"]) == 1
    visitor.complaints.clear()  # of the network, while there was none


async def test_a_page_that_is_gone_to_while_offline_comes_when_the_network_does(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.page.evaluate("() => { window.isTheSame = true; }")
    addresses: list[str] = []
    visitor.page.on("framenavigated", lambda frame: addresses.append(frame.url))

    await visitor.page.context.set_offline(True)
    await visitor.page.get_by_role("link", name="Transactions").first.click()
    await visitor.see("ImpacterAGI cannot be reached")
    await visitor.page.context.set_offline(False)

    await visitor.see_title("Transactions")
    assert await visitor.page.evaluate("() => window.isTheSame")
    assert not [address for address in addresses if address.startswith("chrome-error")]
    visitor.complaints.clear()  # of the network, while there was none


async def _customer(visitor: Visitor):
    customer = await visitor.product.customer()
    customer.address, customer.password = visitor.address, visitor.password
    await customer.log_in()
    return customer


async def test_a_server_that_is_killed_in_the_middle_costs_nothing_but_time(
    own_product: Product, own_visitor: Visitor
):
    visitor = own_visitor
    await visitor.arrive_funded(100)
    await visitor.ask(SLOW)
    await visitor.task_is("running")

    own_product.child.kill()
    await visitor.see("Reconnecting…")
    port = own_product.origin.rpartition(":")[2]
    own_product.child = start("embedded", own_product.folder, port, **PATIENT)
    await own_product.ready()

    await expect(visitor.task).to_have_attribute("data-status", "completed", timeout=120_000)
    await visitor.see("Done!")
    await visitor.has_credits(90, "good")
    await expect(visitor.page.get_by_text("Reconnecting…")).to_have_count(0)


async def test_tabs_that_come_back_together_are_all_signed_in(visitor: Visitor):
    """One of them renews the session for all: a refresh token that is used twice would end it."""
    await visitor.arrive_funded(100)
    tabs = [await visitor.page.context.new_page() for _ in range(4)]

    for tab in tabs:
        await tab.goto(f"{visitor.product.origin}/transactions", wait_until="commit")

    for tab in tabs:
        await expect(tab.get_by_role("heading", name="Transactions", level=1)).to_be_visible()
    await visitor.page.reload()
    await visitor.see_title("What do you need done?")


async def test_signing_out_in_one_tab_signs_out_in_all(visitor: Visitor):
    await visitor.arrive_funded(100)
    other = await visitor.page.context.new_page()
    await other.goto(f"{visitor.product.origin}/transactions")
    await expect(other.get_by_role("heading", name="Transactions", level=1)).to_be_visible()

    await visitor.sign_out()

    await expect(other.get_by_role("heading", name="Sign in", level=1)).to_be_visible()
