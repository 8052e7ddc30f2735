"""Money that goes back."""

from pydantic import Field

from billing.shapes.fields import (
    Cents,
    Currency,
    Metadata,
    Moment,
    Reference,
    Storable,
    Thing,
    Word,
)


class Refund(Thing):
    """Money on its way back."""

    amount: Cents
    currency: Currency
    status: Word = "pending"
    payment_intent: Reference = None
    charge: Reference = None
    reason: Storable = None
    failure_reason: Storable = None
    created: Moment
    metadata: Metadata = Field(default_factory=dict)


class Charge(Thing):
    """A card that was charged; `amount_refunded` is the sum of what went back."""

    payment_intent: Reference = None
    amount_refunded: Cents
    currency: Currency


class Dispute(Thing):
    """A payer who asked the bank for the money."""

    amount: Cents
    currency: Currency
    status: Word
    payment_intent: Reference = None
    charge: Reference = None
    reason: Storable = None
    created: Moment
