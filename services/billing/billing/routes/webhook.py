"""Stripe's webhook: what it says is checked, stored and published, and nothing else."""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from billing.metrics import count_webhook
from billing.routes.refusals import refusals
from billing.schemas.webhook import Received
from billing.settings import BillingSettings
from billing.stripe_events import StripeInbox
from billing.stripe_webhook import verify
from shared.clock import Clock
from shared.errors import DomainError
from shared.http import resource
from shared.tracing import step

WEBHOOK_BYTES_MAX = 256 * 1024

router = APIRouter()


@router.post(
    "/api/webhooks/stripe",
    operation_id="stripe_webhook",
    max_body_size=WEBHOOK_BYTES_MAX,
    responses=refusals(400, 413),
)
@router.post("/api/stripe/webhook", max_body_size=WEBHOOK_BYTES_MAX, include_in_schema=False)
async def receive_stripe_event(
    request: Request,
    inbox: Annotated[StripeInbox, resource(StripeInbox)],
    settings: Annotated[BillingSettings, resource(BillingSettings)],
    clock: Annotated[Clock, resource(Clock)],
    stripe_signature: Annotated[str | None, Header(max_length=4096)] = None,
) -> Received:
    """Store what Stripe says, once, and publish what was paid; nothing else happens here."""
    body = await request.body()
    try:
        with step("verify stripe event", service="billing") as verified:
            event = verify(body, stripe_signature, settings.webhook_secrets, clock.now())
            verified.set_attribute("stripe.event.type", event.type)
    except DomainError as refusal:
        count_webhook(refusal.code)
        raise
    is_new = await inbox.receive(event, body)
    count_webhook("accepted" if is_new else "duplicate")
    return Received()
