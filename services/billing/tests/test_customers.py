"""Customers at Stripe: one for each account, whoever is first; and their portal and bills."""

import asyncio
from uuid import uuid4

from billing_parts import Shop, user

from shared.contracts.users import UserEmailVerified


async def at_stripe(shop: Shop) -> list[str]:
    return [item.id for item in (await shop.stripe.customers.list_async({"limit": 100})).data]


async def test_all_that_an_account_buys_is_bought_by_one_customer(shop: Shop):
    customer = await shop.customer()

    await asyncio.gather(
        *(customer.checkout(name) for name in ("pack_100", "pack_500", "basic_monthly"))
    )
    for name in ("pack_100", "basic_monthly"):
        await customer.buy(name)

    [only] = await at_stripe(shop)
    found = await shop.stripe.customers.retrieve_async(only)
    assert (found.email, found.metadata.user_id) == (customer.email, user(customer))


async def test_a_customer_that_carries_the_users_id_already_is_found(shop: Shop):
    customer = await shop.customer()
    made = await shop.stripe.customers.create_async(
        {"email": customer.email, "metadata": {"user_id": user(customer)}}
    )

    await customer.buy("pack_100")

    assert await at_stripe(shop) == [made.id]


async def test_a_guests_customer_becomes_that_of_the_account(shop: Shop):
    guest = shop.guest()
    await guest.buy("pack_100")
    customer = shop.account_of(guest)

    await customer.buy("pack_500")
    await shop.settle()

    [only] = await at_stripe(shop)
    found = await shop.stripe.customers.retrieve_async(only)
    assert found.metadata.user_id == user(customer)


async def test_a_guest_who_has_a_customer_already_brings_no_other(shop: Shop):
    customer = await shop.customer()
    await customer.buy("pack_100")
    guest = shop.guest()
    guest.email = customer.email

    await guest.buy("pack_500")

    assert await customer.available() == 600
    rows = await shop.rows("SELECT 1 FROM customers WHERE user_id = :id", id=customer.user_id)
    assert len(rows) == 1


async def test_a_customer_that_was_deleted_at_stripe_is_made_anew(shop: Shop):
    customer = await shop.customer()
    await customer.buy("pack_100")
    [gone] = await at_stripe(shop)
    await shop.stripe.customers.delete_async(gone)

    page = await customer.checkout("pack_500")

    assert page.status_code == 200
    [only] = await at_stripe(shop)
    assert only != gone


async def test_the_portal_opens_for_whom_stripe_has_forgotten(shop: Shop):
    customer = await shop.customer()
    await customer.buy("basic_monthly")
    [gone] = await at_stripe(shop)
    await shop.stripe.customers.delete_async(gone)

    answer = await shop.http.post("/api/billing/portal-link", headers=customer.headers)

    assert answer.status_code == 200
    [only] = await at_stripe(shop)
    assert (await shop.portal_session(answer.json()["url"]))["customer"] == only != gone


async def test_a_customer_whom_stripe_failed_to_make_can_buy_all_the_same(shop: Shop):
    customer = await shop.customer()
    shop.break_next("POST /v1/customers", "broken", when="after")

    failed = await customer.checkout("pack_500")
    await customer.buy("pack_500")

    assert failed.status_code == 503
    assert await customer.available() == 500
    assert len(await at_stripe(shop)) == 1


async def test_stripe_is_told_of_a_new_address(shop: Shop):
    customer = await shop.customer()
    await customer.buy("pack_100")
    address = f"{uuid4().hex}@example.com"

    await shop.billing.deliver(UserEmailVerified(user_id=customer.user_id, email=address))
    await shop.settle()

    [only] = await at_stripe(shop)
    assert (await shop.stripe.customers.retrieve_async(only)).email == address


async def test_the_portal_is_the_customers_own(shop: Shop):
    customer = await shop.customer()

    posted = await shop.http.post("/api/billing/portal-link", headers=customer.headers)
    led = await shop.http.get("/api/billing/portal-link", headers=customer.headers)

    assert posted.status_code == 200
    assert "/portal/" in posted.json()["url"]
    assert (led.status_code, "/portal/" in led.headers["location"]) == (303, True)
    assert len(await at_stripe(shop)) == 1
    for method in ("GET", "POST"):
        refused = await shop.http.request(method, "/api/billing/portal-link")
        assert refused.status_code == 401


async def test_who_subscribed_as_a_guest_manages_that_plan_in_the_portal(shop: Shop):
    guest = shop.guest()
    await guest.buy("basic_monthly")
    customer = shop.account_of(guest)

    url = (await shop.http.post("/api/billing/portal-link", headers=customer.headers)).json()["url"]

    session = await shop.portal_session(url)
    assert session["customer"] == (await customer.subscribed()).customer


async def test_bills_are_listed_newest_first_for_whom_they_are(shop: Shop):
    customer, other = await shop.customer(), await shop.customer()
    await customer.buy("basic_monthly")
    for _ in range(2):
        await shop.control.renew((await customer.subscribed()).id)
        await shop.hear()

    first = await customer.get("/api/billing/invoices", params={"limit": 2})
    rest = await customer.get(
        "/api/billing/invoices", params={"limit": 2, "cursor": first["next_cursor"]}
    )

    bills = [*first["invoices"], *rest["invoices"]]
    assert (len(bills), rest["next_cursor"]) == (3, None)
    assert [bill["number"] for bill in bills] == sorted(
        (bill["number"] for bill in bills), reverse=True
    )
    assert {(bill["amount_cents"], bill["status"]) for bill in bills} == {(2900, "paid")}
    assert all(bill["hosted_url"].startswith("http") for bill in bills)
    assert (await other.get("/api/billing/invoices"))["invoices"] == []


async def test_who_has_no_plan_is_told_so(shop: Shop):
    customer = await shop.customer()

    plan = await customer.get("/api/billing/subscription")

    assert (plan["status"], plan["plan"]) == ("none", None)
