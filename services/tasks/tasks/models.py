"""The tables of tasks: what was asked and agreed, what came of it, and each user's stream of changes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.contracts.tasks import Terms
from shared.tables import NAMING
from tasks.status import FINAL_RANK, RANK, Status

STATUSES = ", ".join(f"'{status}'" for status in Status)


class Base(DeclarativeBase):
    """The tables of tasks."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        bytes: LargeBinary,
        UUID: Uuid,
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
    }


class Task(Base):
    """What a customer asked for on agreed terms, and what came of it.

    `note` and `draft` are the latest signs of life of the present attempt; they end with the task.
    """

    __tablename__ = "tasks"
    __table_args__ = (
        CheckConstraint(f"status IN ({STATUSES})", name="status_known"),
        CheckConstraint("expected >= 0 AND expected <= maximum", name="expected_within_maximum"),
        CheckConstraint("credits_spent >= 0 AND credits_spent <= maximum", name="spent_in_terms"),
        Index("ix_tasks_user_id_id", "user_id", "id"),
        Index("ix_tasks_status_id", "status", "id"),
        Index("ix_tasks_pending", "user_id", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    description: Mapped[str]
    agent_type: Mapped[str]
    status: Mapped[str]
    expected: Mapped[int]
    maximum: Mapped[int]
    per_unit_milli: Mapped[int | None]
    rate_card_version: Mapped[str]
    credits_spent: Mapped[int]
    is_cancel_requested: Mapped[bool]
    executor: Mapped[str | None]
    attempt: Mapped[int]
    note: Mapped[str | None]
    draft: Mapped[str | None]
    progressed_at: Mapped[datetime | None]
    result: Mapped[str | None]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return RANK[Status(self.status)] == FINAL_RANK

    def advance(self, status: Status) -> bool:
        """Move on to a later status, never back and never away from a final one; tell whether it moved."""
        if RANK[status] <= RANK[Status(self.status)]:
            return False
        self.status = status
        return True


class TaskEvent(Base):
    """One thing that happened to a task, once; `attempt` is 0 for what is not an attempt's own."""

    __tablename__ = "task_events"

    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    detail: Mapped[str | None]
    at: Mapped[datetime]


class TaskFile(Base):
    """A file of a task's result, kept in the object store under its key; `place` is its rank among them."""

    __tablename__ = "task_files"
    __table_args__ = (Index("ix_task_files_task_id", "task_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id"))
    place: Mapped[int]
    key: Mapped[str]
    name: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    sha256: Mapped[str]


class Settlement(Base):
    """How billing ended the hold of a task, and when by its clock."""

    __tablename__ = "settlements"
    __table_args__ = (Index("ix_settlements_settled_at", "settled_at", postgresql_using="brin"),)

    hold_id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID]
    captured: Mapped[int]
    released: Mapped[int]
    settled_at: Mapped[datetime]


class Quote(Base):
    """An offer for one description, its SHA-256 here, that holds until `valid_until`."""

    __tablename__ = "quotes"
    __table_args__ = (Index("ix_quotes_user_id_valid_until", "user_id", "valid_until"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    description_hash: Mapped[bytes]
    agent_type: Mapped[str]
    expected: Mapped[int]
    maximum: Mapped[int]
    per_unit_milli: Mapped[int | None]
    rate_card_version: Mapped[str]
    valid_until: Mapped[datetime]

    @property
    def terms(self) -> Terms:
        """What the work may cost."""
        return Terms(
            expected=self.expected, maximum=self.maximum, per_unit_milli=self.per_unit_milli
        )


class BalanceHint(Base):
    """A user's credits as billing last told them; of two tellings, that with the higher version is later."""

    __tablename__ = "balance_hints"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    balance: Mapped[int]
    reserved: Mapped[int]
    available: Mapped[int]
    account_version: Mapped[int]


class Stream(Base):
    """The head of a user's stream; its row lock is the turn to change anything of that user's."""

    __tablename__ = "streams"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    last_seq: Mapped[int]


class StreamEvent(Base):
    """One change that a user's open pages shall see; `seq` counts from 1 without a gap."""

    __tablename__ = "stream_events"

    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
