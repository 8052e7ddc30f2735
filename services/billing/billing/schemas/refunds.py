"""Refunds that operators ask for, over HTTP."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.ids import PaymentId, RefundId
from shared.text import Text

Reason = Annotated[Text, Field(min_length=1, max_length=500)]


class RefundStatus(StrEnum):
    """How far a refund is."""

    REQUESTED = "requested"
    APPROVED = "approved"
    MADE = "made"
    FAILED = "failed"
    REJECTED = "rejected"


class RefundAsked(BaseModel):
    """Money that shall go back: all that is left unless an amount is given."""

    model_config = ConfigDict(extra="forbid")

    amount_cents: Annotated[int | None, Field(gt=0, le=10**9, strict=True)] = None
    reason: Reason


class Rejection(BaseModel):
    """Why money shall not go back."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class StepView(BaseModel):
    """Who did what, and when."""

    model_config = ConfigDict(from_attributes=True)

    step: str
    by: str
    note: str | None
    created_at: datetime


class RefundView(BaseModel):
    """A refund in the making, or made: of which payment, and who paid it."""

    id: RefundId
    payment_id: PaymentId
    payer: str | None
    amount_cents: int
    currency: str
    reason: str
    status: RefundStatus
    stripe_refund_id: str | None
    failure: str | None
    requested_by: str
    created_at: datetime
    steps: list[StepView]


class Refunds(BaseModel):
    """A page of refunds, newest first."""

    refunds: list[RefundView]
    next_cursor: str | None
