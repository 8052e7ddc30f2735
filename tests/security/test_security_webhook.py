"""Stripe's webhook is open to anybody: whatever is sent there, only what Stripe signed leaves a trace."""

import json
import time
from typing import Any
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security.product import Product
from tests.security.strategies import header_text, values
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed

PATHS = ["/api/webhooks/stripe", "/api/stripe/webhook"]
TOLD: set[str] = set()
NAMES = ["id", "object", "type", "data", "livemode", "api_version"]
fuzz = settings(max_examples=100, deadline=None)

headers = header_text | st.builds(
    "t={},v{}={}".format,
    st.builds(lambda: int(time.time())) | st.integers() | header_text,
    st.integers(0, 2),
    st.text("0123456789abcdef", max_size=64) | header_text,
).map(str.strip)
bodies = st.binary(max_size=500) | st.builds(lambda value: json.dumps(value).encode(), values)


async def count(product: Product) -> tuple[int, int]:
    """How many events and payments billing has stored."""
    [row] = await product.rows(
        "billing",
        "SELECT (SELECT count(*) FROM stripe_events) AS events, count(*) AS payments FROM payments",
    )
    return row.events, row.payments


@fuzz
@given(path=st.sampled_from(PATHS), body=bodies, header=headers)
async def test_what_stripe_did_not_sign_is_refused_without_a_trace(
    product: Product, path: str, body: bytes, header: str
):
    before = await count(product)

    answer = await product.http.post(
        path, content=body, headers={b"stripe-signature": header.encode("latin-1")}
    )

    assert answer.status_code == 400
    assert await count(product) == before


@fuzz
@given(data=st.data())
async def test_what_stripe_signed_of_another_body_is_refused(product: Product, data: st.DataObject):
    """One byte more, less or other is another body."""
    genuine = signed(event(checkout_session()), WEBHOOK_SECRET)
    body, place = genuine["content"], data.draw(st.integers(0, len(genuine["content"]) - 1))
    other = data.draw(st.binary(max_size=2).filter(lambda piece: piece != body[place : place + 1]))
    before = await count(product)

    answer = await product.http.post(
        PATHS[0], content=body[:place] + other + body[place + 1 :], headers=genuine["headers"]
    )

    assert answer.status_code == 400
    assert await count(product) == before


@fuzz
@given(body=bodies)
async def test_what_is_signed_and_no_event_is_refused_without_a_trace(
    product: Product, body: bytes
):
    text = body.decode(errors="replace")
    before = await count(product)

    answer = await product.http.post(PATHS[0], **signed(text, WEBHOOK_SECRET))

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_payload")
    assert await count(product) == before


@fuzz
@given(
    type_=st.sampled_from(
        [
            "checkout.session.completed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.async_payment_failed",
            "checkout.session.expired",
            "charge.refunded",
            "invoice.paid",
        ]
    ),
    replaced=st.dictionaries(st.sampled_from(sorted(checkout_session())), values, max_size=4),
    frame=st.dictionaries(st.sampled_from(NAMES), values, max_size=1),
)
async def test_what_stripe_signed_is_stored_or_refused_and_never_a_failure(
    product: Product, type_: str, replaced: dict[str, Any], frame: dict[str, Any]
):
    session = {**checkout_session(email=f"{uuid4().hex}@example.com"), **replaced}
    told = {**event(session, type=type_), **frame}
    before = await count(product)

    answer = await product.http.post(PATHS[0], **signed(told, WEBHOOK_SECRET))

    is_stored = (await count(product))[0] > before[0]
    is_repeated = str(told["id"]) in TOLD  # the same id twice is one event, and no second row
    if answer.status_code == 200:
        TOLD.add(str(told["id"]))
    assert (answer.status_code, is_stored or is_repeated) in [
        (200, True),
        (400, is_repeated),
    ], answer.text
