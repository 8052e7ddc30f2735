"""What Stripe said, what was paid, and whose the addresses are."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class Address(Base):
    """An e-mail address that auth told us of, as a key, and whether it is known to be its user's."""

    __tablename__ = "addresses"

    email_key: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    is_verified: Mapped[bool]


class PaymentStatus(StrEnum):
    """Where a payment stands; `review` is paid, but not by a rule we know: people decide."""

    OPEN = "open"
    FAILED = "failed"
    EXPIRED = "expired"
    REVIEW = "review"
    PAID = "paid"
    GRANTED = "granted"


class Payment(Base):
    """A Checkout Session at Stripe and what it is worth to us."""

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount_cents >= 0 AND credits >= 0", name="amounts_not_negative"),
        CheckConstraint("status <> 'granted' OR user_id IS NOT NULL", name="granted_to_somebody"),
        Index("ix_payments_waiting", "email_key", postgresql_where=text("status = 'paid'")),
        Index("ix_payments_waiting_of", "user_id", postgresql_where=text("status = 'paid'")),
        Index("ix_payments_review", "id", postgresql_where=text("status = 'review'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    stripe_checkout_session_id: Mapped[str] = mapped_column(unique=True)
    stripe_payment_intent_id: Mapped[str | None]
    stripe_customer_id: Mapped[str | None]
    email: Mapped[str | None]
    email_key: Mapped[str | None]
    user_id: Mapped[UUID | None]
    amount_cents: Mapped[int]
    currency: Mapped[str]
    credits: Mapped[int]
    status: Mapped[str]
    note: Mapped[str | None]
    created_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]


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
