"""Plans: subscriptions, their bills, and the credits that each paid period brings."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class Subscription(Base):
    """A subscription as Stripe last said that it is; of one that a bill alone told of, nothing but its id.

    `heard_at` and `heard_id` are the latest event of it. `heard_count` counts what was heard, `asked_count` how much
    of that is older than Stripe's own answer: where they differ Stripe is asked at `ask_at`. What follows from a
    status (a mail, a pause) follows from answers alone.
    """

    __tablename__ = "subscriptions"
    __table_args__ = (
        Index("ix_subscriptions_user_id", "user_id"),
        Index("ix_subscriptions_unowned", "id", postgresql_where=text("user_id IS NULL")),
        Index("ix_subscriptions_stripe_customer_id", "stripe_customer_id"),
        Index("ix_subscriptions_ask_at", "ask_at", postgresql_where=text("ask_at IS NOT NULL")),
        Index(
            "ix_subscriptions_grace_until",
            "grace_until",
            postgresql_where=text("grace_until IS NOT NULL AND paused_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    stripe_customer_id: Mapped[str | None]
    user_id: Mapped[UUID | None]
    price_id: Mapped[str | None]
    quantity: Mapped[int] = mapped_column(server_default="1")
    status: Mapped[str]
    current_period_start: Mapped[datetime | None]
    current_period_end: Mapped[datetime | None]
    cancel_at_period_end: Mapped[bool]
    cancel_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    latest_invoice_id: Mapped[str | None]
    heard_at: Mapped[datetime]
    heard_id: Mapped[str]
    heard_count: Mapped[int]
    asked_count: Mapped[int]
    ask_at: Mapped[datetime | None]
    past_due_at: Mapped[datetime | None]
    grace_until: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Invoice(Base):
    """A bill as its payer sees it; its id sorts by when Stripe made it."""

    __tablename__ = "invoices"
    __table_args__ = (
        Index("ix_invoices_stripe_customer_id_id", "stripe_customer_id", "id"),
        Index("ix_invoices_unfinished", "id", postgresql_where=text("status IN ('draft', 'open')")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    stripe_invoice_id: Mapped[str] = mapped_column(unique=True)
    number: Mapped[str | None]
    stripe_customer_id: Mapped[str | None]
    stripe_subscription_id: Mapped[str | None]
    status: Mapped[str]
    amount_due_cents: Mapped[int]
    amount_paid_cents: Mapped[int]
    currency: Mapped[str]
    hosted_url: Mapped[str | None]
    pdf_url: Mapped[str | None]
    created_at: Mapped[datetime]


class InvoicePayment(Base):
    """Which payment intent paid an invoice: refunds and disputes know the payment intent alone."""

    __tablename__ = "invoice_payments"
    __table_args__ = (Index("ix_invoice_payments_stripe_invoice_id", "stripe_invoice_id"),)

    stripe_payment_intent_id: Mapped[str] = mapped_column(primary_key=True)
    stripe_invoice_id: Mapped[str]


class PlanGrant(Base):
    """Credits of a plan for one month or one period; a year's are written down when the year is paid.

    `waiting` for its time and for its payer to be known, `granted`, `cut` with its payment's refund before it was
    granted, or `ended` with its subscription.
    """

    __tablename__ = "plan_grants"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("status IN ('waiting', 'granted', 'cut', 'ended')", name="status_known"),
        Index("ix_plan_grants_payment_id", "payment_id"),
        Index("ix_plan_grants_due", "due_at", postgresql_where=text("status = 'waiting'")),
        Index("ix_plan_grants_stripe_subscription_id", "stripe_subscription_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    stripe_subscription_id: Mapped[str]
    price_id: Mapped[str]
    amount: Mapped[int]
    status: Mapped[str]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
