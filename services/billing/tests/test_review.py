"""Payments in review: a person decides what they buy, and then they are payments like any other."""

from billing_parts import OPERATOR, Customer, Shop
from buyers import subscriber

from shared.ids import public


async def in_review(shop: Shop, customer: Customer) -> tuple[str, str]:
    """Have somebody pay ten euros for nothing that we sell; return the payment and its session."""
    link = await shop.favour("eur")
    session = await shop.pay_link(link.id, customer)
    path = f"/api/admin/payments?status=review&email={customer.email}"
    [payment] = (await shop.operate("GET", path)).json()["payments"]
    return payment["id"], session


async def decide(shop: Shop, payment_id: str, **body: object):
    path = f"/api/admin/payments/{payment_id}/close"
    return await shop.operate("POST", path, json={"reason": "ten euros are 1,000", **body})


async def test_a_stranger_gets_an_account_with_the_credits_that_a_person_decided_on(shop: Shop):
    guest = shop.guest()
    payment_id, session = await in_review(shop, guest)
    seen = await guest.progress(session)
    assert (seen["waits_for"], seen["credits"], seen["granted"]) == ("review", 0, False)

    answer = await decide(shop, payment_id, credits=1000)
    await shop.settle()

    assert answer.status_code == 200
    assert await shop.account_of(guest).available() == 1000
    seen = await guest.progress(session)
    assert (seen["waits_for"], seen["credits"], seen["account"]) == (None, 1000, "new")


async def test_what_a_person_decided_on_goes_back_with_its_money(shop: Shop):
    customer = shop.guest()
    payment_id, _ = await in_review(shop, customer)
    await decide(shop, payment_id, credits=1000)
    await shop.settle()
    shop.account_of(customer)
    [payment] = await shop.payments(customer)

    await shop.refund(payment, 400)
    assert await customer.available() == 600
    await shop.refund(payment)

    assert await customer.available() == 0


async def test_a_bill_that_no_rule_knows_brings_what_a_person_decided_on(shop: Shop):
    customer = await subscriber(shop)
    plan = await customer.subscribed()
    [item] = plan["items"].data
    price = await shop.stripe.prices.create_async(
        {
            "currency": "usd",
            "unit_amount": 9900,
            "product": item.price.product,
            "recurring": {"interval": "month"},
        }
    )
    change = {"items": [{"id": item.id, "price": price.id}], "proration_behavior": "always_invoice"}
    await shop.stripe.subscriptions.update_async(plan.id, change)  # dearer, and no more credits
    await shop.hear()
    [_, unknown] = await shop.payments(customer)
    assert unknown.status == "review"

    await decide(shop, public("pay", unknown.id), credits=70)
    await shop.settle()

    assert await customer.available() == 570
    [_, decided] = await shop.payments(customer)
    assert (decided.status, decided.credits) == ("granted", 70)


async def test_what_a_person_closed_stays_closed_when_its_price_is_sold_later(shop: Shop):
    customer = await shop.customer()
    payment_id, _ = await in_review(shop, customer)
    assert (await decide(shop, payment_id)).json()["status"] == "closed"
    favour = (await shop.stripe.products.list_async()).data[0]
    assert favour.name == "A favour"
    sold = {"metadata": {"includedCredits": "1000"}}
    await shop.stripe.products.update_async(favour.id, sold)
    await shop.sync()

    await shop.reconcile("daily")
    await shop.settle()

    path = f"/api/admin/payments?email={customer.email}"
    [payment] = (await shop.operate("GET", path)).json()["payments"]
    assert (payment["status"], payment["note"].split(": ")[-1]) == ("closed", "ten euros are 1,000")
    assert await customer.available() == 0


async def test_a_decision_is_made_once_and_needs_a_payer(shop: Shop):
    guest = shop.guest()
    payment_id, _ = await in_review(shop, guest)
    assert (await decide(shop, payment_id, credits=-1)).status_code == 422
    assert (await decide(shop, payment_id, credits=1.5)).status_code == 422
    await shop.rows("UPDATE payments SET email = NULL WHERE status = 'review' RETURNING id")
    refused = await decide(shop, payment_id, credits=5)
    assert (refused.status_code, "give its money back" in refused.json()["detail"]) == (422, True)

    assert (await decide(shop, payment_id)).json()["status"] == "closed"

    again = await decide(shop, payment_id, credits=5)
    assert (again.status_code, again.json()["code"]) == (409, "not_in_review")


async def test_the_success_page_says_that_the_payer_has_to_confirm_their_address(shop: Shop):
    """Somebody signed up with it and never confirmed it: a guest's payment is not theirs before they do."""
    customer = await shop.customer()
    guest = Customer(shop, customer.email)
    answer = await guest.checkout("pack_100")
    session_id = answer.json()["session_id"]
    await shop.control.pay(session_id)
    await shop.control.deliver()
    await shop.billing.work()

    seen = await guest.progress(session_id)

    assert (seen["waits_for"], seen["granted"], seen["payment_status"]) == (
        "address",
        False,
        "paid",
    )


async def test_what_an_operator_gives_says_why_and_operators_see_who(shop: Shop):
    customer = await shop.customer()
    body = {"user_id": public("usr", customer.user_id), "amount": 5, "reason": "sorry"}
    headers = {**OPERATOR, "idempotency-key": "a-header-of-a-grant"}

    first = await shop.http.post("/api/credits/grant", json=body, headers=headers)
    again = await shop.http.post("/api/credits/grant", json=body, headers=headers)
    other = {**body, "reason": "not sorry"}
    conflict = await shop.http.post("/api/credits/grant", json=other, headers=headers)
    two = {**body, "idempotency_key": "another"}
    refused = await shop.http.post("/api/credits/grant", json=two, headers=headers)
    none = await shop.http.post("/api/credits/grant", json=body, headers=OPERATOR)

    answers = (first, again, conflict, refused, none)
    assert [answer.status_code for answer in answers] == [201, 200, 409, 422, 422]
    assert first.json()["description"] == "sorry"
    grants = (await shop.operate("GET", "/api/admin/grants")).json()["grants"]
    assert (grants[0]["reason"], grants[0]["ordered_by"]) == ("sorry", "admin-key")
    assert grants[0]["user_id"] == body["user_id"]
