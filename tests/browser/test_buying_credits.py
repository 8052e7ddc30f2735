"""J1 and J3: credits are bought on Stripe's pages, here the emulated ones, by guests and by customers, once and by plan."""

import re
from typing import Any

from playwright.async_api import expect

from tests.browser.visitors import Visitor
from tests.flows.stripe import Stripe


async def pay(visitor: Visitor, means: str = "A card that works", **fields: str) -> None:
    """Pay on the page that Stripe would show."""
    await visitor.see("no money moves")
    if fields:
        await visitor.fill(**fields)
    await visitor.page.get_by_text(means, exact=True).click()
    await visitor.page.locator("button.main").click()


async def granted(visitor: Visitor, number: int) -> None:
    """See on the page after paying that the credits are there."""
    await visitor.see_title(f"{number:,} credits added!")


async def buy(visitor: Visitor, product: str) -> None:
    """Press what is to be bought."""
    await visitor.go("/credits")
    named = re.compile(rf": {re.escape(product)}(,|$)")
    await visitor.page.get_by_role("button").filter(has_text=named).click()


async def customers(visitor: Visitor) -> set[Any]:
    """The ids that a visitor has at Stripe."""
    made = await Stripe(visitor.product).told("customer.created")
    return {each["id"] for each in made if each["email"] == visitor.address}


async def test_a_stranger_pays_and_claims_the_account_on_the_page_after_it(visitor: Visitor):
    await buy(visitor, "100 credits")
    await pay(visitor, email=visitor.address)

    await granted(visitor, 100)
    await visitor.fill(new_password=visitor.password)
    await visitor.press("Open my account")

    await visitor.has_credits(100, "good")
    await visitor.product.mail(visitor.address, "Welcome to ImpacterAGI!")


async def test_a_customer_buys_a_pack_and_sees_it_arrive(visitor: Visitor):
    await visitor.sign_up()
    await visitor.has_credits(0, "bad")

    await buy(visitor, "Popular")
    await pay(visitor)

    await granted(visitor, 50)
    await visitor.has_credits(50, "good")
    await visitor.press("Get something done")
    await visitor.see_title("What do you need done?")


async def test_a_declined_card_costs_nothing_and_another_works(visitor: Visitor):
    await visitor.sign_up()
    await buy(visitor, "Popular")

    await pay(visitor, "A card that is declined")
    await visitor.see("declined")
    await pay(visitor)

    await granted(visitor, 50)


async def test_who_turns_back_has_bought_nothing(visitor: Visitor):
    await visitor.sign_up()
    await buy(visitor, "Popular")
    await visitor.see("no money moves")

    await visitor.page.get_by_text("Back to the shop").click()

    await visitor.see("Checkout cancelled")
    await visitor.has_credits(0, "bad")


async def test_two_tabs_lead_to_the_same_page_to_pay_on(visitor: Visitor):
    await visitor.sign_up()
    await buy(visitor, "Popular")
    await visitor.see("no money moves")
    first = visitor.page.url

    await buy(visitor, "Popular")
    await visitor.see("no money moves")

    assert visitor.page.url == first


async def test_money_that_comes_later_is_said_to_and_then_is_there(visitor: Visitor):
    await visitor.sign_up()
    stripe = Stripe(visitor.product)
    await buy(visitor, "Popular")

    await pay(visitor, "A bank debit that arrives later")
    await visitor.see_title("Your bank is on it")
    await visitor.has_credits(0, "bad")
    [intent] = [
        each
        for each in await stripe.told("payment_intent.processing")
        if each["customer"] in await customers(visitor)
    ]
    await stripe.act("settle_payment", intent_id=intent["id"])

    await granted(visitor, 50)


async def test_a_plan_brings_credits_every_month_until_it_is_cancelled(own_visitor: Visitor):
    visitor = own_visitor
    await visitor.sign_up()
    await buy(visitor, "Basic")
    await pay(visitor)
    await granted(visitor, 500)

    await visitor.go("/credits")
    await visitor.see("Active")
    stripe = Stripe(visitor.product)
    [subscription] = await stripe.told("customer.subscription.created")
    await stripe.act("renew", subscription_id=subscription["id"])
    await visitor.has_credits(1000, "good")

    await visitor.press("Manage plan and card")
    await visitor.press("Cancel the plan")
    await visitor.page.get_by_text("Return to the shop").click()
    await visitor.see("Ends soon")


async def test_every_movement_is_listed_filtered_and_traced_to_its_payment(visitor: Visitor):
    await visitor.sign_up()
    await buy(visitor, "100 credits")
    await pay(visitor)
    await granted(visitor, 100)
    await visitor.go("/dashboard")
    await visitor.ask("Say hello")
    await visitor.task_is("completed")
    await visitor.has_credits(90, "good")

    await visitor.go("/transactions")
    spent = visitor.page.get_by_role("row").filter(has_text="Say hello")
    await spent.get_by_role("button").or_(spent.get_by_role("link")).first.click()

    trace = visitor.page.get_by_test_id("trace")
    await expect(trace).to_contain_text("$9 paid")
    await expect(trace).to_contain_text("Say hello")


async def test_the_transactions_are_saved_as_a_table(visitor: Visitor):
    await visitor.arrive_funded(100)
    await visitor.go("/transactions")

    async with visitor.page.expect_download() as downloading:
        await visitor.press("CSV")
    download = await downloading.value

    text = (await download.path()).read_text()
    assert download.suggested_filename.endswith(".csv")
    assert text.count("\n") == 2
    assert "100" in text
