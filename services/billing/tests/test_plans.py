"""Plans: each paid period brings its credits once."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from billing_parts import Customer, Shop
from buyers import renew, shift, subscriber

from embedded.emulator.paying import Payer
from shared.contracts.credits import CreditsGranted


async def lots(customer: Customer) -> list[tuple[int, str | None]]:
    summary = await customer.get("/api/credits/summary")
    return [(lot["remaining"], lot["expires_at"]) for lot in summary["lots"]]


async def test_each_renewal_brings_the_plans_credits_once(shop: Shop):
    customer = await subscriber(shop)

    for _ in range(3):
        await renew(shop, customer)

    assert await customer.available() == 2000
    granted = [
        item
        for item in await shop.billing.published(CreditsGranted)
        if item.user_id == customer.user_id
    ]
    assert [(item.kind, item.amount) for item in granted] == [("subscription", 500)] * 4


async def test_a_renewal_told_again_under_other_events_brings_nothing_more(shop: Shop):
    customer = await subscriber(shop)
    await renew(shop, customer)
    plan = await customer.subscribed()

    for name in (plan.latest_invoice, plan.id):
        await shop.control.twins(name)
    await shop.hear()

    assert await customer.available() == 1000


async def test_credits_of_a_plan_without_rollover_go_with_their_period(shop: Shop):
    price = await shop.stripe.prices.retrieve_async(await shop.price_id("basic_monthly"))
    await shop.stripe.products.update_async(price.product, {"metadata": {"rollover": "none"}})
    await shop.hear()
    await shop.sync()

    customer = await subscriber(shop)

    [item] = (await customer.subscribed())["items"].data
    assert await lots(customer) == [(500, moment(item.current_period_end))]


async def test_credits_of_a_plan_that_rolls_over_once_last_a_period_longer(shop: Shop):
    customer = await subscriber(shop)

    [item] = (await customer.subscribed())["items"].data
    [(remaining, expires_at)] = await lots(customer)
    end = datetime.fromtimestamp(item.current_period_end, UTC)
    assert remaining == 500
    assert timedelta(days=27) <= datetime.fromisoformat(expires_at) - end <= timedelta(days=32)


async def test_credits_of_a_plan_that_rolls_over_without_limit_stay(shop: Shop):
    customer = await subscriber(shop, "business_monthly")

    assert await lots(customer) == [(2000, None)]


def moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


async def test_a_year_brings_its_credits_by_the_month(shop: Shop):
    customer = await subscriber(shop, "basic_yearly")
    assert await customer.available() == 500

    for months in range(1, 12):
        await shift(shop, 31)
        assert await customer.available() == 500 * (months + 1)
    await shift(shop, 31)

    assert await customer.available() == 6000


async def test_months_that_nobody_claims_hold_up_nobody_elses(shop: Shop):
    customer = await subscriber(shop, "basic_yearly")
    payments = """
        INSERT INTO payments (id, stripe_invoice_id, email, amount_cents, currency, credits, status, created_at)
        SELECT gen_random_uuid(), 'in_' || n, 'nobody@example.com', 100, 'usd', 10, 'paid', now()
        FROM generate_series(1, 200) AS n RETURNING id
    """
    months = """
        INSERT INTO plan_grants (id, key, payment_id, stripe_subscription_id, price_id, amount, status, due_at)
        SELECT gen_random_uuid(), id::text, id, id::text, 'price', 10, 'waiting', now() - interval '1 year'
        FROM unnest(CAST(:ids AS uuid[])) AS id RETURNING id
    """
    unclaimed = [row.id for row in await shop.rows(payments)]
    await shop.rows(months, ids=unclaimed)

    await shift(shop, 31)

    assert await customer.available() == 1000


async def test_a_plans_next_credits_are_told(shop: Shop):
    monthly, yearly = await subscriber(shop), await subscriber(shop, "basic_yearly")

    plan = await monthly.get("/api/billing/subscription")
    assert plan["next_grant_at"] == plan["current_period_end"]
    plan = await yearly.get("/api/billing/subscription")
    assert plan["next_grant_at"] < plan["current_period_end"]
    assert (plan["credits"], plan["interval"]) == (500, "year")
    assert (await yearly.get("/api/credits/summary"))["plan"] == plan


async def test_a_plan_cancelled_at_the_end_of_its_period_keeps_what_it_brought(shop: Shop):
    customer = await subscriber(shop)
    plan = await customer.subscribed()
    await shop.stripe.subscriptions.update_async(plan.id, {"cancel_at_period_end": True})
    await shop.hear()
    seen = await customer.get("/api/billing/subscription")
    assert (seen["cancel_at_period_end"], seen["next_grant_at"]) == (True, None)

    await renew(shop, customer)

    assert (await customer.get("/api/billing/subscription"))["status"] == "none"
    assert await customer.available() == 500


async def test_a_plan_that_is_resumed_goes_on(shop: Shop):
    customer = await subscriber(shop)
    plan = await customer.subscribed()
    for is_cancelled in (True, False):
        await shop.stripe.subscriptions.update_async(
            plan.id, {"cancel_at_period_end": is_cancelled}
        )
        await shop.hear()
        seen = await customer.get("/api/billing/subscription")
        assert (seen["status"], seen["cancel_at_period_end"]) == ("active", is_cancelled)

    await renew(shop, customer)

    assert await customer.available() == 1000


async def test_a_cancelled_year_brings_no_more_months(shop: Shop):
    customer = await subscriber(shop, "basic_yearly")
    await shop.stripe.subscriptions.cancel_async((await customer.subscribed()).id)
    await shop.hear()

    await shift(shop, 62)

    assert await customer.available() == 500


async def test_a_plan_that_was_over_before_its_payment_was_heard_of_brings_what_was_paid(
    shop: Shop,
):
    customer = await shop.customer()
    await customer.buy("basic_yearly", told=False)
    await shop.stripe.subscriptions.cancel_async((await customer.subscribed()).id)

    await shop.hear()

    assert await customer.available() == 500


async def test_of_two_events_of_one_second_neither_is_passed_over(shop: Shop):
    """Stripe tells seconds, and its ids are in no order: what ended may seem to come before what was going on."""
    customer = await subscriber(shop, "basic_yearly")
    [before] = await shop.control.events("customer.subscription.updated")
    await shop.stripe.subscriptions.cancel_async((await customer.subscribed()).id)
    [ended] = await shop.control.events("customer.subscription.deleted")

    await shop.tell([{**ended, "id": f"evt_0000{uuid4().hex}", "created": before["created"]}])

    await shift(shop, 62)
    assert await customer.available() == 500


async def test_a_guest_who_subscribes_gets_an_account_and_its_renewals(shop: Shop):
    guest = shop.guest()

    await guest.buy("basic_monthly")
    customer = shop.account_of(guest)
    assert await customer.available() == 500
    await renew(shop, customer)

    assert await customer.available() == 1000
    assert (await customer.get("/api/billing/subscription"))["status"] == "active"


async def test_a_renewal_of_which_only_the_invoice_is_told_is_granted(shop: Shop):
    customer = await subscriber(shop)
    plan = await customer.subscribed()
    await shop.control.renew(plan.id)
    invoice = (await customer.subscribed()).latest_invoice

    [event] = [
        item
        for item in await shop.control.events("invoice.paid")
        if item["data"]["object"]["id"] == invoice
    ]
    shop.control.mischief.hold = True
    await shop.tell([event])

    assert await customer.available() == 1000


async def test_a_plan_whose_first_bill_is_paid_is_there_before_stripe_says_so(shop: Shop):
    customer = await shop.customer()
    shop.control.mischief.hold = True
    await customer.buy("basic_monthly", told=False)
    shop.break_next("GET /v1/subscriptions/{id}", "broken", times=20)

    await shop.tell(await shop.control.events("invoice.paid"))

    assert await customer.available() == 500
    plan = await customer.get("/api/billing/subscription")
    assert (plan["status"], plan["plan"]) == ("active", "Basic")
    again = await customer.checkout("basic_monthly")
    assert again.json()["code"] == "already_subscribed"


async def test_a_trial_brings_nothing_until_it_is_paid_for(shop: Shop):
    customer = await shop.customer()
    made = await shop.stripe.customers.create_async(
        {"email": customer.email, "metadata": {"user_id": f"usr_{customer.user_id.hex}"}}
    )
    await shop.stripe.payment_methods.attach_async("pm_card_visa", {"customer": made.id})
    method = (await shop.stripe.payment_methods.list_async({"customer": made.id})).data[0]
    await shop.stripe.subscriptions.create_async(
        {
            "customer": made.id,
            "items": [{"price": await shop.price_id("basic_monthly")}],
            "default_payment_method": method.id,
            "trial_period_days": 7,
            "metadata": {"user_id": f"usr_{customer.user_id.hex}"},
        }
    )
    await shop.hear()
    assert await customer.available() == 0

    await renew(shop, customer)

    assert await customer.available() == 500


@pytest.mark.parametrize("percent", [40, 100])
async def test_a_coupon_does_not_change_the_credits(shop: Shop, percent: int):
    coupon = await shop.stripe.coupons.create_async({"percent_off": percent, "duration": "once"})
    await shop.stripe.promotion_codes.create_async(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": f"OFF{percent}"}
    )
    customer = await shop.customer()
    for lookup_key, in_all in (("pack_500", 500), ("basic_monthly", 1000)):
        session = (await customer.checkout(lookup_key)).json()["session_id"]
        payer = Payer(email=customer.email, promotion_code=f"OFF{percent}")
        await shop.control.pay(session, payer)
        await shop.hear()
        assert await customer.available() == in_all
