"""Payments that are taken back: what of them was, what is owed, what was given back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class Reversal(Base):
    """Credits of a payment taken back (refund, dispute), or given back of what was taken; immutable.

    `moved` of `amount` was posted under the same id; the rest became a debt, or was forgiven. `revoked_after` is
    how much of the payment's credits is taken back then, never more than there are; `number` counts the reversals
    of one payment.
    """

    __tablename__ = "reversals"
    __table_args__ = (
        CheckConstraint("kind IN ('refund', 'dispute', 'reinstatement')", name="kind_known"),
        CheckConstraint("amount > 0 AND moved >= 0 AND moved <= amount", name="moved_bounds"),
        CheckConstraint("revoked_after >= 0 AND revoked_after <= credits", name="within_payment"),
        UniqueConstraint("payment_id", "number"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    number: Mapped[int]
    kind: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    amount: Mapped[int]
    moved: Mapped[int]
    credits: Mapped[int]
    revoked_after: Mapped[int]
    created_at: Mapped[datetime]


class Debt(Base):
    """What a reversal could not take: repaid by the next credits that become available, or forgiven.

    `account_version` orders the debts of an account; `repaid_count` counts the postings that repaid it.
    """

    __tablename__ = "debts"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint(
            "repaid >= 0 AND forgiven >= 0 AND repaid + forgiven <= amount", name="paid_bounds"
        ),
        Index(
            "ix_debts_open",
            "account_id",
            postgresql_where=text("amount > repaid + forgiven"),
        ),
        Index("ix_debts_payment_id", "payment_id"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("reversals.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    payment_id: Mapped[UUID] = mapped_column(ForeignKey("payments.id"))
    kind: Mapped[str]
    cause: Mapped[str]
    description: Mapped[str]
    amount: Mapped[int]
    repaid: Mapped[int]
    forgiven: Mapped[int]
    repaid_count: Mapped[int]
    account_version: Mapped[int]
    created_at: Mapped[datetime]
