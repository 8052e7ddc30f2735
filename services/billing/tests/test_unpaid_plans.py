"""What a plan brought waits while it is not paid for, and is there again once it is."""

from billing_parts import Customer, Shop
from buyers import renew, shift, subscriber

from shared.contracts.subscriptions import SubscriptionPastDue


async def test_a_renewal_that_fails_is_told_once_and_waits_after_its_grace(shop: Shop):
    customer = await subscriber(shop)
    await customer.buy("pack_100")
    await shop.control.fail_next((await customer.subscribed()).customer, times=9)

    await renew(shop, customer)

    [told] = await past_due(shop, customer)
    assert (told.plan, told.amount_cents) == ("Basic", 2900)
    assert await customer.available() == 600
    assert (await customer.get("/api/billing/subscription"))["grace_until"] is not None
    await shift(shop, 8)
    assert await customer.available() == 100
    assert (await customer.get("/api/billing/subscription"))["is_paused"] is True
    assert len(await past_due(shop, customer)) == 1


async def past_due(shop: Shop, customer: Customer) -> list[SubscriptionPastDue]:
    told = await shop.billing.published(SubscriptionPastDue)
    return [item for item in told if item.user_id == customer.user_id]


async def test_a_renewal_paid_late_brings_everything_back_and_its_own_credits(shop: Shop):
    customer = await subscriber(shop)
    plan = await customer.subscribed()
    await shop.control.fail_next(plan.customer)
    await renew(shop, customer)
    await shift(shop, 8)
    assert await customer.available() == 0

    await shop.control.advance(days=4)
    await shop.hear()

    assert (await customer.subscribed()).status == "active"
    assert await customer.available() == 1000


async def test_a_plan_that_ended_unpaid_lets_go_of_what_it_had_brought(shop: Shop):
    customer = await subscriber(shop)
    await shop.control.fail_next((await customer.subscribed()).customer, times=9)
    await renew(shop, customer)
    await shift(shop, 8)

    await shop.control.advance(days=30)
    await shop.hear()

    assert (await customer.subscribed()).status == "canceled"
    assert await customer.available() == 500
    assert (await customer.get("/api/billing/subscription"))["status"] == "none"


async def test_credits_that_come_after_their_plan_was_paused_wait_too(shop: Shop):
    customer = await subscriber(shop)
    plan = await customer.subscribed()
    shop.control.mischief.hold = True
    await shop.control.renew(plan.id)
    renewed = (await customer.subscribed()).latest_invoice
    await shop.control.fail_next(plan.customer, times=9)
    await shop.control.renew(plan.id)
    told = await shop.control.events("invoice.paid", "customer.subscription.updated")
    [late] = [item for item in told if item["data"]["object"]["id"] == renewed]

    await shop.tell([item for item in told if item["type"] == "customer.subscription.updated"])
    await shift(shop, 8)
    assert (await customer.get("/api/billing/subscription"))["is_paused"] is True
    await shop.tell([late])

    assert await customer.available() == 0
