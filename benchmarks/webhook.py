"""Stripe's webhook: how many signed events one billing process takes a second, and how long each takes at half of that.

Every request is another guest's paid Checkout Session of a payment link that billing knows: the signature is verified, the
event and the payment are stored and `payment.completed` is written to the outbox, all in what the answer waits for. Relay and consumer of
the same process work meanwhile, as they do in production. Compared with its aims and with the group-commit limit.
"""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from benchmarks.load import Outcome, fire, request
from benchmarks.observed import processor_time, profiled
from benchmarks.rest import outbox_is_empty
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import WEBHOOK_SECRET, Running, Site, Stage
from tests.stripe_events import checkout_session, event

PATH = "/api/webhooks/stripe"
CONNECTIONS = 32
WARM_UP = 0.1
LINK = "plink_of_the_bench"
KNOWN_LINK = f"""
    INSERT INTO products (id, name, description, kind, credits, rollover, display_order, is_active, heard_at, heard_id)
        VALUES ('prod', 'Credits', '', 'per_cent', 1000, 'none', 0, true, now(), '') ON CONFLICT DO NOTHING;
    INSERT INTO prices (id, product_id, amount_cents, currency, is_active, heard_at, heard_id)
        VALUES ('price', 'prod', 1000, 'usd', true, now(), '') ON CONFLICT DO NOTHING;
    INSERT INTO payment_links (id, items, heard_at, heard_id)
        VALUES ('{LINK}', '[{{"price": "price", "quantity": 1}}]', now(), '') ON CONFLICT DO NOTHING;
"""


@asynccontextmanager
async def webhook(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure billing's webhook."""
    site = await stage.site("webhook")

    async def once() -> Samples:
        async with site.running("billing") as billing:
            await sell_by_link(site)
            await _fired(billing, effort, seconds=effort.seconds * WARM_UP)
            await outbox_is_empty(site, "billing")
            with processor_time(billing.pid) as spent:
                async with profiled(billing.pid, "webhook", effort.profiles):
                    fast = await _fired(billing, effort, seconds=effort.seconds)
            await outbox_is_empty(site, "billing")
            steady = await _fired(billing, effort, seconds=effort.seconds, rate=fast.rate / 2)
            await _every_event_is_stored(site)
        return {
            "webhook/rate": fast.rate,
            "webhook/cpu_us": spent.seconds / fast.count * 1e6,
            "webhook/half/p50_ms": steady.p50_ms,
            "webhook/half/p99_ms": steady.p99_ms,
        }

    yield once


async def _fired(
    billing: Running, effort: Effort, *, seconds: float, rate: float | None = None
) -> Outcome:
    requests = payments(effort.requests)
    outcome = await fire(
        billing.port, requests, connections=CONNECTIONS, seconds=seconds, rate=rate
    )
    return outcome.expect(200)


async def sell_by_link(site: Site) -> None:
    """Let billing know the payment link that everybody pays by: $10 for 1,000 credits."""
    connection = await site.connect("billing")
    try:
        await connection.execute(KNOWN_LINK)
    finally:
        await connection.close()


def payments(count: int, **fields: Any) -> list[bytes]:
    """Return requests that each tell of another paid Checkout Session; `fields` are what it holds besides."""
    moment = int(time.time())
    session = checkout_session(email="EMAIL@example.com", session_id="cs_test_SESSION", **fields)
    session |= {"payment_intent": "pi_SESSION", "customer": "cus_SESSION", "payment_link": LINK}
    pattern = json.dumps(event(session, event_id="evt_SESSION"), indent=2)
    return [_signed(pattern, uuid4().hex, moment) for _ in range(count)]


def _signed(pattern: str, name: str, moment: int) -> bytes:
    body = pattern.replace("SESSION", name).replace("EMAIL", name).encode()
    text = b"%d." % moment + body
    signature = hmac.new(WEBHOOK_SECRET.encode(), text, hashlib.sha256).hexdigest()
    return request("POST", PATH, body, stripe_signature=f"t={moment},v1={signature}")


async def _every_event_is_stored(site: Site) -> None:
    connection = await site.connect("billing")
    try:
        stored, paid = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM stripe_events), (SELECT count(*) FROM payments)"
        )
    finally:
        await connection.close()
    if stored != paid:
        raise RuntimeError(f"{stored} events were stored, and {paid} payments")
