"""What billing does from time to time, and what it found when it compared itself with Stripe."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from billing.models.base import Base


class Chore(Base):
    """Something that one replica does when it is due; `due_at` is put off while it is being done."""

    __tablename__ = "chores"

    name: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    flaw: Mapped[str | None]


class Reconciliation(Base):
    """A comparison with what Stripe has: how much was seen, differed and was repaired, and what is open still."""

    __tablename__ = "reconciliations"
    __table_args__ = (Index("ix_reconciliations_scope_id", "scope", "id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    scope: Mapped[str]
    since: Mapped[datetime]
    began_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    seen: Mapped[dict[str, Any]]
    drift: Mapped[int]
    repaired: Mapped[int]
    open: Mapped[list[Any]] = mapped_column(JSONB)
    flaw: Mapped[str | None]
