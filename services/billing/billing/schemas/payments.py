"""Payments over HTTP."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from billing.schemas.credits import CREDITS_MAX
from billing.schemas.refunds import Reason
from shared.ids import PaymentId, UserId


class Closing(BaseModel):
    """What was decided about a payment in review: why, and which credits it buys, if any."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason
    credits: Annotated[int, Field(ge=0, le=CREDITS_MAX, strict=True)] = 0


class PaymentView(BaseModel):
    """A payment as operators see it."""

    id: PaymentId
    stripe_checkout_session_id: str | None
    stripe_invoice_id: str | None
    stripe_payment_intent_id: str | None
    price_id: str | None
    email: str | None
    user_id: UserId | None
    amount_cents: int
    currency: str
    credits: int
    refund_taken: int
    dispute_taken: int
    status: str
    note: str | None
    created_at: datetime
    paid_at: datetime | None


class Payments(BaseModel):
    """A page of payments, newest first."""

    payments: list[PaymentView]
    next_cursor: str | None
