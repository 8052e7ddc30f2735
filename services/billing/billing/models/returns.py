"""Money that goes back: refunds and disputes at Stripe, and the refunds that operators ask for."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base

UNMATCHED = text("payment_id IS NULL AND match_at IS NOT NULL")


class Refund(Base):
    """A refund at Stripe. `match_at` is when its payment is looked for, while it is not known."""

    __tablename__ = "refunds"
    __table_args__ = (
        Index("ix_refunds_stripe_payment_intent_id", "stripe_payment_intent_id"),
        Index("ix_refunds_payment_id", "payment_id"),
        Index("ix_refunds_match_at", "match_at", postgresql_where=UNMATCHED),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    stripe_payment_intent_id: Mapped[str | None]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    request_id: Mapped[UUID | None]
    amount_cents: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str | None]
    failure_reason: Mapped[str | None]
    created_at: Mapped[datetime]
    match_at: Mapped[datetime | None]
    match_count: Mapped[int] = mapped_column(server_default="0")


class Charge(Base):
    """How much of a charge went back at least, as `charge.refunded` said before its refunds were known."""

    __tablename__ = "charges"
    __table_args__ = (
        Index("ix_charges_stripe_payment_intent_id", "stripe_payment_intent_id"),
        Index("ix_charges_payment_id", "payment_id"),
        Index("ix_charges_match_at", "match_at", postgresql_where=UNMATCHED),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    stripe_payment_intent_id: Mapped[str | None]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    refunded_cents: Mapped[int]
    match_at: Mapped[datetime | None]
    match_count: Mapped[int] = mapped_column(server_default="0")


class Dispute(Base):
    """A dispute at Stripe; it counts while it is open and when it is lost."""

    __tablename__ = "disputes"
    __table_args__ = (
        Index("ix_disputes_stripe_payment_intent_id", "stripe_payment_intent_id"),
        Index("ix_disputes_payment_id", "payment_id"),
        Index("ix_disputes_match_at", "match_at", postgresql_where=UNMATCHED),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    stripe_payment_intent_id: Mapped[str | None]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    amount_cents: Mapped[int]
    currency: Mapped[str]
    status: Mapped[str]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]
    heard_at: Mapped[datetime]
    heard_id: Mapped[str]
    match_at: Mapped[datetime | None]
    match_count: Mapped[int] = mapped_column(server_default="0")


class RefundRequest(Base):
    """A refund that an operator asks for: requested, approved (its credits are taken back then), made; or not.

    A payment has one in the making.
    """

    __tablename__ = "refund_requests"
    __table_args__ = (
        CheckConstraint("amount_cents > 0", name="amount_positive"),
        CheckConstraint(
            "status IN ('requested', 'approved', 'made', 'failed', 'rejected')", name="status_known"
        ),
        Index(
            "uq_refund_requests_in_the_making",
            "payment_id",
            unique=True,
            postgresql_where=text("status IN ('requested', 'approved')"),
        ),
        Index(
            "ix_refund_requests_make_at", "make_at", postgresql_where=text("status = 'approved'")
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    amount_cents: Mapped[int]
    reason: Mapped[str]
    status: Mapped[str]
    stripe_refund_id: Mapped[str | None] = mapped_column(unique=True)
    failure: Mapped[str | None]
    requested_by: Mapped[str]
    created_at: Mapped[datetime]
    make_at: Mapped[datetime | None]
    make_count: Mapped[int] = mapped_column(server_default="0")


class RefundStep(Base):
    """Who did what to a refund request, and when; immutable."""

    __tablename__ = "refund_steps"
    __table_args__ = (Index("ix_refund_steps_request_id", "request_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID] = mapped_column(ForeignKey("refund_requests.id"))
    step: Mapped[str]
    by: Mapped[str]
    note: Mapped[str | None]
    created_at: Mapped[datetime]
