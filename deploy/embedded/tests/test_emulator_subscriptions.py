"""Subscriptions at the emulator: how they begin, renew, fall behind and end."""

from typing import Any

import pytest
import stripe
from emulator_parts import ADA, Stage, day, refreshed, subscribed

from embedded.emulator.errors import CardDeclined
from embedded.emulator.paying import Payer


async def switch_card(stage: Stage, subscription: Any, token: str) -> None:
    method = await stage.v1.payment_methods.attach_async(token, {"customer": subscription.customer})
    await stage.v1.subscriptions.update_async(
        subscription.id, {"default_payment_method": method.id}
    )


FAILS_LATER = "pm_card_chargeCustomerFail"


async def test_a_checkout_begins_a_subscription_and_every_fact_is_told_in_order(
    stage: Stage,
) -> None:
    subscription = await subscribed(stage)

    item = subscription["items"].data[0]
    assert subscription.status == "active"
    assert (day(item.current_period_start), day(item.current_period_end)) == (
        "2027-01-31",
        "2027-02-28",
    )
    assert await stage.happened() == [
        "customer.created",
        "payment_method.attached",
        "customer.updated",
        "invoice.created",
        "customer.subscription.created",
        "invoice.finalized",
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.updated",
        "invoice_payment.paid",
        "invoice.paid",
        "invoice.payment_succeeded",
        "customer.subscription.updated",
        "checkout.session.completed",
    ]


async def test_the_first_invoice_names_its_subscription_price_and_payment(stage: Stage) -> None:
    subscription = await subscribed(stage)

    invoice = await stage.v1.invoices.retrieve_async(
        subscription.latest_invoice, {"expand": ["payments.data.payment.payment_intent"]}
    )
    [line] = invoice.lines.data
    [payment] = invoice.payments.data
    assert invoice.billing_reason == "subscription_create"
    assert invoice.parent.subscription_details.subscription == subscription.id
    assert (invoice.status, invoice.amount_paid, invoice.number[-5:]) == ("paid", 2900, "-0001")
    assert line.parent.subscription_item_details.subscription == subscription.id
    assert line.pricing.price_details.price == subscription["items"].data[0].price.id
    assert (day(line.period.start), day(line.period.end)) == ("2027-01-31", "2027-02-28")
    found = await stage.v1.invoice_payments.list_async(
        {
            "payment": {
                "type": "payment_intent",
                "payment_intent": payment.payment.payment_intent.id,
            }
        }
    )
    assert [one.invoice for one in found.data] == [invoice.id]


async def test_months_that_are_too_short_do_not_move_the_day_for_good(stage: Stage) -> None:
    subscription = await subscribed(stage)

    await stage.control.advance(days=130)

    invoices = await stage.v1.invoices.list_async({"subscription": subscription.id})
    starts = [day(invoice.lines.data[0].period.start) for invoice in reversed(invoices.data)]
    assert starts == ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]
    assert [invoice.status for invoice in invoices.data] == ["paid"] * 5


async def test_a_renewal_is_a_draft_for_an_hour(stage: Stage) -> None:
    subscription = await subscribed(stage)

    await stage.control.advance(days=28)
    draft = await refreshed(stage, subscription)
    await stage.control.advance(seconds=3600)
    paid = await refreshed(stage, subscription)

    assert (draft.latest_invoice.status, paid.latest_invoice.status) == ("draft", "paid")
    assert paid.latest_invoice.billing_reason == "subscription_cycle"
    assert day(paid.latest_invoice.period_start) == "2027-01-31"


async def test_a_renewal_is_announced_a_week_before(stage: Stage) -> None:
    await subscribed(stage)

    await stage.control.advance(days=22)

    assert (await stage.happened())[-1] == "invoice.upcoming"


async def test_a_yearly_plan_renews_after_a_year(stage: Stage) -> None:
    subscription = await subscribed(stage, "basic_yearly")

    await stage.control.advance(days=366)

    invoices = await stage.v1.invoices.list_async({"subscription": subscription.id})
    assert [invoice.amount_paid for invoice in invoices.data] == [29000, 29000]


async def test_a_failed_renewal_is_tried_again_and_then_ends_the_subscription(
    stage: Stage,
) -> None:
    subscription = await subscribed(stage)
    await switch_card(stage, subscription, FAILS_LATER)

    await stage.control.advance(days=29)
    behind = await refreshed(stage, subscription)
    await stage.control.advance(days=16)
    over = await refreshed(stage, subscription)

    assert behind.status == "past_due"
    assert behind.latest_invoice.attempt_count == 1
    assert behind.latest_invoice.next_payment_attempt is not None
    assert over.status == "canceled"
    assert over.cancellation_details.reason == "payment_failed"
    assert (over.latest_invoice.status, over.latest_invoice.attempt_count) == ("open", 4)
    assert (await stage.happened()).count("invoice.payment_failed") == 4


async def test_a_failed_renewal_may_leave_the_subscription_unpaid_instead(stage: Stage) -> None:
    subscription = await subscribed(stage)
    await switch_card(stage, subscription, FAILS_LATER)
    await stage.control.end_dunning_with("unpaid")

    await stage.control.advance(days=45)

    assert (await refreshed(stage, subscription)).status == "unpaid"


async def test_a_better_card_brings_a_subscription_back(stage: Stage) -> None:
    subscription = await subscribed(stage)
    await switch_card(stage, subscription, FAILS_LATER)
    await stage.control.advance(days=29)
    await switch_card(stage, subscription, "pm_card_visa")

    await stage.control.advance(days=4)

    again = await refreshed(stage, subscription)
    assert (again.status, again.latest_invoice.status) == ("active", "paid")


async def test_an_open_invoice_can_be_paid_by_hand(stage: Stage) -> None:
    subscription = await subscribed(stage)
    await switch_card(stage, subscription, FAILS_LATER)
    await stage.control.advance(days=29)
    behind = await refreshed(stage, subscription)

    with pytest.raises(stripe.CardError):
        await stage.v1.invoices.pay_async(behind.latest_invoice.id)
    paid = await stage.v1.invoices.pay_async(
        behind.latest_invoice.id, {"payment_method": "pm_card_visa"}
    )

    assert paid.status == "paid"
    assert (await refreshed(stage, subscription)).status == "active"


async def test_one_payment_can_be_told_to_fail(stage: Stage) -> None:
    subscription = await subscribed(stage)
    await stage.control.fail_next(subscription.customer)

    await stage.control.advance(days=29)
    behind = await refreshed(stage, subscription)
    await stage.control.advance(days=4)

    assert behind.status == "past_due"
    assert (await refreshed(stage, subscription)).status == "active"


async def test_a_subscription_ends_with_its_period_unless_that_is_taken_back(
    stage: Stage,
) -> None:
    kept, ended = await subscribed(stage), await subscribed(stage)
    for one in (kept, ended):
        await stage.v1.subscriptions.update_async(one.id, {"cancel_at_period_end": True})
    await stage.v1.subscriptions.update_async(kept.id, {"cancel_at_period_end": False})

    await stage.control.advance(days=29)

    assert (await refreshed(stage, kept)).status == "active"
    over = await refreshed(stage, ended)
    assert (over.status, day(over.ended_at)) == ("canceled", "2027-02-28")
    assert (await stage.happened()).count("customer.subscription.deleted") == 1


async def test_a_subscription_that_was_cancelled_is_cancelled_once(stage: Stage) -> None:
    subscription = await subscribed(stage)
    over = await stage.v1.subscriptions.cancel_async(subscription.id)

    with pytest.raises(stripe.InvalidRequestError) as refusal:
        await stage.v1.subscriptions.cancel_async(subscription.id)

    assert over.status == "canceled"
    assert refusal.value.http_status == 404


async def test_a_trial_costs_nothing_until_it_ends(stage: Stage) -> None:
    session = await stage.session("basic_monthly", subscription_data={"trial_period_days": 7})
    paid = await stage.control.pay(session.id, Payer(email=ADA))
    trial = await stage.v1.subscriptions.retrieve_async(paid["subscription"])

    await stage.control.advance(days=8)

    assert (paid["payment_status"], trial.status) == ("no_payment_required", "trialing")
    now = await refreshed(stage, trial)
    assert (now.status, now.latest_invoice.amount_paid) == ("active", 2900)
    assert "customer.subscription.trial_will_end" in await stage.happened()


@pytest.mark.parametrize(("instead", "status"), [("cancel", "canceled"), ("pause", "paused")])
async def test_a_trial_without_a_card_ends_as_it_was_told_to(
    stage: Stage, instead: str, status: str
) -> None:
    customer = await stage.v1.customers.create_async({"email": ADA})
    price = await stage.price("basic_monthly")
    trial = await stage.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "trial_period_days": 3,
            "trial_settings": {"end_behavior": {"missing_payment_method": instead}},
        }
    )

    await stage.control.advance(days=4)

    assert (await refreshed(stage, trial)).status == status


async def test_a_first_payment_that_fails_leaves_a_subscription_incomplete_for_a_day(
    stage: Stage,
) -> None:
    customer = await stage.v1.customers.create_async({"email": ADA})
    method = await stage.v1.payment_methods.attach_async(FAILS_LATER, {"customer": customer.id})
    price = await stage.price("basic_monthly")

    begun = await stage.v1.subscriptions.create_async(
        {
            "customer": customer.id,
            "items": [{"price": price.id}],
            "default_payment_method": method.id,
        }
    )
    await stage.control.advance(days=1)

    assert begun.status == "incomplete"
    over = await refreshed(stage, begun)
    assert (over.status, over.latest_invoice.status) == ("incomplete_expired", "void")


async def test_a_first_payment_that_fails_may_undo_everything(stage: Stage) -> None:
    customer = await stage.v1.customers.create_async({"email": ADA})
    method = await stage.v1.payment_methods.attach_async(FAILS_LATER, {"customer": customer.id})
    price = await stage.price("basic_monthly")

    with pytest.raises(stripe.CardError):
        await stage.v1.subscriptions.create_async(
            {
                "customer": customer.id,
                "items": [{"price": price.id}],
                "default_payment_method": method.id,
                "payment_behavior": "error_if_incomplete",
            }
        )

    everything = await stage.v1.subscriptions.list_async({"status": "all"})
    assert everything.data == []


async def test_a_declined_card_at_checkout_leaves_the_same_subscription_to_be_paid(
    stage: Stage,
) -> None:
    session = await stage.session("basic_monthly")
    with pytest.raises(CardDeclined):
        await stage.control.pay(session.id, Payer(FAILS_LATER, email=ADA))

    paid = await stage.control.pay(session.id, Payer(email=ADA))

    everything = await stage.v1.subscriptions.list_async({"status": "all"})
    assert [one.id for one in everything.data] == [paid["subscription"]]
    assert paid["payment_status"] == "paid"


async def test_a_bank_debit_keeps_the_subscription_until_it_fails(stage: Stage) -> None:
    session = await stage.session("basic_monthly")
    begun = await stage.control.pay(
        session.id, Payer("pm_usBankAccount_insufficientFunds", email=ADA)
    )
    before = await stage.v1.subscriptions.retrieve_async(begun["subscription"])

    await stage.control.advance(days=5)

    assert (begun["status"], begun["payment_status"], before.status) == (
        "complete",
        "unpaid",
        "active",
    )
    assert (await refreshed(stage, before)).status == "past_due"


async def test_a_customer_who_is_deleted_pays_for_nothing_any_more(stage: Stage) -> None:
    subscription = await subscribed(stage)
    await stage.control.advance(days=28)
    await stage.v1.customers.delete_async(subscription.customer)

    await stage.control.advance(days=60)

    over = await refreshed(stage, subscription)
    assert (over.status, over.latest_invoice.status) == ("canceled", "draft")
