"""J3 and J8 at Stripe's own pages: packs, plans and their renewals, and money that goes back."""

from typing import Any
from uuid import uuid4

import pytest

from shared.testing import eventually
from tests.flows.product import Customer, Product
from tests.flows.stripe import Stripe


async def plan_is(customer: Customer, status: str) -> Any:
    """Wait until the customer's plan stands so; return it."""
    found: dict[str, Any] = {}

    async def is_so() -> bool:
        found.update(await customer.get("/api/billing/subscription"))
        return found["status"] == status

    await eventually(is_so, what=f"a plan that is {status}")
    return found


@pytest.fixture
def stripe(product: Product) -> Stripe:
    return Stripe(product)


async def test_a_pack_is_bought_at_its_page_and_the_success_page_tells_all_of_it(
    product: Product, stripe: Stripe
):
    customer = await product.customer()
    page = await stripe.page(customer, "500 credits")
    assert await stripe.page(customer, "500 credits") == page
    assert (await product.http.get(page["url"])).status_code == 200
    assert (await stripe.progress(page["session_id"]))["status"] == "open"

    await stripe.act("pay", session_id=page["session_id"], email=customer.address)
    await customer.credits_are(500)

    async def is_mailed() -> bool:
        return (await stripe.progress(page["session_id"]))["email_state"] == "sent"

    await eventually(is_mailed, what="the mail that the success page tells of")
    told = await stripe.progress(page["session_id"])
    assert (told["status"], told["payment_status"]) == ("complete", "paid")
    assert (told["credits"], told["granted"], told["account"]) == (500, True, "existing")
    await product.mail(customer.address, "added")


async def test_a_guest_pays_and_claims_the_account_where_the_payment_ended(
    product: Product, stripe: Stripe
):
    guest = Customer(product, f"{uuid4().hex}@example.com")
    page = await stripe.page(guest, "100 credits")
    await stripe.act("pay", session_id=page["session_id"], email=guest.address)

    async def is_granted() -> bool:
        return (await stripe.progress(page["session_id"]))["granted"]

    await eventually(is_granted, what="the credits of the guest's payment")
    body = {"session_id": page["session_id"], "password": guest.password}
    guest.take(await product.http.post("/api/auth/claim", json=body))

    assert (await stripe.progress(page["session_id"]))["account"] == "new"
    await guest.credits_are(100)


async def test_a_payment_that_no_webhook_tells_of_is_completed_by_its_success_page(
    product: Product, stripe: Stripe
):
    customer = await product.customer()
    await stripe.act("hold")
    try:
        session = await stripe.buy(customer, "500 credits")
        told = await stripe.progress(session["id"])
        assert (told["payment_status"], told["status"]) == ("paid", "complete")
        await customer.credits_are(500)
    finally:
        await stripe.act("release")
        await stripe.act("mend")


async def test_a_plan_brings_its_credits_each_period_until_it_is_cancelled(
    product: Product, stripe: Stripe
):
    customer = await product.customer()
    session = await stripe.buy(customer, "Basic")
    await customer.credits_are(500)
    plan = await plan_is(customer, "active")
    assert (plan["plan"], plan["credits"]) == ("Basic", 500)
    assert (await customer.get("/api/credits/summary"))["plan"] == plan

    await stripe.act("renew", subscription_id=session["subscription"])
    await customer.credits_are(1000)
    assert len((await customer.get("/api/billing/invoices"))["invoices"]) == 2
    portal = (await customer.post("/api/billing/portal-link")).json()
    assert (await product.http.get(portal["url"])).status_code == 200
    await stripe.act("cancel", subscription_id=session["subscription"])

    await plan_is(customer, "none")
    await customer.credits_are(1000)


async def test_a_renewal_that_fails_is_mailed_and_brings_its_credits_when_it_is_paid(
    product: Product, stripe: Stripe
):
    customer = await product.customer()
    session = await stripe.buy(customer, "Business")
    await customer.credits_are(2000)

    await stripe.act("fail_next", customer_id=session["customer"])
    await stripe.act("renew", subscription_id=session["subscription"])
    await product.mail(customer.address, "payment")
    assert (await plan_is(customer, "past_due"))["grace_until"] is not None
    await stripe.act("advance_to_next")

    await customer.credits_are(4000)
    assert (await plan_is(customer, "active"))["grace_until"] is None


async def test_money_that_went_back_at_stripe_takes_its_credits(product: Product, stripe: Stripe):
    customer = await product.customer()
    await stripe.buy(customer, "500 credits")
    await customer.credits_are(500)
    [charge] = await stripe.charges(customer.address)

    await stripe.act("refund", charge_id=charge["id"], amount=780)
    await customer.credits_are(400)
    dispute = await stripe.act("dispute", charge_id=charge["id"])
    await customer.credits_are(0)
    await stripe.act("end_dispute", dispute_id=dispute["id"], outcome="won")

    await customer.credits_are(400)
    lines = (await customer.get("/api/credits/transactions"))["transactions"]
    assert {line["kind"] for line in lines} >= {"purchase", "refund", "dispute", "reinstatement"}


async def test_an_operator_gives_money_back_and_everybody_hears_of_it(
    product: Product, stripe: Stripe
):
    customer = await product.customer()
    await stripe.buy(customer, "500 credits")
    summary = await customer.credits_are(500)
    payment_id = summary["lots"][0]["payment_id"]

    async def ask(path: str, **body: object) -> dict[str, object]:
        headers = {**product.admin, "Idempotency-Key": uuid4().hex}
        answer = await product.http.post(path, json=body, headers=headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    asked = await ask(f"/api/admin/payments/{payment_id}/refunds", reason="not what was wanted")
    await ask(f"/api/admin/refunds/{asked['id']}/approve")
    await customer.credits_are(0)

    async def is_made() -> bool:
        path = f"/api/admin/refunds?payment_id={payment_id}"
        listed = (await product.http.get(path, headers=product.admin)).json()
        return [item["status"] for item in listed["refunds"]] == ["made"]

    await eventually(is_made, what="the refund at Stripe")
    await product.mail(customer.address, "refunded")


async def test_the_books_agree_with_stripe(product: Product):
    async def agree() -> bool:
        books = (await product.http.get("/api/admin/books", headers=product.admin)).json()
        section = books["sections"]["stripe"]
        return (section["state"], section["open"]) == ("well", [])

    answer = await product.http.post("/api/admin/reconcile", headers=product.admin)
    assert answer.status_code == 202
    await eventually(agree, what="books that agree with Stripe")
