"""Money that goes back."""

from pydantic import Field

from billing.shapes.fields import (
    Cents,
    Currency,
    Id,
    Metadata,
    Moment,
    Reference,
    Shape,
    Storable,
    Word,
)


class Refund(Shape):
    """Money on its way back."""

    id: Id
    amount: Cents
    currency: Currency
    status: Word = "pending"
    payment_intent: Reference = None
    charge: Reference = None
    reason: Storable = None
    failure_reason: Storable = None
    created: Moment
    metadata: Metadata = Field(default_factory=dict)


class Charge(Shape):
    """A card that was charged; `amount_refunded` is the sum of what went back."""

    id: Id
    payment_intent: Reference = None
    amount_refunded: Cents
    currency: Currency


class Dispute(Shape):
    """A payer who asked the bank for the money."""

    id: Id
    amount: Cents
    currency: Currency
    status: Word
    payment_intent: Reference = None
    charge: Reference = None
    reason: Storable = None
    created: Moment
