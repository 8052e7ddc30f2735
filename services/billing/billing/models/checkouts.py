"""Visits to Stripe's payment page, and who its customers are."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class Checkout(Base):
    """A Checkout Session that we ask for, or have heard of where it begins a subscription.

    The row is there before Stripe is asked: its id is Stripe's idempotency key, so that whoever asks again,
    at once or later, is sent to the same page while it is open. `credits` are those of the price when it was
    opened.
    """

    __tablename__ = "checkouts"
    __table_args__ = (
        CheckConstraint("mode IN ('payment', 'subscription')", name="mode_known"),
        Index(
            "uq_checkouts_open",
            "user_id",
            "price_id",
            unique=True,
            postgresql_where=text("is_open AND user_id IS NOT NULL"),
        ),
        Index(
            "ix_checkouts_to_end",
            "id",
            postgresql_where=text("end_at IS NOT NULL"),
        ),
        Index(
            "ix_checkouts_stripe_subscription_id",
            "stripe_subscription_id",
            postgresql_where=text("stripe_subscription_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    stripe_checkout_session_id: Mapped[str | None] = mapped_column(unique=True)
    stripe_subscription_id: Mapped[str | None]
    user_id: Mapped[UUID | None]
    email: Mapped[str | None]
    price_id: Mapped[str | None]
    credits: Mapped[int]
    mode: Mapped[str]
    url: Mapped[str | None]
    is_open: Mapped[bool]
    status: Mapped[str]
    payment_status: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    end_at: Mapped[datetime | None]


class CheckoutRequest(Base):
    """The key of a request for a page, whether it had the page made or joined one that was open: it leads there for ever."""

    __tablename__ = "checkout_requests"

    request_key: Mapped[str] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    checkout_id: Mapped[UUID] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Customer(Base):
    """Who a user is at Stripe: one customer; the row is there before Stripe is asked for it.

    `tell_at` is when Stripe is told of an address that it does not have; `generation` counts the customers that were
    deleted there.
    """

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_tell_at", "tell_at", postgresql_where=text("tell_at IS NOT NULL")),
    )

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    stripe_customer_id: Mapped[str | None] = mapped_column(unique=True)
    email: Mapped[str]
    generation: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    tell_at: Mapped[datetime | None]
