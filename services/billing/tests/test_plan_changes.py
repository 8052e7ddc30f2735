"""A plan that is changed: what more is paid for comes, what is taken back is taken off."""

from datetime import UTC, datetime

import pytest
from billing_parts import Shop
from buyers import renew, shift, subscriber, switch

from billing.plans import months_after


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
