"""Buying: pages to pay on, each opened once, and what comes of them."""

import asyncio
import json
from uuid import uuid4

import pytest
from billing_parts import Shop, user

from embedded.emulator.errors import CardDeclined
from embedded.emulator.paying import Payer

ALIASES = [
    ("/api/billing/checkout-session", "/api/billing/checkout-session/"),
    ("/api/stripe/create-checkout-session", "/api/stripe/session/"),
]


async def pages(shop: Shop) -> list[str]:
    return [item.id for item in (await shop.stripe.checkout.sessions.list_async()).data]


async def test_a_customer_who_pays_on_our_page_gets_the_credits_of_the_price(shop: Shop):
    customer = await shop.customer()

    session_id = await customer.buy("pack_500")

    assert await customer.available() == 500
    progress = await customer.progress(session_id)
    assert (progress["status"], progress["payment_status"]) == ("complete", "paid")
    assert (progress["credits"], progress["granted"], progress["account"]) == (
        500,
        True,
        "existing",
    )


@pytest.mark.parametrize(("asking", "following"), ALIASES)
async def test_both_paths_sell(shop: Shop, asking: str, following: str):
    customer = await shop.customer()
    body = {"priceId": await shop.price_id("pack_100"), "credits": 1_000_000}

    page = (await shop.http.post(asking, json=body, headers=customer.headers)).json()
    await shop.control.pay(page["session_id"], Payer(email=customer.email))
    await shop.hear()

    assert page["url"].endswith(page["session_id"])
    assert await customer.available() == 100  # what was sent of credits is not read
    answer = await shop.http.get(f"{following}{page['session_id']}")
    assert answer.json()["granted"] is True


async def test_a_guest_who_pays_on_our_page_gets_an_account(shop: Shop):
    guest = shop.guest()

    session_id = await guest.buy("popular")

    customer = shop.account_of(guest)
    assert await customer.available() == 50
    progress = await guest.progress(session_id)
    assert (progress["account"], progress["email"]) == ("new", guest.email)


async def test_a_page_says_what_it_is_for_and_where_it_leads(shop: Shop):
    customer = await shop.customer()
    page = (await customer.checkout("basic_monthly")).json()

    session = await shop.stripe.checkout.sessions.retrieve_async(page["session_id"])

    assert session.success_url.endswith(
        "/dashboard/credits/success?session_id={CHECKOUT_SESSION_ID}"
    )
    assert session.cancel_url.endswith("/credits?cancelled=1")
    assert session.metadata.user_id == session.client_reference_id == user(customer)
    assert session.metadata.price_id == await shop.price_id("basic_monthly")
    assert session.allow_promotion_codes is True
    assert session.automatic_tax.enabled is False


async def test_a_double_click_and_two_tabs_open_one_page_and_the_card_is_charged_once(shop: Shop):
    customer = await shop.customer()

    answers = await asyncio.gather(*(customer.checkout("pack_500") for _ in range(5)))
    answers.append(await customer.checkout("pack_500"))

    [page] = {answer.json()["session_id"] for answer in answers}
    assert await pages(shop) == [page]
    await shop.control.pay(page, Payer(email=customer.email))
    await shop.hear()
    assert len((await shop.stripe.charges.list_async()).data) == 1
    assert await customer.available() == 500


async def test_an_answer_that_gets_lost_on_its_way_from_stripe_opens_no_second_page(shop: Shop):
    customer = await shop.customer()
    shop.break_next("POST /v1/checkout/sessions", "lost", times=3)

    lost = await customer.checkout("pack_500")
    again = await customer.checkout("pack_500")

    assert (lost.status_code, lost.json()["code"]) == (503, "stripe_away")
    assert lost.headers["retry-after"]
    assert await pages(shop) == [again.json()["session_id"]]


async def test_a_failure_that_stripe_remembers_is_not_asked_for_again(shop: Shop):
    customer = await shop.customer()
    shop.break_next("POST /v1/checkout/sessions", "broken", when="after")

    failed = await customer.checkout("pack_500")
    again = await customer.checkout("pack_500")

    assert (failed.status_code, failed.json()["code"]) == (503, "stripe_away")
    assert again.status_code == 200
    await shop.control.pay(again.json()["session_id"], Payer(email=customer.email))
    await shop.hear()
    assert await customer.available() == 500


async def test_stripe_is_asked_for_few_pages_that_nobody_opened_here(shop: Shop):
    pages = [f"/api/billing/checkout-session/cs_test_{uuid4().hex}" for _ in range(20)]

    answers = await asyncio.gather(*(shop.http.get(page) for page in pages))

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {404, 503}
    assert statuses.count(404) < 20


async def test_who_pays_and_asks_again_gets_another_page(shop: Shop):
    customer = await shop.customer()

    first, second = await customer.buy("pack_100"), await customer.buy("pack_100")

    assert first != second
    assert await customer.available() == 200


async def test_a_page_that_is_over_or_nearly_is_replaced(shop: Shop):
    customer = await shop.customer()
    first = (await customer.checkout("pack_100")).json()["session_id"]
    await shop.rows("UPDATE checkouts SET expires_at = now() + interval '5 minutes' RETURNING id")
    second = (await customer.checkout("pack_100")).json()["session_id"]
    await shop.stripe.checkout.sessions.expire_async(second)
    await shop.hear()
    third = (await customer.checkout("pack_100")).json()["session_id"]

    assert len({first, second, third}) == 3
    assert (await customer.progress(second))["status"] == "expired"


async def test_a_page_that_is_replaced_takes_no_payment_any_more(shop: Shop):
    customer = await shop.customer()
    first = (await customer.checkout("basic_monthly")).json()["session_id"]
    await shop.rows("UPDATE checkouts SET expires_at = now() + interval '5 minutes' RETURNING id")

    await customer.checkout("basic_monthly")
    await shop.settle()

    session = await shop.stripe.checkout.sessions.retrieve_async(first)
    assert session.status == "expired"


async def test_each_price_has_a_page_of_its_own(shop: Shop):
    customer = await shop.customer()

    answers = [await customer.checkout(name) for name in ("pack_100", "pack_500")]

    assert len({answer.json()["session_id"] for answer in answers}) == 2


async def test_a_subscriber_gets_the_credits_of_the_first_period(shop: Shop):
    customer = await shop.customer()

    session_id = await customer.buy("basic_monthly")

    assert await customer.available() == 500
    progress = await customer.progress(session_id)
    assert (progress["credits"], progress["granted"], progress["status"]) == (500, True, "complete")
    plan = await customer.get("/api/billing/subscription")
    assert (plan["status"], plan["plan"], plan["credits"]) == ("active", "Basic", 500)


async def test_a_second_plan_is_refused_with_the_way_to_the_portal(shop: Shop):
    customer = await shop.customer()
    await customer.buy("basic_monthly")

    answer = await customer.checkout("business_monthly")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_subscribed")
    assert answer.json()["portal"] == "/api/billing/portal-link"
    assert (await customer.checkout("pack_100")).status_code == 200


async def test_two_tabs_with_two_plans_leave_one_to_be_paid(shop: Shop):
    customer = await shop.customer()
    basic = (await customer.checkout("basic_monthly")).json()["session_id"]
    business = (await customer.checkout("business_monthly")).json()["session_id"]
    await shop.settle()

    assert (await customer.progress(basic))["status"] == "expired"
    assert (await customer.progress(business))["status"] == "open"


async def test_a_declined_card_leaves_the_page_open_and_grants_nothing(shop: Shop):
    customer = await shop.customer()
    page = (await customer.checkout("pack_100")).json()["session_id"]

    with pytest.raises(CardDeclined):
        await shop.control.pay(page, Payer("4000000000000002", email=customer.email))
    await shop.hear()

    assert (await customer.progress(page))["status"] == "open"
    assert await customer.available() == 0
    await shop.control.pay(page, Payer(email=customer.email))
    await shop.hear()
    assert await customer.available() == 100


@pytest.mark.parametrize(
    ("debit", "status", "available"),
    [("000123456789", "complete", 100), ("000222222227", "failed", 0)],
    ids=["arrives", "fails"],
)
async def test_a_complete_page_is_not_a_paid_one(
    shop: Shop, debit: str, status: str, available: int
):
    customer = await shop.customer()
    page = (await customer.checkout("pack_100")).json()["session_id"]
    await shop.control.pay(page, Payer(debit, email=customer.email))
    await shop.hear()
    progress = await customer.progress(page)
    assert (progress["status"], progress["payment_status"]) == ("processing", "unpaid")
    assert (progress["granted"], await customer.available()) == (False, 0)

    await shop.control.advance(days=7)
    await shop.hear()

    assert (await customer.progress(page))["status"] == status
    assert await customer.available() == available


async def test_a_payment_link_with_a_price_of_the_catalogue_buys_its_credits(shop: Shop):
    guest = shop.guest()
    link = await shop.link("pack_500", quantity=2)

    await shop.pay_link(link, guest)

    assert await shop.account_of(guest).available() == 1000


async def test_a_payment_link_that_nobody_told_of_buys_the_same(shop: Shop):
    guest = shop.guest()
    link = await shop.link("pack_500")
    shop.control.mischief.drop = 3

    await shop.pay_link(link, guest)

    assert await shop.account_of(guest).available() == 500


@pytest.mark.parametrize(("cents", "quantity"), [(2500, 1), (1000, 3), (99, 1)])
async def test_a_price_of_kind_per_cent_buys_a_credit_a_cent(shop: Shop, cents: int, quantity: int):
    product = (
        await shop.stripe.prices.retrieve_async(await shop.price_id("credits_per_cent"))
    ).product
    price = await shop.stripe.prices.create_async(
        {"currency": "usd", "unit_amount": cents, "product": product}
    )
    link = await shop.stripe.payment_links.create_async(
        {"line_items": [{"price": price.id, "quantity": quantity}]}
    )
    guest = shop.guest()

    await shop.pay_link(link.id, guest)

    assert await shop.account_of(guest).available() == cents * quantity


async def test_ten_dollars_on_a_link_without_a_price_of_ours_buy_a_thousand_credits(shop: Shop):
    guest = shop.guest()
    link = await shop.favour("usd")

    await shop.pay_link(link.id, guest)

    assert await shop.account_of(guest).available() == 1000


async def test_while_stripe_is_away_a_payment_waits_to_be_understood(shop: Shop):
    guest = shop.guest()
    link = await shop.link("pack_500")
    shop.control.mischief.drop = 3
    session = await shop.control.visit_link(link)
    await shop.control.pay(session["id"], Payer(email=guest.email))
    shop.break_next(None, "broken", times=20)
    await shop.control.deliver()
    await shop.billing.work()
    assert [row.status for row in await shop.rows("SELECT status FROM payments")][-1] == "arrived"

    shop.control.mend()
    await shop.rows("UPDATE payments SET identify_at = now() RETURNING id")
    await shop.settle()

    assert await shop.account_of(guest).available() == 500


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"price_id": ""},
        {"price_id": "a b"},
        {"price_id": "\ud800"},
        {"price_id": 7},
        {"price_id": "price_1", "credits": "many"},
        {"price_id": "price_1", "surprise": 1},
        {"price_id": "price_1", "email": "x" * 400},
        {"price_id": "price_1", "email": "a\x00@example.com"},
        [],
        "price_1",
    ],
    ids=repr,
)
async def test_a_malformed_request_is_refused(shop: Shop, body: object):
    answer = await shop.http.post(
        "/api/billing/checkout-session",
        content=json.dumps(body),
        headers={"content-type": "application/json"},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_a_price_that_there_is_not_is_not_found(shop: Shop):
    body = {"price_id": "price_of_nobody"}

    answer = await shop.http.post("/api/billing/checkout-session", json=body)

    assert answer.status_code == 404


@pytest.mark.parametrize("email", ["nobody", " ", "a@b@example.com", "a@exa mple.com"])
async def test_an_address_that_nobody_can_be_written_to_is_refused(shop: Shop, email: str):
    body = {"price_id": await shop.price_id("pack_100"), "email": email}

    answer = await shop.http.post("/api/billing/checkout-session", json=body)

    assert answer.status_code == 422


async def test_a_token_that_is_none_is_refused_and_no_guests(shop: Shop):
    body = {"price_id": await shop.price_id("pack_100")}

    answer = await shop.http.post(
        "/api/billing/checkout-session", json=body, headers={"Authorization": "Bearer x"}
    )

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "session_id", ["cs_test_nobody", "pi_1", "cs_", "cs_test_%00", "x" * 300, "cs_test_é"]
)
async def test_a_page_that_nobody_opened_is_not_found(shop: Shop, session_id: str):
    for _ in range(2):
        answer = await shop.http.get(f"/api/billing/checkout-session/{session_id}")

        assert answer.status_code in (404, 422)


async def test_strangers_who_guess_ids_do_not_keep_stripe_busy(shop: Shop):
    for _ in range(3):
        await shop.http.get("/api/billing/checkout-session/cs_test_guessed")

    shop.break_next(None, "broken", times=20)
    answer = await shop.http.get("/api/billing/checkout-session/cs_test_guessed")

    assert answer.status_code == 404
