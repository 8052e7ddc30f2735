"""The notifier's tables: addresses and messages; the constraints are the invariants."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Index, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.tables import NAMING
from shared.tracing import Origin


class Base(DeclarativeBase):
    """The notifier's tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {str: Text, datetime: DateTime(timezone=True), dict[str, Any]: JSONB}


class Contact(Base):
    """Where a user is reached."""

    __tablename__ = "contacts"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str]
    learned_at: Mapped[datetime]


class Message(Base):
    """One mail for one cause: what it says, and how far it has come.

    `user_id` is empty where it goes to the operator, `to_address` until the address is known; `attempts` is the fencing number of the lease;
    `unknown_count` counts attempts after which nobody can tell whether the mail was accepted. `payment_id` is
    the payment that it answers: others are told when it is sent.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sending', 'sent', 'failed')", name="state"),
        CheckConstraint("(state = 'sending') = (lease_ends_at IS NOT NULL)", name="lease"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent"),
        CheckConstraint(
            "state <> 'sent' OR (to_address IS NOT NULL AND sealed_token IS NULL)",
            name="sent_without_token",
        ),
        CheckConstraint("user_id IS NOT NULL OR to_address IS NOT NULL", name="addressed"),
        CheckConstraint("attempts >= 0 AND unknown_count BETWEEN 0 AND 2", name="attempts"),
        Index("ix_messages_queued", "next_attempt_at", postgresql_where=text("state = 'queued'")),
        Index("ix_messages_sending", "lease_ends_at", postgresql_where=text("state = 'sending'")),
        Index("ix_messages_user_id_id", "user_id", "id"),
        Index("ix_messages_state_id", "state", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    cause: Mapped[str] = mapped_column(unique=True)
    template: Mapped[str]
    user_id: Mapped[UUID | None]
    payment_id: Mapped[UUID | None]
    to_address: Mapped[str | None]
    parameters: Mapped[dict[str, Any]]
    sealed_token: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="queued")
    attempts: Mapped[int] = mapped_column(server_default="0")
    unknown_count: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime]
    lease_ends_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    correlation_id: Mapped[UUID | None]
    traceparent: Mapped[str | None]

    @property
    def origin(self) -> Origin:
        """The action that the mail answers."""
        return Origin(self.correlation_id, self.traceparent)
