"""Checkout at the emulator: sessions, and what paying one does."""

import pytest
import stripe
from emulator_parts import Stage

from embedded.emulator.errors import CardDeclined
from embedded.emulator.paying import Payer

ADA = "ada@example.com"
DECLINED = "4000000000000002"


async def test_a_guest_pays_and_every_fact_of_it_is_told_in_order(stage: Stage) -> None:
    session = await stage.session(metadata={"order": "7"})

    await stage.control.pay(session.id, Payer(email=ADA, name="Ada"))

    paid = await stage.v1.checkout.sessions.retrieve_async(
        session.id, {"expand": ["line_items", "payment_intent.latest_charge"]}
    )
    assert (paid.status, paid.payment_status, paid.amount_total) == ("complete", "paid", 3900)
    assert (paid.customer, paid.customer_details.email, paid.url) == (None, ADA, None)
    assert paid.metadata.to_dict() == {"order": "7"}
    assert paid.line_items.data[0].price.lookup_key == "pack_500"
    assert paid.payment_intent.latest_charge.payment_method_details.card.last4 == "4242"
    assert await stage.happened() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


async def test_a_guest_becomes_a_customer_where_the_session_says_always(stage: Stage) -> None:
    session = await stage.session(customer_creation="always")

    paid = await stage.control.pay(session.id, Payer(email=ADA))

    customer = await stage.v1.customers.retrieve_async(paid["customer"])
    assert customer.email == ADA
    assert (await stage.happened())[0] == "customer.created"


async def test_a_declined_card_leaves_the_session_open_for_another_one(stage: Stage) -> None:
    session = await stage.session()

    with pytest.raises(CardDeclined, match="Your card was declined"):
        await stage.control.pay(session.id, Payer(DECLINED, email=ADA))
    paid = await stage.control.pay(session.id, Payer(email=ADA))

    assert paid["payment_status"] == "paid"
    assert await stage.happened() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


async def test_a_session_is_paid_at_most_once(stage: Stage) -> None:
    session = await stage.session()
    await stage.control.pay(session.id, Payer(email=ADA))

    with pytest.raises(Exception, match="can no longer be paid"):
        await stage.control.pay(session.id, Payer(email=ADA))


async def test_a_coupon_that_takes_everything_off_needs_no_payment(stage: Stage) -> None:
    await stage.v1.coupons.create_async({"id": "FREE", "percent_off": 100, "duration": "once"})
    await stage.v1.promotion_codes.create_async(
        {"promotion": {"type": "coupon", "coupon": "FREE"}, "code": "GIFT"}
    )
    session = await stage.session(allow_promotion_codes=True)

    paid = await stage.control.pay(session.id, Payer(email=ADA, promotion_code="gift"))

    assert (paid["payment_status"], paid["amount_total"]) == ("no_payment_required", 0)
    assert (paid["amount_subtotal"], paid["total_details"]["amount_discount"]) == (3900, 3900)
    assert paid["payment_intent"] is None
    assert paid["customer"] is not None


async def test_a_bank_debit_arrives_days_after_the_session_is_complete(stage: Stage) -> None:
    session = await stage.session()

    begun = await stage.control.pay(session.id, Payer("pm_usBankAccount_success", email=ADA))
    await stage.control.advance(days=5)

    assert (begun["status"], begun["payment_status"]) == ("complete", "unpaid")
    paid = await stage.v1.checkout.sessions.retrieve_async(session.id)
    assert paid.payment_status == "paid"
    assert (await stage.happened())[-1] == "checkout.session.async_payment_succeeded"


async def test_a_bank_debit_may_fail_days_later(stage: Stage) -> None:
    session = await stage.session()

    await stage.control.pay(session.id, Payer("pm_usBankAccount_insufficientFunds", email=ADA))
    await stage.control.advance(days=5)

    failed = await stage.v1.checkout.sessions.retrieve_async(session.id)
    assert failed.payment_status == "unpaid"
    assert (await stage.happened())[-1] == "checkout.session.async_payment_failed"


async def test_a_session_ends_when_its_time_is_over(stage: Stage) -> None:
    session = await stage.session()

    await stage.control.advance(days=1)

    ended = await stage.v1.checkout.sessions.retrieve_async(session.id)
    assert (ended.status, ended.url) == ("expired", None)
    assert (await stage.happened())[-1] == "checkout.session.expired"


async def test_only_an_open_session_can_be_ended_early(stage: Stage) -> None:
    session = await stage.session()
    await stage.v1.checkout.sessions.expire_async(session.id)

    with pytest.raises(stripe.InvalidRequestError, match="status of"):
        await stage.v1.checkout.sessions.expire_async(session.id)


async def test_sessions_are_found_by_customer_and_status(stage: Stage) -> None:
    customer = await stage.v1.customers.create_async({"email": ADA})
    first = await stage.session(customer=customer.id)
    await stage.session()
    await stage.control.pay(first.id)

    found = await stage.v1.checkout.sessions.list_async(
        {"customer": customer.id, "status": "complete"}
    )

    assert [one.id for one in found.data] == [first.id]


@pytest.mark.parametrize(
    ("changed", "param", "words"),
    [
        ({"success_url": "nowhere"}, "success_url", "Not a valid URL"),
        ({"customer": "cus_nobody"}, "customer", "No such customer"),
        ({"expires_at": 1}, "expires_at", "at least 30 minutes"),
        ({"expires_at": 9_999_999_999}, "expires_at", "less than 24 hours"),
        ({"mode": "subscription"}, "mode", "at least one recurring price"),
        ({"line_items": []}, "line_items", "Missing required param"),
        ({"line_items": [{"quantity": 1}]}, "line_items[0][price]", "Missing required param"),
        ({"subscription_data": {"description": "x"}}, "subscription_data", "`payment` mode"),
        ({"customer_email": "nobody"}, "customer_email", "Invalid email"),
        ({"nonsense": 1}, "nonsense", "unknown parameter"),
        ({"shipping_options": [{"shipping_rate": "x"}]}, "shipping_options", "emulator"),
    ],
)
async def test_a_session_that_makes_no_sense_is_refused_as_stripe_does(
    stage: Stage, changed: dict[str, object], param: str, words: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=words) as refusal:
        await stage.session(**changed)

    assert refusal.value.param == param
    assert refusal.value.http_status == 400
