"""What Stripe said, what was paid, and whose the addresses are."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base
from shared.tracing import Origin


class Address(Base):
    """An e-mail address that auth told us of, as a key, and whether it is known to be its user's."""

    __tablename__ = "addresses"

    email_key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    is_verified: Mapped[bool]


class PaymentStatus(StrEnum):
    """Where a payment stands, in this order.

    `arrived` is paid, and Stripe is asked what for; `review` is paid, but not by a rule we know: people decide, and
    then it is `closed`, as a bill of nothing is at once.
    """

    OPEN = "open"
    FAILED = "failed"
    EXPIRED = "expired"
    ARRIVED = "arrived"
    REVIEW = "review"
    CLOSED = "closed"
    PAID = "paid"
    GRANTED = "granted"


class Payment(Base):
    """What was paid at Stripe, a Checkout Session or an invoice, and what it is worth to us.

    `credits` are all that it buys, of a plan those of every month that it pays for; `refund_taken` and
    `dispute_taken` are how many of them are taken back now, and why. `identify_at` is when Stripe is asked
    what was bought.
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_cents >= 0 AND credits >= 0", name="amounts_not_negative"),
        CheckConstraint("status <> 'granted' OR user_id IS NOT NULL", name="granted_to_somebody"),
        CheckConstraint(
            "num_nonnulls(stripe_checkout_session_id, stripe_invoice_id) = 1", name="one_thing_paid"
        ),
        CheckConstraint(
            "refund_taken >= 0 AND dispute_taken >= 0 AND refund_taken + dispute_taken <= credits",
            name="taken_bounds",
        ),
        Index("ix_payments_waiting", "email_key", postgresql_where=text("status = 'paid'")),
        Index("ix_payments_waiting_of", "user_id", postgresql_where=text("status = 'paid'")),
        Index("ix_payments_review", "id", postgresql_where=text("status = 'review'")),
        Index("ix_payments_arrived", "identify_at", postgresql_where=text("status = 'arrived'")),
        Index(
            "ix_payments_stripe_payment_intent_id",
            "stripe_payment_intent_id",
            postgresql_where=text("stripe_payment_intent_id IS NOT NULL"),
        ),
        Index(
            "ix_payments_stripe_subscription_id",
            "stripe_subscription_id",
            postgresql_where=text("stripe_subscription_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    stripe_checkout_session_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_invoice_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_subscription_id: Mapped[str | None]
    stripe_payment_intent_id: Mapped[str | None]
    stripe_customer_id: Mapped[str | None]
    price_id: Mapped[str | None]
    email: Mapped[str | None]
    email_key: Mapped[str | None]
    user_id: Mapped[UUID | None]
    amount_cents: Mapped[int]
    subtotal_cents: Mapped[int | None]
    currency: Mapped[str]
    credits: Mapped[int]
    status: Mapped[str]
    note: Mapped[str | None]
    refund_taken: Mapped[int] = mapped_column(default=0, server_default="0")
    dispute_taken: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    granted_at: Mapped[datetime | None]
    opened_account: Mapped[bool | None]
    email_state: Mapped[str | None]
    identify_at: Mapped[datetime | None]
    identify_count: Mapped[int] = mapped_column(default=0, server_default="0")
    correlation_id: Mapped[UUID | None]
    traceparent: Mapped[str | None]

    @property
    def origin(self) -> Origin:
        """The action that the payment was told in."""
        return Origin(self.correlation_id, self.traceparent)


class StripeEvent(Base):
    """An event as Stripe sent it, stored once by its id; `outcome` says what it led to."""

    __tablename__ = "stripe_events"

    id: Mapped[str] = mapped_column(primary_key=True)
    type: Mapped[str]
    api_version: Mapped[str | None]
    livemode: Mapped[bool]
    payload: Mapped[bytes]
    outcome: Mapped[str]
    received_at: Mapped[datetime]
