"""The ledger of credits: double entry and append only.

A posting moves credits between a user's account and one of the system's (`SystemAccount`), so the sum over all
accounts is zero by its form; a balance is the sum of its postings, kept in the account's row and provable at
any time (`proof.prove`).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class SystemAccount(StrEnum):
    """The other side of every posting."""

    SALES = "sales"
    PROMOTION = "promotion"
    ADJUSTMENT = "adjustment"
    DELIVERED = "delivered"


class Kind(StrEnum):
    """Why credits moved."""

    PURCHASE = "purchase"
    BONUS = "bonus"
    ADMIN_GRANT = "admin_grant"
    CAPTURE = "capture"


class Account(Base):
    """A user's credits. `version` counts every change, `line` the postings: both without a gap."""

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("balance >= reserved", name="available_not_negative"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(unique=True)
    balance: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column(default=0)
    line: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]

    @property
    def available(self) -> int:
        """What can be spent: the balance less what is held."""
        return self.balance - self.reserved


class Posting(Base):
    """One immutable line of the ledger: credits between a user's account and a system account.

    `amount` is positive when it goes to the user; `key` names its cause and makes it happen once.
    """

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("amount <> 0 AND abs(amount) <= 1000000000", name="amount_bounds"),
        CheckConstraint("balance_after >= 0", name="balance_after_not_negative"),
        UniqueConstraint("account_id", "line"),
        Index(
            "ix_postings_payment_id",
            "payment_id",
            postgresql_where=text("payment_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    counterpart: Mapped[str]
    line: Mapped[int]
    amount: Mapped[int]
    balance_after: Mapped[int]
    kind: Mapped[str]
    description: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    task_id: Mapped[UUID | None]
    created_at: Mapped[datetime]


class Lot(Base):
    """What one grant still has to spend; no catalogue edit touches it."""

    __tablename__ = "lots"
    __table_args__ = (
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining_bounds"),
        Index("ix_lots_to_spend", "account_id", postgresql_where=text("remaining > 0")),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("postings.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    amount: Mapped[int]
    remaining: Mapped[int]
    expires_at: Mapped[datetime | None]


class LotUse(Base):
    """How much of a lot a posting spent; immutable."""

    __tablename__ = "lot_uses"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_lot_uses_lot_id", "lot_id"),
    )

    posting_id: Mapped[UUID] = mapped_column(ForeignKey("postings.id"), primary_key=True)
    lot_id: Mapped[UUID] = mapped_column(ForeignKey("lots.id"), primary_key=True)
    amount: Mapped[int]


class Hold(Base):
    """Credits set aside for one task; ends once, in a capture and a release that add up to it."""

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        CheckConstraint("captured >= 0 AND released >= 0", name="parts_not_negative"),
        CheckConstraint(
            "(settled_at IS NULL AND captured = 0 AND released = 0)"
            " OR (settled_at IS NOT NULL AND captured + released = amount)",
            name="settled_in_full",
        ),
        Index("ix_holds_open", "account_id", postgresql_where=text("settled_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    task_id: Mapped[UUID] = mapped_column(unique=True)
    amount: Mapped[int]
    terms: Mapped[dict[str, Any]]
    captured: Mapped[int] = mapped_column(default=0)
    released: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]


class Proof(Base):
    """How far the proof of one table has come: its present walk, and what the last whole one found."""

    __tablename__ = "proofs"

    subject: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[UUID]
    found: Mapped[dict[str, Any]]
    broken: Mapped[dict[str, Any]]
    began_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    due_at: Mapped[datetime]
