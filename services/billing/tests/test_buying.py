"""Buying: pages to pay on, opened once, and what comes of them."""

import asyncio

from billing_parts import Shop


async def test_a_customer_who_pays_on_our_page_gets_the_credits_of_the_price(shop: Shop):
    customer = await shop.customer()

    session_id = await customer.buy("pack_500")

    assert await customer.available() == 500
    progress = await customer.get(f"/api/billing/checkout-session/{session_id}")
    assert (progress["status"], progress["payment_status"]) == ("complete", "paid")
    assert (progress["credits"], progress["granted"], progress["account"]) == (
        500,
        True,
        "existing",
    )


async def test_a_subscriber_gets_the_credits_of_the_first_period(shop: Shop):
    customer = await shop.customer()

    session_id = await customer.buy("basic_monthly")

    assert await customer.available() == 500
    progress = await customer.get(f"/api/billing/checkout-session/{session_id}")
    assert (progress["credits"], progress["granted"]) == (500, True)
    plan = await customer.get("/api/billing/subscription")
    assert (plan["status"], plan["plan"], plan["credits"]) == ("active", "Basic", 500)


async def test_a_double_click_opens_one_page(shop: Shop):
    customer = await shop.customer()

    answers = await asyncio.gather(*(customer.checkout("pack_500") for _ in range(5)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["session_id"] for answer in answers}) == 1
    sessions = await shop.stripe.checkout.sessions.list_async()
    assert len(sessions.data) == 1
