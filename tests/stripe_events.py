"""Events as Stripe's API 2026-10-28.endive sends them, signed by Stripe's own library."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import stripe

WEBHOOK_SECRET = "whsec_of_a_test"
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
    status = "open" if payment_status == "unpaid" and not fields.get("status") else "complete"
    session = {
        "id": session_id or f"cs_test_{uuid4().hex}",
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": False,
        "amount_subtotal": amount_cents,
        "amount_total": amount_cents,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": "https://example.com/credits",
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": int(time.time()),
        "currency": "usd",
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": f"cus_{uuid4().hex[:14]}",
        "customer_account": None,
        "customer_creation": "always",
        "customer_details": {
            "address": None,
            "business_name": None,
            "email": email,
            "individual_name": None,
            "name": "Pat Payer",
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "customer_email": None,
        "discounts": [],
        "expires_at": int(time.time()) + 86_400,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": {},
        "mode": "payment",
        "origin_context": None,
        "payment_intent": f"pi_{uuid4().hex[:24]}",
        "payment_link": f"plink_{uuid4().hex[:24]}",
        "payment_method_collection": "always",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "presentment_details": None,
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": status,
        "submit_type": None,
        "subscription": None,
        "success_url": "https://example.com/dashboard/credits/success",
        "tax_id_collection": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": None,
        "wallet_options": None,
    }
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
