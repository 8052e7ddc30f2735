"""One question to Stripe: its answer in our shapes, or our refusal; never what the library raises."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import stripe
import structlog
from opentelemetry.trace import SpanKind
from pydantic import ValidationError

from billing.gateway import (
    ShapeT,
    StripeAway,
    StripeFailed,
    StripeMissing,
    StripeRefused,
    StripeUnreadable,
)
from billing.shapes.fields import fields_of
from shared.tracing import step

log = structlog.get_logger()

T = TypeVar("T")

CALL_S_MAX = 25


async def found_by_id(kind: type[ShapeT], what: str, asking: Awaitable[Any]) -> ShapeT | None:
    """Return what was asked for by its id, or None where Stripe has nothing of it."""
    try:
        return shaped(kind, await asked(what, asking))
    except StripeMissing:
        return None


async def asked(what: str, asking: Awaitable[T]) -> T:
    """Return Stripe's answer; raise StripeAway or StripeRefused."""
    with step(f"stripe {what}", service="billing", kind=SpanKind.CLIENT), _refusals(what):
        async with asyncio.timeout(CALL_S_MAX):
            return await asking


@contextmanager
def _refusals(what: str) -> Iterator[None]:
    """Turn what the library raises into our refusals."""
    try:
        yield
    except (TimeoutError, stripe.APIConnectionError, stripe.RateLimitError) as flaw:
        log.warning("stripe_away", asked=what, reason=type(flaw).__name__)
        raise StripeAway from flaw
    except stripe.StripeError as flaw:
        raise _refusal(what, flaw) from flaw


def _refusal(what: str, flaw: stripe.StripeError) -> StripeAway | StripeRefused:
    status, reason = flaw.http_status or 0, flaw.user_message or type(flaw).__name__
    if status == HTTPStatus.NOT_FOUND or flaw.code == "resource_missing":
        return StripeMissing(reason, stripe_code=flaw.code)
    log.warning(
        "stripe_refused", asked=what, status=status, code=flaw.code, request=flaw.request_id
    )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StripeFailed()
    if status == HTTPStatus.CONFLICT:
        return StripeAway()
    return StripeRefused(reason, stripe_code=flaw.code)


def shaped(kind: type[ShapeT], found: Any) -> ShapeT:
    """Return Stripe's object in our shape; raise StripeUnreadable, which names it, where it does not fit."""
    try:
        return kind.model_validate(found.to_dict())
    except ValidationError as flaw:
        fields = fields_of(flaw)
        name, object_id = kind.__name__, getattr(found, "id", None)
        log.warning("stripe_object_unknown", kind=name, id=object_id, fields=fields)
        sentence = f"{name} {object_id}: not as we know it ({fields})"
        raise StripeUnreadable(sentence) from flaw
