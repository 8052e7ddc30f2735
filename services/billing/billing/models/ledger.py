"""The ledger of credits: double entry and append only.

A posting moves credits between a user's account and one of the system's (`SystemAccount`), so the sum over all
accounts is zero by its form; a balance is the sum of its postings, kept in the account's row and provable at
any time (`proof.prove`). Each posting carries a hash of itself and of the one before it (`chain`).
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class SystemAccount(StrEnum):
    """The other side of every posting."""

    SALES = "sales"
    PROMOTION = "promotion"
    ADJUSTMENT = "adjustment"
    DELIVERED = "delivered"
    REFUNDS = "refunds"
    DISPUTES = "disputes"
    EXPIRED = "expired"
    GOODWILL = "goodwill"


class Kind(StrEnum):
    """Why credits moved."""

    PURCHASE = "purchase"
    SUBSCRIPTION = "subscription"
    BONUS = "bonus"
    ADMIN_GRANT = "admin_grant"
    GOODWILL = "goodwill"
    ADJUSTMENT = "adjustment"
    CAPTURE = "capture"
    REFUND = "refund"
    DISPUTE = "dispute"
    REINSTATEMENT = "reinstatement"
    EXPIRY = "expiry"


class Account(Base):
    """A user's credits. `version` counts every change, `line` the postings: both without a gap.

    `reserved` is what open holds set aside, `paused` what can be spent by nobody while its subscription is unpaid:
    what paused lots have left, less what holds would need of it once all else is spent. Who owes (`debt`) has
    nothing to spend. `hash` is that of the last line.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        CheckConstraint("balance >= reserved", name="available_not_negative"),
        CheckConstraint(
            "paused_remaining >= 0 AND paused_remaining <= balance", name="paused_bounds"
        ),
        CheckConstraint("debt >= 0", name="debt_not_negative"),
        CheckConstraint("debt = 0 OR balance = reserved + paused", name="who_owes_has_nothing"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(unique=True)
    balance: Mapped[int] = mapped_column(default=0)
    reserved: Mapped[int] = mapped_column(default=0)
    paused_remaining: Mapped[int] = mapped_column(default=0, server_default="0")
    paused: Mapped[int] = mapped_column(Computed("least(paused_remaining, balance - reserved)"))
    debt: Mapped[int] = mapped_column(default=0, server_default="0")
    is_low: Mapped[bool] = mapped_column(default=False, server_default=false())
    version: Mapped[int] = mapped_column(default=0)
    line: Mapped[int] = mapped_column(default=0)
    hash: Mapped[bytes | None]
    created_at: Mapped[datetime]

    @property
    def available(self) -> int:
        """What can be spent: the balance less what is held and what is paused."""
        return self.balance - self.reserved - self.paused


class Posting(Base):
    """One immutable line of the ledger: credits between a user's account and a system account.

    `amount` is positive when it goes to the user; `key` names its cause and makes it happen once; `hash` is over
    the line and the hash of the one before.
    """

    __tablename__ = "postings"
    __table_args__ = (
        CheckConstraint("amount <> 0 AND abs(amount) <= 1000000000", name="amount_bounds"),
        CheckConstraint("balance_after >= 0", name="balance_after_not_negative"),
        CheckConstraint("octet_length(hash) = 32", name="hash_length"),
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
    hash: Mapped[bytes]


class Lot(Base):
    """What one grant still has to spend, and which payment it came from; no catalogue edit touches it.

    `notice_at` is when its owner is told next that it will expire.
    """

    __tablename__ = "lots"
    __table_args__ = (
        CheckConstraint("remaining >= 0 AND remaining <= amount", name="remaining_bounds"),
        Index("ix_lots_to_spend", "account_id", postgresql_where=text("remaining > 0")),
        Index(
            "ix_lots_expiring",
            "expires_at",
            postgresql_where=text("remaining > 0 AND expires_at IS NOT NULL"),
        ),
        Index(
            "ix_lots_notice_at",
            "notice_at",
            postgresql_where=text("remaining > 0 AND notice_at IS NOT NULL"),
        ),
        Index(
            "ix_lots_subscription_id",
            "subscription_id",
            postgresql_where=text("subscription_id IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("postings.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    kind: Mapped[str]
    amount: Mapped[int]
    remaining: Mapped[int]
    expires_at: Mapped[datetime | None]
    payment_id: Mapped[UUID | None] = mapped_column(ForeignKey("payments.id"))
    subscription_id: Mapped[str | None]
    is_paused: Mapped[bool] = mapped_column(default=False, server_default=false())
    notice_at: Mapped[datetime | None]


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
        Index("ix_holds_settled_at", "settled_at", postgresql_using="brin"),
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


class GrantOrder(Base):
    """Which operator ordered a grant; its owner reads the reason alone."""

    __tablename__ = "grant_orders"

    posting_id: Mapped[UUID] = mapped_column(ForeignKey("postings.id"), primary_key=True)
    ordered_by: Mapped[str]


class Usage(Base):
    """What credits were spent on through the API: a capture's feature, and what its caller says of it."""

    __tablename__ = "usages"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_usages_account_id_id", "account_id", "id"),
        Index("ix_usages_account_id_feature_id", "account_id", "feature", "id"),
    )

    id: Mapped[UUID] = mapped_column(ForeignKey("postings.id"), primary_key=True)
    account_id: Mapped[UUID] = mapped_column(ForeignKey("accounts.id"))
    feature: Mapped[str]
    amount: Mapped[int]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    created_at: Mapped[datetime]
