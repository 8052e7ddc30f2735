"""J6 and J10: people with the operators' pages do work by hand, help customers, and see what is wrong."""

import asyncio
from uuid import uuid4

from playwright.async_api import expect

from embedded.postgres import EmbeddedPostgres
from shared.bus_postgres import PostgresBus
from shared.events import Message
from shared.testing import eventually
from tests.browser.conftest import Arriving
from tests.browser.test_for_everybody import BROKEN_WORDS, OVERHANG, OVERHANG_OF_BOX
from tests.browser.visitors import Visitor
from tests.flows.product import Product

# As long as the names of files are that people make.
NAME = "Market_of_solar_roofs_in_southern_Europe_2026_final_v3.xlsx.txt"


async def test_a_person_does_what_no_agent_does(operator: Visitor, arriving: Arriving, tmp_path):
    report = tmp_path / NAME
    report.write_text("what was found")
    customer = await arriving()
    await customer.arrive_funded(1000)
    subject = (
        f"Research the market of solar roofs {uuid4().hex[:6]}: {'who buys, who sells, ' * 9}now"
    )
    await customer.ask(subject)

    await operator.go("/admin/tasks")
    button = operator.page.get_by_role("button", name=f"Open {subject}")
    await expect(button).to_be_visible()
    assert await operator.page.evaluate(BROKEN_WORDS) == []
    await button.click()
    await operator.press("Take it")
    await customer.task_is("running")
    await operator.page.get_by_label("Attach a file").set_input_files(report)
    await operator.see(NAME)
    await operator.page.get_by_label("Result").fill("Solar roofs **sell**.")
    await operator.press("Deliver")

    await customer.task_is("completed")
    await customer.see("Solar roofs sell.")
    await customer.see(f"Download results ({NAME})")
    await customer.page.get_by_text("What happened").click()
    await customer.see("A person began")
    sheet = operator.page.get_by_role("dialog")
    for person in (customer, operator):
        await person.page.set_viewport_size({"width": 360, "height": 740})
        assert await person.page.evaluate(OVERHANG) <= 0
    assert await sheet.evaluate(OVERHANG_OF_BOX) <= 0


async def test_a_person_who_cannot_do_it_says_why_and_nothing_is_charged(
    operator: Visitor, arriving: Arriving
):
    customer = await arriving()
    await customer.arrive_funded(1000)
    subject = f"Research something impossible {uuid4().hex[:6]}"
    await customer.ask(subject)

    await operator.go("/admin/tasks")
    await operator.page.get_by_role("button", name=f"Open {subject}").click()
    await operator.press("Take it")
    await operator.page.get_by_label("Or why it cannot be done").fill("There are no such papers.")
    await operator.press("End it, charge nothing")

    await customer.task_is("failed")
    await customer.see("There are no such papers.")
    await customer.has_credits(1000, "good")


async def test_a_customer_is_found_and_given_credits_that_arrive_live(
    operator: Visitor, arriving: Arriving
):
    customer = await arriving()
    await customer.sign_up()
    await customer.has_credits(0, "bad")

    await operator.go("/admin/users")
    await operator.page.get_by_role("searchbox").fill(customer.address)
    await operator.page.get_by_role("button", name=customer.address).click()
    await operator.page.get_by_label("Credits", exact=True).fill("70")
    await operator.page.get_by_label("Reason").fill("Sorry for the delay")
    await operator.press("Give")

    await customer.has_credits(70, "good")
    await customer.go("/transactions")
    await customer.see("Sorry for the delay")


async def test_health_of_every_service_is_on_one_page(operator: Visitor):
    await operator.go("/admin")

    for service in ("auth", "billing", "tasks", "notifier", "agent-runner"):
        await expect(operator.page.get_by_text(service, exact=True).first).to_be_visible()


async def test_what_is_sold_and_the_books_are_compared_with_stripe(operator: Visitor):
    await operator.go("/admin/prices")
    await operator.see("500 credits")
    await operator.press("Compare with Stripe")
    await operator.see("They are the same.")
    await operator.page.keyboard.press("Escape")

    await operator.go("/admin/books")
    await operator.press("Compare with Stripe now")

    row = operator.page.get_by_role("row").filter(has_text="the last weeks")
    await expect(row.first).to_be_visible()


async def test_an_event_that_failed_is_seen_and_given_up(operator: Visitor, product: Product):
    await _publish(product, Message("payment.completed.v1", {}, b"no event of ours"))
    await eventually(lambda: _is_parked(product), what="a parked event")

    await operator.go("/admin/events")
    row = operator.page.get_by_role("button", name="Open payment.completed.v1")
    await expect(row.first).to_be_visible()
    await row.first.click()
    await operator.see("no event of ours")
    await operator.page.get_by_label("Or why nobody will miss it").fill("made by a test")
    await operator.press("Discard")

    await operator.see("It is given up.")


async def _is_parked(product: Product) -> bool:
    answer = await product.http.get("/api/admin/events/billing", headers=product.admin)
    return bool(answer.json()["events"])


async def _publish(product: Product, message: Message) -> None:
    bus = PostgresBus(EmbeddedPostgres(product.folder / "postgres").url("bus"))
    try:
        await asyncio.wait_for(bus.publish([message]), 30)
    finally:
        await bus.close()


async def test_the_operators_pages_are_not_there_for_customers(visitor: Visitor):
    await visitor.sign_up()

    await visitor.page.goto(f"{visitor.product.origin}/admin/users")

    await visitor.see("There is no page here")
    await expect(visitor.page.get_by_role("link", name="Admin")).to_have_count(0)
