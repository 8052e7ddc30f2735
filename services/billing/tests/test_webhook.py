"""Stripe's webhook: what is stored, what is published, and what is refused without a trace."""

import asyncio
import json
import time

import pytest
from sqlalchemy import select

from billing.models import Payment, StripeEvent
from shared.contracts.payments import PaymentCompleted
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed

PATH = "/api/webhooks/stripe"


async def completed(billing, session):
    """What was published about a session's payment, once Stripe was asked what was bought."""
    await billing.work()
    async with billing.database.transaction() as tx:
        statement = select(Payment.id).where(Payment.stripe_checkout_session_id == session["id"])
        payment_id = await tx.scalar(statement)
    published = await billing.published(PaymentCompleted)
    return [item for item in published if item.payment_id == payment_id]


async def stored(billing, event_id):
    async with billing.database.transaction() as tx:
        return await tx.get(StripeEvent, event_id)


async def count(billing, model):
    async with billing.database.transaction() as tx:
        return len(await tx.scalars(select(model)))


async def post(billing, body, *, path=PATH, **options):
    return await billing.client.post(path, **signed(body, WEBHOOK_SECRET, **options))


@pytest.mark.parametrize("path", [PATH, "/api/stripe/webhook"])
async def test_a_paid_session_is_stored_and_published(billing, path):
    session = checkout_session(email="Pat@Example.com", amount_cents=1000)

    answer = await post(billing, event(session), path=path)

    assert (answer.status_code, answer.json()) == (200, {"received": True})
    [published] = await completed(billing, session)
    assert (published.credits, published.amount_cents) == (1000, 1000)
    assert published.email == "Pat@Example.com"
    assert session["id"] not in published.model_dump_json()


async def test_the_raw_body_is_stored_as_it_came(billing):
    body = event(checkout_session())
    request = signed(body, WEBHOOK_SECRET)

    await billing.client.post(PATH, **request)

    row = await stored(billing, body["id"])
    assert (row.payload, row.outcome) == (request["content"], "payment arrived")


async def test_one_session_sent_five_times_at_once_under_new_event_ids_is_published_once(billing):
    session = checkout_session()

    answers = await asyncio.gather(*(post(billing, event(session)) for _ in range(5)))
    again = event(session)
    answers += [await post(billing, again) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}
    assert len(await completed(billing, session)) == 1


async def test_an_unpaid_session_grants_nothing_until_the_money_arrives(billing):
    session = checkout_session(payment_status="unpaid", status="complete")
    await post(billing, event(session))
    assert await completed(billing, session) == []

    session["payment_status"] = "paid"
    await post(billing, event(session, type="checkout.session.async_payment_succeeded"))

    assert len(await completed(billing, session)) == 1


async def test_money_that_arrived_stays_arrived_whatever_comes_late(billing):
    session = checkout_session()
    await post(billing, event(session, type="checkout.session.async_payment_succeeded"))

    await billing.work()
    late = {**session, "payment_status": "unpaid"}
    for kind in ("completed", "async_payment_failed", "expired"):
        await post(billing, event(late, type=f"checkout.session.{kind}"))

    async with billing.database.transaction() as tx:
        statement = select(Payment).where(Payment.stripe_checkout_session_id == session["id"])
        assert (await tx.scalar(statement)).status == "paid"
    assert len(await completed(billing, session)) == 1


async def test_discounts_and_taxes_do_not_change_the_credits(billing):
    session = checkout_session(amount_cents=1000, amount_total=730)

    await post(billing, event(session))

    [published] = await completed(billing, session)
    assert (published.credits, published.amount_cents) == (1000, 730)


@pytest.mark.parametrize(
    "fields",
    [{"currency": "eur"}, {"amount_subtotal": 0}, {"customer_details": None}],
    ids=["another currency", "for nothing", "without an address"],
)
async def test_what_no_rule_knows_is_kept_for_people_and_never_guessed(billing, fields):
    session = checkout_session(**fields)

    answer = await post(billing, event(session))

    assert answer.status_code == 200
    assert await completed(billing, session) == []
    async with billing.database.transaction() as tx:
        statement = select(Payment).where(Payment.stripe_checkout_session_id == session["id"])
        payment = await tx.scalar(statement)
    assert payment.status == "review"
    assert payment.note


async def test_an_event_of_an_unknown_type_is_stored(billing):
    body = event({"id": "x_1", "object": "novelty"}, type="novelty.invented")

    answer = await post(billing, body)

    assert answer.status_code == 200
    assert (await stored(billing, body["id"])).outcome == "stored"


async def test_an_event_of_the_other_mode_has_no_effect(billing):
    session = checkout_session()
    body = event(session, livemode=True)

    answer = await post(billing, body)

    assert answer.status_code == 200
    assert await completed(billing, session) == []
    assert (await stored(billing, body["id"])).outcome == "other mode: no effect"


async def test_a_session_in_a_shape_we_do_not_know_is_stored_for_people(billing):
    body = event({"id": 7, "object": "checkout.session"})

    answer = await post(billing, body)

    assert answer.status_code == 200
    assert (await stored(billing, body["id"])).outcome.startswith("review")


def refused(name, **request):
    return pytest.param(request, id=name)


def tampered(**changes):
    body = signed(event(checkout_session()), WEBHOOK_SECRET)
    return {**body, **changes}


def raw(content):
    """A body of bytes with a signature as right as it can be."""
    text = content.decode("latin-1")
    header = signed(text, WEBHOOK_SECRET)["headers"]
    return {"content": content, "headers": header}


@pytest.mark.parametrize(
    "request_",
    [
        refused("no signature", content=b"{}", headers={}),
        refused("a wrong secret", **signed(event(checkout_session()), "whsec_other")),
        refused("another body", **tampered(content=b'{"object":"event"}')),
        refused("far past", **signed(event(checkout_session()), WEBHOOK_SECRET, at=1)),
        refused("far future", **signed(event(checkout_session()), WEBHOOK_SECRET, at=10**11)),
        refused("no timestamp", **tampered(headers={"Stripe-Signature": "v1=abc"})),
        refused("huge timestamp", **tampered(headers={"Stripe-Signature": f"t={'9' * 400},v1=a"})),
        refused("non-ASCII signature", **tampered(headers={"Stripe-Signature": "t=1,v1=é".encode()})),
        refused("garbage signature", **tampered(headers={"Stripe-Signature": "=,=,t=,v1"})),
        refused("non-UTF-8 body", **raw(b"\xff\xfe{}")),
        refused("garbage body", **signed("not json", WEBHOOK_SECRET)),
        refused("a list", **signed("[]", WEBHOOK_SECRET)),
        refused("a number", **signed("1", WEBHOOK_SECRET)),
        refused("an empty body", **signed("", WEBHOOK_SECRET)),
        refused("deep nesting", **signed("[" * 100_000 + "]" * 100_000, WEBHOOK_SECRET)),
        refused("no id", **signed(json.dumps({"object": "event", "type": "x"}), WEBHOOK_SECRET)),
        refused("a NUL in the id", **signed(event({}, event_id="evt_\x00"), WEBHOOK_SECRET)),
    ],
)  # fmt: skip
async def test_what_is_not_stripes_is_refused_without_a_trace(billing, request_):
    await is_refused(billing, request_)


@pytest.mark.parametrize("off_s", [-301, 310])
async def test_what_was_signed_too_long_ago_or_in_the_future_is_refused(billing, off_s):
    at = int(time.time()) + off_s
    await is_refused(billing, signed(event(checkout_session()), WEBHOOK_SECRET, at=at))


async def is_refused(billing, request_):
    before = await count(billing, StripeEvent), await count(billing, Payment)

    answer = await billing.client.post(PATH, **request_)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] in {"bad_signature", "bad_payload"}
    assert (await count(billing, StripeEvent), await count(billing, Payment)) == before


async def test_a_body_over_the_limit_is_refused_as_too_large(billing):
    answer = await billing.client.post(PATH, **signed("x" * 300_000, WEBHOOK_SECRET))

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "email", ["a\x00b@example.com", "a\ud800b@example.com", "bademail", "a@b@c", " @ ", "x" * 400]
)
async def test_an_address_that_nobody_can_own_is_kept_for_people(billing, email):
    session = checkout_session(
        email=email, client_reference_id="usr_\x00", customer="\ud800", payment_intent="\x00"
    )

    answer = await post(billing, event(session))

    assert answer.status_code == 200
    assert await completed(billing, session) == []
    assert (await stored_payment(billing, session)).status == "review"


async def stored_payment(billing, session):
    async with billing.database.transaction() as tx:
        statement = select(Payment).where(Payment.stripe_checkout_session_id == session["id"])
        return await tx.scalar(statement)
