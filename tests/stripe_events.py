"""Events as Stripe's API 2026-10-28.endive sends them, signed by Stripe's own library."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import stripe

WEBHOOK_SECRET = "whsec_of_a_test"
SAMPLE = Path(__file__).parent / "samples" / "checkout_session.json"
API_VERSION = "2026-10-28.endive"


def checkout_session(
    *,
    email: str | None = "payer@example.com",
    amount_cents: int = 1000,
    payment_status: str = "paid",
    session_id: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a Checkout Session that a payment link made; `fields` replace its usual ones."""
    session = json.loads(SAMPLE.read_text())
    session |= {
        "id": session_id or f"cs_test_{uuid4().hex}",
        "amount_subtotal": amount_cents,
        "amount_total": amount_cents,
        "created": int(time.time()),
        "customer": f"cus_{uuid4().hex[:14]}",
        "expires_at": int(time.time()) + 86_400,
        "payment_intent": f"pi_{uuid4().hex[:24]}",
        "payment_link": f"plink_{uuid4().hex[:24]}",
        "payment_status": payment_status,
    }
    session["customer_details"]["email"] = email
    return {**session, **fields}


def event(
    payload: Mapping[str, Any],
    *,
    type: str = "checkout.session.completed",  # noqa: A002 - Stripe's word
    event_id: str | None = None,
    livemode: bool = False,
) -> dict[str, Any]:
    """Return an event about an object."""
    return {
        "id": event_id or f"evt_{uuid4().hex[:24]}",
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": dict(payload)},
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
    }


def signed(body: Mapping[str, Any] | str, secret: str, *, at: int | None = None) -> dict[str, Any]:
    """Return the keyword arguments of a POST that delivers the body as Stripe does."""
    text = body if isinstance(body, str) else json.dumps(body, indent=2)
    signature = stripe.WebhookSignature.generate_signature_header(text, secret, at)
    headers = {"Stripe-Signature": signature, "Content-Type": "application/json; charset=utf-8"}
    return {"content": text.encode(), "headers": headers}
