"""The catalogue: what Stripe's products and prices say, synced, told of, shown, and never reaching back."""

import itertools

import pytest
from billing_parts import Shop

from embedded.emulator.paying import Payer
from tests.stripe_events import event


async def sync(shop: Shop, **body: object):
    answer = await shop.operate("POST", "/api/billing/sync-prices", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(shop: Shop) -> list[str]:
    answer = await shop.http.get("/api/billing/prices")
    assert answer.headers["cache-control"].startswith("public")
    return [item["name"] for item in answer.json()["prices"]]


async def product_of(shop: Shop, lookup_key: str) -> str:
    price = await shop.stripe.prices.retrieve_async(await shop.price_id(lookup_key))
    return str(price.product)


async def test_everybody_sees_packs_and_plans_in_their_order(shop: Shop):
    prices = (await shop.http.get("/api/billing/prices")).json()["prices"]

    assert [item["name"] for item in prices] == [
        "100 credits", "500 credits", "2,000 credits", "Starter", "Popular", "Pro",
        "Basic", "Business", "Basic, yearly", "Business, yearly",
    ]  # fmt: skip
    by_name = {item["name"]: item for item in prices}
    assert by_name["Popular"] == {
        "price_id": await shop.price_id("popular"),
        "name": "Popular",
        "description": "For regular work",
        "kind": "pack",
        "credits": 50,
        "amount_cents": 2900,
        "currency": "usd",
        "interval": None,
        "grant_interval": None,
        "rollover": None,
        "badge": "Most popular",
        "credits_per_dollar": 1.72,
    }
    yearly = by_name["Basic, yearly"]
    assert (yearly["credits"], yearly["interval"], yearly["grant_interval"]) == (
        500,
        "year",
        "month",
    )
    assert yearly["credits_per_dollar"] == round(6000 / 290, 2)


async def test_a_sync_says_what_changed_and_a_dry_one_changes_nothing(shop: Shop):
    popular, starter = await product_of(shop, "popular"), await shop.price_id("starter")
    await shop.stripe.products.update_async(popular, {"metadata": {"includedCredits": "60"}})
    await shop.stripe.prices.update_async(starter, {"active": False})
    made = await shop.stripe.prices.create_async(
        {
            "currency": "usd",
            "unit_amount": 500,
            "product_data": {"name": "A sip", "metadata": {"includedCredits": "5"}},
        }
    )

    dry = await sync(shop, dry_run=True)
    done = await sync(shop)
    again = await sync(shop)

    assert {**dry, "dry_run": False} == done
    assert [item["price_id"] for item in done["added"]] == [made.id]
    assert done["changed"] == [
        {
            "price_id": await shop.price_id("popular"),
            "name": "Popular",
            "fields": {"credits": [50, 60]},
        }
    ]
    assert [item["price_id"] for item in done["deactivated"]] == [starter]
    assert (again["added"], again["changed"], again["deactivated"]) == ([], [], [])


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"includedCredits": ""}, "includedCredits"),
        ({"includedCredits": "many"}, "includedCredits"),
        ({"includedCredits": "0"}, "includedCredits"),
        ({"includedCredits": "-5"}, "includedCredits"),
        ({"includedCredits": "1e9"}, "includedCredits"),
        ({"kind": "gift"}, "kind"),
        ({"kind": "plan"}, "month or the year"),
        ({"rollover": "sometimes"}, "rollover"),
        ({"displayOrder": "first"}, "displayOrder"),
    ],
    ids=str,
)
async def test_a_product_that_cannot_be_bought_is_named_with_the_reason(
    shop: Shop, metadata: dict[str, str], reason: str
):
    product = await product_of(shop, "popular")
    await shop.stripe.products.update_async(product, {"metadata": metadata})

    [skipped] = (await sync(shop))["skipped"]

    assert skipped["product_id"] == product
    assert reason in skipped["reason"]
    assert "Popular" not in await listed(shop)
    customer = await shop.customer()
    answer = await customer.checkout("popular")
    assert (answer.status_code, answer.json()["code"]) == (409, "price_inactive")


async def test_a_price_that_is_not_sold_any_more_is_refused(shop: Shop):
    await shop.stripe.prices.update_async(await shop.price_id("pack_500"), {"active": False})
    await shop.hear()

    answer = await (await shop.customer()).checkout("pack_500")

    assert (answer.status_code, answer.json()["code"]) == (409, "price_inactive")
    assert "500 credits" not in await listed(shop)


async def test_an_edit_reaches_no_open_page_no_payment_and_no_lot(shop: Shop):
    customer = await shop.customer()
    await customer.buy("pack_500")
    page = (await customer.checkout("pack_500")).json()["session_id"]

    product = await product_of(shop, "pack_500")
    await shop.stripe.products.update_async(product, {"metadata": {"includedCredits": "1"}})
    await shop.hear()
    await shop.sync()

    assert await customer.available() == 500
    await shop.control.pay(page, Payer(email=customer.email))
    await shop.hear()
    assert await customer.available() == 1000
    await customer.buy("pack_500")
    assert await customer.available() == 1001


async def test_of_two_events_the_later_counts_in_whichever_order_they_come(shop: Shop):
    product = await product_of(shop, "popular")
    whole = (await shop.stripe.products.retrieve_async(product)).to_dict()
    words = [
        event({**whole, "name": name}, type="product.updated") | {"created": moment}
        for moment, name in ((100, "first"), (200, "second"), (300, "third"))
    ]

    for number, order in enumerate(itertools.permutations(words)):
        later = [{**word, "created": word["created"] + number * 1000} for word in order]
        for word in later:
            fresh = event(word["data"]["object"], type=word["type"])
            await shop.http.post(**shop.signed({**fresh, "created": word["created"]}))
        assert "third" in await listed(shop)


async def test_what_events_say_is_compared_with_stripe_soon(shop: Shop):
    product = await product_of(shop, "popular")
    whole = (await shop.stripe.products.retrieve_async(product)).to_dict()

    await shop.http.post(**shop.signed(event({**whole, "name": "rumour"}, type="product.updated")))
    assert "rumour" in await listed(shop)
    await shop.settle()

    assert "Popular" in await listed(shop)


async def test_what_is_deleted_at_stripe_is_sold_no_more(shop: Shop):
    made = await shop.stripe.products.create_async(
        {"name": "Fleeting", "metadata": {"includedCredits": "5"}}
    )
    await shop.hear()
    await shop.stripe.products.delete_async(made.id)
    await shop.hear()

    assert await shop.rows("SELECT 1 FROM products WHERE id = :id AND is_active", id=made.id) == []


async def test_operators_see_every_price_and_make_the_standard_ones(shop: Shop):
    everything = (await shop.operate("GET", "/api/admin/prices")).json()["prices"]
    none = (await shop.operate("POST", "/api/admin/prices/seed")).json()
    await shop.stripe.prices.update_async(
        await shop.price_id("pack_500"), {"active": False, "lookup_key": "pack_500_of_last_year"}
    )
    one = (await shop.operate("POST", "/api/admin/prices/seed")).json()

    assert {item["lookup_key"] for item in everything} >= {"credits_per_cent", "pack_100"}
    assert none == {"made": []}
    assert one == {"made": ["pack_500"]}
    assert "500 credits" in await listed(shop)


async def test_while_stripe_is_away_a_sync_is_refused_for_now(shop: Shop):
    shop.break_next(None, "broken", times=20)

    answer = await shop.operate("POST", "/api/billing/sync-prices", json={})

    assert (answer.status_code, answer.json()["code"]) == (503, "stripe_away")
    assert answer.headers["retry-after"]


async def test_customers_do_not_sync(shop: Shop):
    customer = await shop.customer()

    for headers, status in (({}, 401), (customer.headers, 403)):
        answer = await shop.http.post("/api/billing/sync-prices", json={}, headers=headers)
        assert answer.status_code == status
