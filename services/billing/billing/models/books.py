"""The books of each day, and how far the proof of the ledger has come."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class Proof(Base):
    """How far the proof of one table has come: its present walk, and what the last whole one found.

    Everything that was committed before `covers_at` was seen by the last whole walk.
    """

    __tablename__ = "proofs"

    subject: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[UUID]
    found: Mapped[dict[str, Any]]
    broken: Mapped[dict[str, Any]]
    began_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    covers_at: Mapped[datetime | None]
    due_at: Mapped[datetime]


class Book(Base):
    """One UTC day: what billing counted, whether others counted the same, whether the ledger was proved since.

    `ask_at` is when the others are asked next, nothing once they agree or were asked often enough;
    `differences` is what the last answer said, by what was counted. The row before the first day was never asked
    about: the books begin after it.
    """

    __tablename__ = "books"
    __table_args__ = (
        CheckConstraint("settled_count >= 0 AND captured >= 0 AND released >= 0", name="counts"),
        Index("ix_books_ask_at", "ask_at", postgresql_where=text("ask_at IS NOT NULL")),
        Index("ix_books_unproved", "day", postgresql_where=text("proved_at IS NULL")),
    )

    day: Mapped[date] = mapped_column(primary_key=True)
    settled_count: Mapped[int] = mapped_column(default=0, server_default="0")
    captured: Mapped[int] = mapped_column(default=0, server_default="0")
    released: Mapped[int] = mapped_column(default=0, server_default="0")
    fingerprint: Mapped[str] = mapped_column(default="", server_default="")
    moved: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    closed_at: Mapped[datetime]
    asked_count: Mapped[int] = mapped_column(default=0, server_default="0")
    ask_at: Mapped[datetime | None]
    compared_at: Mapped[datetime | None]
    differences: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    proved_at: Mapped[datetime | None]
    broken: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))

    @property
    def is_balanced(self) -> bool:
        """Whether nothing that was found so far is wrong."""
        return not (self.differences or self.broken)
