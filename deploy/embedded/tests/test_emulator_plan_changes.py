"""Subscriptions at the emulator that change: prices, items, coupons, and what that costs."""

from typing import Any

from emulator_parts import ADA, Stage, day, refreshed, subscribed

from embedded.emulator.paying import Payer


async def test_an_upgrade_is_invoiced_at_once_for_the_rest_of_the_period(stage: Stage) -> None:
    subscription = await subscribed(stage)
    business = await stage.price("business_monthly")
    await stage.control.advance(days=14)

    changed = await stage.v1.subscriptions.update_async(
        subscription.id,
        {
            "items": [{"id": subscription["items"].data[0].id, "price": business.id}],
            "proration_behavior": "always_invoice",
            "expand": ["latest_invoice"],
        },
    )

    credit, debit = changed.latest_invoice.lines.data
    assert changed["items"].data[0].price.id == business.id
    assert changed.latest_invoice.billing_reason == "subscription_update"
    assert (credit.amount, debit.amount) == (-1450, 4950)
    assert credit.parent.invoice_item_details.proration is True
    assert (changed.latest_invoice.status, changed.latest_invoice.amount_paid) == ("paid", 3500)
    updated = (await stage.control.events("customer.subscription.updated"))[-1]
    assert "items" in updated["data"]["previous_attributes"]


async def test_a_change_with_prorations_waits_for_the_next_invoice(stage: Stage) -> None:
    subscription = await subscribed(stage)
    business = await stage.price("business_monthly")
    await stage.control.advance(days=14)
    await stage.v1.subscriptions.update_async(
        subscription.id,
        {"items": [{"id": subscription["items"].data[0].id, "price": business.id}]},
    )

    await stage.control.advance(days=15)

    renewed = await refreshed(stage, subscription)
    assert [line.amount for line in renewed.latest_invoice.lines.data] == [-1450, 4950, 9900]


async def test_a_downgrade_at_once_is_credit_for_the_next_invoices(stage: Stage) -> None:
    subscription = await subscribed(stage, "business_monthly")
    basic = await stage.price("basic_monthly")
    await stage.control.advance(days=14)
    await stage.v1.subscriptions.update_async(
        subscription.id,
        {
            "items": [{"id": subscription["items"].data[0].id, "price": basic.id}],
            "proration_behavior": "always_invoice",
        },
    )
    customer = await stage.v1.customers.retrieve_async(subscription.customer)

    await stage.control.advance(days=15)

    assert customer.balance == -3500
    renewed = await refreshed(stage, subscription)
    assert (renewed.latest_invoice.total, renewed.latest_invoice.amount_due) == (2900, 0)
    assert renewed.latest_invoice.ending_balance == -600


async def test_another_interval_begins_a_new_period_now(stage: Stage) -> None:
    subscription = await subscribed(stage)
    yearly = await stage.price("basic_yearly")
    await stage.control.advance(days=14)

    changed = await stage.v1.subscriptions.update_async(
        subscription.id,
        {
            "items": [{"id": subscription["items"].data[0].id, "price": yearly.id}],
            "expand": ["latest_invoice"],
        },
    )

    assert day(changed["items"].data[0].current_period_end) == "2028-02-14"
    assert [line.amount for line in changed.latest_invoice.lines.data] == [-1450, 29000]


async def test_a_preview_says_what_a_change_would_cost_and_changes_nothing(stage: Stage) -> None:
    subscription = await subscribed(stage)
    business = await stage.price("business_monthly")
    await stage.control.advance(days=14)
    count = len(await stage.happened())

    preview = await stage.v1.invoices.create_preview_async(
        {
            "subscription": subscription.id,
            "subscription_details": {
                "items": [{"id": subscription["items"].data[0].id, "price": business.id}],
                "proration_behavior": "always_invoice",
            },
        }
    )

    assert preview.total == 3500
    assert len(await stage.happened()) == count
    assert (await refreshed(stage, subscription))["items"].data[0].price.unit_amount == 2900


async def test_a_coupon_for_ever_counts_in_every_period(stage: Stage) -> None:
    await stage.v1.coupons.create_async({"id": "HALF", "percent_off": 50, "duration": "forever"})
    session = await stage.session("basic_monthly", discounts=[{"coupon": "HALF"}])
    paid = await stage.control.pay(session.id, Payer(email=ADA))

    await stage.control.advance(days=29)

    invoices = await stage.v1.invoices.list_async({"subscription": paid["subscription"]})
    assert [invoice.amount_paid for invoice in invoices.data] == [1450, 1450]
    assert invoices.data[0].total_discount_amounts[0].amount == 1450


async def test_items_can_be_added_changed_and_removed_by_themselves(stage: Stage) -> None:
    subscription = await subscribed(stage)
    business = await stage.price("business_monthly")

    added = await stage.v1.subscription_items.create_async(
        {"subscription": subscription.id, "price": business.id}
    )
    changed = await stage.v1.subscription_items.update_async(added.id, {"quantity": 3})
    await stage.v1.subscription_items.delete_async(added.id)

    assert changed.quantity == 3
    left = await stage.v1.subscription_items.list_async({"subscription": subscription.id})
    assert len(left.data) == 1


async def test_a_coupon_for_once_counts_once_even_where_it_is_deleted_meanwhile(
    stage: Stage,
) -> None:
    for coupon in ("ONCE", "EVER"):
        duration: Any = "once" if coupon == "ONCE" else "forever"
        await stage.v1.coupons.create_async({"id": coupon, "percent_off": 50, "duration": duration})
        session = await stage.session("basic_monthly", discounts=[{"coupon": coupon}])
        await stage.control.pay(session.id, Payer(email=ADA))
        assert (await stage.v1.coupons.retrieve_async(coupon)).times_redeemed == 1
        await stage.v1.coupons.delete_async(coupon)

    await stage.control.advance(days=29)

    invoices = await stage.v1.invoices.list_async({"limit": 10})
    assert sorted(invoice.amount_paid for invoice in invoices.data) == [1450, 1450, 1450, 2900]
