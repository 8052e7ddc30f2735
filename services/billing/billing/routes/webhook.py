"""Stripe's webhook: what it says is checked, stored and published, and nothing else."""

from typing import Annotated

from fastapi import APIRouter, Header, Request

from billing.metrics import count_webhook
from billing.routes.refusals import refusals
from billing.schemas.webhook import Received
from billing.stripe_events import StripeInbox
from shared.errors import DomainError
from shared.http import resource

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
    stripe_signature: Annotated[str | None, Header(max_length=4096)] = None,
) -> Received:
    """Store what Stripe says, once, and publish what was paid; nothing else happens here."""
    body = await request.body()
    try:
        is_new = await inbox.receive(body, stripe_signature)
    except DomainError as refusal:
        count_webhook(refusal.code)
        raise
    count_webhook("accepted" if is_new else "duplicate")
    return Received()
