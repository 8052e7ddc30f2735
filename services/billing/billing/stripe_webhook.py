"""What Stripe sends: verified over the raw bytes, then read into the few shapes we know."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from stripe import SignatureVerificationError, WebhookSignature

from shared.errors import DomainError

TOLERANCE_S = 300
ADDRESS_CHARS_MAX = 320
_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f\ud800-\udfff]+@[^@\s\x00-\x1f\x7f\ud800-\udfff]+")
_ID = re.compile(r"[\x21-\x7e]{1,255}")
_TIMESTAMP = re.compile(r"(?:^|,)\s*t=(\d{1,12})(?:,|$)")


class BadSignature(DomainError):
    """The signature does not match this body, or is not of the last five minutes."""

    code = "bad_signature"


class BadPayload(DomainError):
    """The body is not an event of Stripe's."""

    code = "bad_payload"


class EventFrame(BaseModel):
    """The outer form of every event; what is inside is read by type."""

    id: str = Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
    object: Literal["event"]
    type: str = Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
    api_version: str | None = Field(default=None, max_length=100, pattern=r"^[\x21-\x7e]*$")
    livemode: bool
    data: dict[str, Any]


class _CustomerDetails(BaseModel):
    email: str | None = None


class CheckoutSession(BaseModel):
    """The fields of a Checkout Session that we act upon (API 2026-10-28.endive)."""

    id: str = Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
    mode: Literal["payment", "setup", "subscription"]
    payment_status: Literal["no_payment_required", "paid", "unpaid"]
    amount_subtotal: int | None = Field(default=None, ge=0, le=10**9)
    amount_total: int | None = Field(default=None, ge=0, le=10**9)
    currency: str | None = Field(default=None, max_length=10, pattern=r"^[a-z]+$")
    client_reference_id: str | None = None
    customer: str | dict[str, Any] | None = None
    customer_email: str | None = None
    customer_details: _CustomerDetails | None = None
    payment_intent: str | dict[str, Any] | None = None

    @property
    def email(self) -> str | None:
        """The payer's address as Stripe collected it, or None where it is none that can be written to."""
        collected = self.customer_details.email if self.customer_details else None
        text = (collected or self.customer_email or "").strip()
        return text if _ADDRESS.fullmatch(text) and len(text) <= ADDRESS_CHARS_MAX else None


def verify(body: bytes, signature: str | None, secrets: Sequence[str], now: datetime) -> EventFrame:
    """Return the event of a webhook request; raise BadSignature or BadPayload, whatever was sent.

    Stripe's library checks the signature; on its own it lets timestamps of the future pass and fails on
    non-ASCII signatures and bodies with errors of other kinds.
    """
    _check_signature(body, signature or "", secrets, now)
    try:
        return EventFrame.model_validate(json.loads(body))
    except (ValidationError, ValueError, RecursionError):
        raise BadPayload from None


def object_id(reference: str | dict[str, Any] | None) -> str | None:
    """Return the id of an expandable field, expanded or not; None for what is no id."""
    value = reference.get("id") if isinstance(reference, dict) else reference
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def _check_signature(body: bytes, signature: str, secrets: Sequence[str], now: datetime) -> None:
    timestamp = _TIMESTAMP.search(signature)
    if not signature.isascii() or timestamp is None:
        raise BadSignature
    if abs(now.timestamp() - int(timestamp[1])) > TOLERANCE_S:
        raise BadSignature
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadPayload from None
    if not any(_matches(text, signature, secret) for secret in secrets):
        raise BadSignature


def _matches(text: str, signature: str, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(text, signature, secret))
    except (SignatureVerificationError, ValueError, TypeError):
        return False
