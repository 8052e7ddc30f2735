"""A plan that is changed: what more is paid for comes, what is taken back is taken off."""

from datetime import UTC, datetime, timedelta

import pytest
from billing_parts import Shop
from buyers import renew, shift, subscriber, switch

from billing.catalogue import Entry
from billing.plans import months_after, parts_of
from billing.shapes import Invoice


async def test_an_upgrade_brings_the_difference_at_once_and_no_more_than_once(shop: Shop):
    customer = await subscriber(shop)

    await switch(shop, customer, "business_monthly")
    assert await customer.available() == 2000
    await renew(shop, customer)

    assert await customer.available() == 4000


async def test_an_upgrade_near_the_end_of_a_period_brings_the_share_that_is_paid_for(shop: Shop):
    customer = await subscriber(shop)
    [item] = (await customer.subscribed())["items"].data
    days = (item.current_period_end - item.current_period_start) / (24 * 3600)
    await shop.control.advance(days=20)

    await switch(shop, customer, "business_monthly")

    assert await customer.available() == pytest.approx(500 + 1500 * (days - 20) / days, abs=1)
    await renew(shop, customer)
    assert await customer.available() == pytest.approx(2500 + 1500 * (days - 20) / days, abs=1)


async def test_an_upgrade_of_a_year_in_a_months_last_minute_brings_all_later_months(shop: Shop):
    customer = await subscriber(shop, "basic_yearly")
    [item] = (await customer.subscribed())["items"].data
    begun = datetime.fromtimestamp(item.current_period_start, UTC)
    month = months_after(begun, 1) - begun
    await shop.control.advance(seconds=int(month.total_seconds()) - 60)

    await switch(shop, customer, "business_yearly")
    assert await customer.available() == 500
    await shift(shop, 31)

    assert await customer.available() == 500 + 2000


async def test_what_a_replaced_plan_brought_is_taken_off_the_new_one(shop: Shop):
    """Business by the month gives way to Basic by the year, and its price comes off that one's."""
    customer = await subscriber(shop, "business_monthly")

    await switch(shop, customer, "basic_yearly")
    assert await customer.available() == 2000
    await shift(shop, 31 * 4)
    assert await customer.available() == 2000 + 500


async def test_going_down_and_up_again_within_a_period_brings_nothing_more(shop: Shop):
    customer = await subscriber(shop)

    for lookup_key in ("business_monthly", "basic_monthly", "business_monthly"):
        await switch(shop, customer, lookup_key)

    assert await customer.available() == 2000
    statuses = {payment.status for payment in await shop.payments(customer)}
    assert statuses == {"granted", "closed"}  # no money arrived with the last: nobody has to look


async def test_more_of_a_plan_brings_more_each_time_and_the_same_once(shop: Shop):
    customer = await subscriber(shop)

    for count, available in ((2, 1000), (3, 1500), (2, 1500), (3, 1500)):
        plan = await customer.subscribed()
        [item] = plan["items"].data
        change = {
            "items": [{"id": item.id, "quantity": count}],
            "proration_behavior": "always_invoice",
        }
        await shop.stripe.subscriptions.update_async(plan.id, change)
        await shop.hear()
        assert await customer.available() == available
        assert (await customer.get("/api/billing/subscription"))["credits"] == count * 500
    assert {payment.status for payment in await shop.payments(customer)} == {"granted", "closed"}


async def test_a_downgrade_takes_nothing_and_counts_from_the_next_period(shop: Shop):
    customer = await subscriber(shop, "business_monthly")

    await switch(shop, customer, "basic_monthly")
    assert await customer.available() == 2000
    await renew(shop, customer)

    assert await customer.available() == 2500


async def test_an_upgrade_of_a_year_brings_the_difference_of_each_month_that_is_left(shop: Shop):
    customer = await subscriber(shop, "basic_yearly")

    await switch(shop, customer, "business_yearly")
    assert await customer.available() == 2000
    await shift(shop, 31)

    assert await customer.available() == 4000


async def test_a_year_that_gives_way_to_months_brings_no_more_months_of_its_own(shop: Shop):
    customer = await subscriber(shop, "basic_yearly")
    await shop.control.advance(days=15)

    await switch(shop, customer, "basic_monthly", proration_behavior="create_prorations")
    before = await customer.available()
    await shift(shop, 31 * 11)

    assert await customer.available() == before


async def test_a_bill_of_nothing_is_a_payment_of_nothing_and_no_difference(shop: Shop):
    customer = await subscriber(shop, "business_monthly")

    await switch(shop, customer, "basic_monthly")

    [paid, nothing] = await shop.payments(customer)
    assert (paid.status, nothing.status, nothing.amount_cents) == ("granted", "closed", 0)
    await shop.reconcile("daily")
    [report] = await shop.rows("SELECT open FROM reconciliations ORDER BY id DESC LIMIT 1")
    assert not [item for item in report.open if str(nothing.stripe_invoice_id) in item]


async def test_a_change_that_is_told_before_its_plan_ends_its_months_too(shop: Shop):
    customer = await shop.customer()
    shop.control.mischief.drop = 1_000_000
    await customer.buy("basic_yearly", told=False)
    await shop.control.advance(days=15)
    await switch(shop, customer, "basic_monthly", proration_behavior="create_prorations")
    assert await customer.available() == 0

    await shop.reconcile("daily")
    await shop.settle()
    before = await customer.available()
    await shift(shop, 31 * 11)

    assert await customer.available() == before > 0


async def test_a_renewal_that_the_customers_balance_pays_is_no_bill_of_nothing(shop: Shop):
    customer = await subscriber(shop, "business_monthly")
    await switch(shop, customer, "basic_monthly")

    await renew(shop, customer)

    [_, _, renewed] = await shop.payments(customer)
    assert (renewed.status, renewed.credits, renewed.amount_cents) == ("granted", 500, 0)


def test_what_is_paid_after_its_time_is_there_for_as_long_again():
    """An upgrade that is charged for on the next bill, in a plan whose credits go with their period."""
    begun, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    entry = Entry(
        *("price_1", "prod_1", None, "Business", "", "plan", 2000, 9900, "usd", "month", None),
        *("none", None, 0, True, None),
    )
    line = {
        "amount": 3500,
        "period": {"start": int(begun.timestamp()), "end": int(end.timestamp())},
        "pricing": {"price_details": {"price": "price_1"}},
        "parent": {"invoice_item_details": {"proration": True}},
    }
    bill = {"id": "in_1", "status": "paid", "currency": "usd", "amount_due": 0, "amount_paid": 3500}
    invoice = Invoice.model_validate({**bill, "created": 1, "lines": {"data": [line]}})
    now = end + timedelta(minutes=5)

    [part] = parts_of(invoice, {"price_1": entry}, now)

    assert (part.amount, part.expires_at) == (2000, months_after(now, 1))
