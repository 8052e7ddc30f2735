"""J1 and J3: money becomes credits, an account and one mail; whatever Stripe repeats, loses or reorders."""

import asyncio
from uuid import uuid4

import pytest

from shared.testing import eventually
from tests.flows.product import Customer, link_token
from tests.stripe_events import checkout_session


def stranger(product):
    return Customer(product, f"{uuid4().hex}@example.com")


async def claim(product, customer, token):
    answer = await product.http.post(
        "/api/auth/claim", json={"token": token, "password": customer.password}
    )
    assert answer.status_code == 200, answer.text
    customer.take(answer)
    return answer.json()


async def test_a_stranger_who_pays_gets_an_account_credits_and_one_welcome(product):
    payer = stranger(product)

    await product.pay(payer.address)

    text = await product.mail(payer.address, "Welcome to ImpacterAGI!")
    assert "Your 1,000 credits are ready" in text
    await claim(product, payer, link_token(text))
    summary = await payer.credits_are(1000)
    [line] = summary["transactions"]
    assert (line["kind"], line["type"], line["amount"]) == ("purchase", "purchase", 1000)
    assert len(product.mails(payer.address)) == 1


@pytest.mark.parametrize("way", ["the mailed link", "the success page"])
async def test_login_answers_the_thousand_credits(product, way):
    payer = stranger(product)
    session = await product.pay(payer.address, path="/api/stripe/webhook")
    text = await product.mail(payer.address, "Welcome")
    if way == "the mailed link":
        await claim(product, payer, link_token(text))
    else:
        body = {"session_id": session["id"], "password": payer.password}
        assert (await product.http.post("/api/auth/claim", json=body)).status_code == 200

    async def has_a_thousand():
        return (await payer.log_in())["credits"] == 1000

    await eventually(has_a_thousand)
    answer = await payer.log_in()
    assert set(answer) >= {"token", "email", "credits"}
    assert (answer["email"], answer["credits"]) == (payer.address, 1000)


async def test_a_payment_told_five_times_at_once_and_later_counts_once(product):
    payer = stranger(product)
    session = checkout_session(email=payer.address)

    await asyncio.gather(*(product.pay(payer.address, session=session) for _ in range(5)))
    text = await product.mail(payer.address, "Welcome")
    await asyncio.gather(*(product.pay(payer.address, session=session) for _ in range(5)))

    await claim(product, payer, link_token(text))
    await payer.credits_are(1000)
    assert len(product.mails(payer.address)) == 1


async def test_a_welcome_link_works_once(product):
    payer = stranger(product)
    await product.pay(payer.address)
    token = link_token(await product.mail(payer.address, "Welcome"))
    await claim(product, payer, token)

    again = await product.http.post(
        "/api/auth/claim", json={"token": token, "password": "another password"}
    )

    assert again.status_code >= 400
    assert again.headers["content-type"] == "application/problem+json"


async def test_a_returning_customer_is_told_that_credits_were_added(product):
    payer = stranger(product)
    await product.pay(payer.address)
    await claim(product, payer, link_token(await product.mail(payer.address, "Welcome")))

    await product.pay(payer.address)

    await payer.credits_are(2000)
    await product.mail(payer.address, "added")


async def test_an_unpaid_session_grants_nothing_until_the_money_arrives(product):
    payer = stranger(product)
    session = checkout_session(email=payer.address, payment_status="unpaid", status="complete")
    await product.pay(payer.address, session=session)
    marker = stranger(product)
    await product.pay(marker.address)
    await product.mail(marker.address, "Welcome")
    assert product.mails(payer.address) == []

    await product.pay(payer.address, session={**session, "payment_status": "paid"})

    await product.mail(payer.address, "Welcome")


async def test_a_squatter_gets_nothing_of_a_guests_payment(product):
    squatter = await product.customer()
    payer = Customer(product, squatter.address, password="the true owner's password")

    await product.pay(payer.address)
    text = await product.mail(payer.address, "waiting")
    await squatter.credits_are(0)
    await claim(product, payer, link_token(text))

    await payer.credits_are(1010)
    refused = await product.http.post("/api/auth/login", json=squatter.credentials)
    assert refused.status_code == 401
