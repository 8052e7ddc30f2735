"""J8: money that goes back takes its credits along, once, and a dispute that is won gives them back."""

from uuid import uuid4

import pytest
from playwright.async_api import expect

from tests.browser.test_buying_credits import buy, granted, pay
from tests.browser.visitors import Visitor
from tests.flows.stripe import Stripe


@pytest.fixture
async def buyer(visitor: Visitor) -> Visitor:
    """Somebody who bought 500 credits."""
    await visitor.sign_up()
    await buy(visitor, "500 credits")
    await pay(visitor)
    await granted(visitor, 500)
    await visitor.has_credits(500, "good")
    return visitor


async def charge_of(visitor: Visitor) -> str:
    """The id of what the visitor was charged, at Stripe."""
    [charge] = await Stripe(visitor.product).charges(visitor.address)
    return str(charge["id"])


async def test_a_refund_that_operators_make_takes_the_credits_back(
    buyer: Visitor,
    operator: Visitor,
):
    reason = f"Not what was wanted {uuid4().hex[:6]}"
    await operator.go("/admin/payments")
    await operator.page.get_by_role("searchbox").fill(buyer.address)
    await operator.page.get_by_role("button", name=f"Open the payment of {buyer.address}").click()
    await operator.page.get_by_label("Reason").fill(reason)
    await operator.press("Ask for the refund")
    await operator.see("The refund waits for its approval.")
    await operator.go("/admin/refunds")
    row = operator.page.get_by_role("row").filter(has_text=reason)
    await row.get_by_role("button", name="Approve").click()
    await operator.see(f"Pay $39 back to {buyer.address}?")
    await operator.press("Pay it back")

    await buyer.has_credits(0, "bad")
    await expect(row).to_contain_text("made")
    await expect(operator.page.get_by_role("heading", name="Refunds")).to_be_focused()
    await row.get_by_role("link", name=buyer.address).click()
    await operator.see_title("Payments")
    await buyer.product.mail(buyer.address, "efund")


async def test_a_part_of_the_money_takes_a_part_of_the_credits(buyer: Visitor):
    await Stripe(buyer.product).act("refund", charge_id=await charge_of(buyer), amount=1950)

    await buyer.has_credits(250, "good")


async def test_a_dispute_takes_the_credits_and_one_that_is_won_gives_them_back(buyer: Visitor):
    dispute = await Stripe(buyer.product).act("dispute", charge_id=await charge_of(buyer))
    await buyer.has_credits(0, "bad")

    await Stripe(buyer.product).act("end_dispute", dispute_id=dispute["id"], outcome="won")

    await buyer.has_credits(500, "good")
    await buyer.go("/transactions")
    await expect(buyer.page.get_by_role("row").filter(has_text="500")).to_have_count(3)


async def test_what_was_spent_already_is_owed_and_said_to_be(buyer: Visitor):
    await buyer.go("/dashboard")
    await buyer.ask("Say hello")
    await buyer.task_is("completed")
    await buyer.has_credits(490, "good")

    await Stripe(buyer.product).act("refund", charge_id=await charge_of(buyer))

    await buyer.has_credits(0, "bad")
    await buyer.go("/credits")
    await buyer.see("10 credits are owed")
