"""What Stripe sends: verified over the raw bytes, and read as an event; what it is about is read by its type."""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import Field, ValidationError
from stripe import SignatureVerificationError, WebhookSignature

from billing.shapes import Shape
from shared.errors import DomainError

TOLERANCE_S = 300
_TIMESTAMP = re.compile(r"(?:^|,)\s*t=(\d{1,12})(?:,|$)")


class BadSignature(DomainError):
    """The signature does not match this body, or is not of the last five minutes."""

    code = "bad_signature"


class BadPayload(DomainError):
    """The body is not an event of Stripe's."""

    code = "bad_payload"


class EventFrame(Shape):
    """The outer form of every event; what is inside is read by type."""

    id: str = Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
    object: Literal["event"]
    type: str = Field(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")
    api_version: str | None = Field(default=None, max_length=100, pattern=r"^[\x21-\x7e]*$")
    livemode: bool
    created: int = Field(default=0, ge=0, lt=10**10)
    data: dict[str, Any]


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
