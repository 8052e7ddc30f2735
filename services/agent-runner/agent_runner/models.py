"""The agent-runner's tables: runs, the files they delivered, and tasks that ended before they could run."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared.tables import NAMING
from shared.tracing import Origin


class Base(DeclarativeBase):
    """The agent-runner's tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {
        int: BigInteger,
        str: Text,
        UUID: Uuid,
        datetime: DateTime(timezone=True),
    }


class RunState(StrEnum):
    """Where a run stands; it ends once."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"


class Run(Base):
    """The work on one funded task.

    `attempt` is the fencing number: whoever writes about a run names the attempt it was given, and is not
    heard once a later one has begun. A waiting run may be leased from `available_at` on. A run in the hands
    of a person has no lease; every run that is not finished has a deadline.
    """

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'running', 'finished')", name="state_known"),
        CheckConstraint(
            "outcome IN ('succeeded', 'failed', 'cancelled', 'timed_out')", name="outcome_known"
        ),
        CheckConstraint(
            "(state = 'finished') = (outcome IS NOT NULL)"
            " AND (state = 'finished') = (finished_at IS NOT NULL)",
            name="finished_has_outcome",
        ),
        CheckConstraint(
            "(lease_until IS NOT NULL) = (state = 'running' AND executor <> 'human')",
            name="lease_while_an_agent_runs",
        ),
        CheckConstraint("state <> 'running' OR attempt >= 1", name="running_has_attempt"),
        CheckConstraint("attempt >= 0 AND attempts_max >= 1", name="attempt_bounds"),
        CheckConstraint("hold_amount >= 0 AND units_used >= 0", name="amounts_not_negative"),
        Index("ix_runs_to_lease", "available_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_runs_running", "user_id", postgresql_where=text("state = 'running'")),
        Index("ix_runs_open", "deadline_at", postgresql_where=text("state <> 'finished'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    task_id: Mapped[UUID] = mapped_column(unique=True)
    user_id: Mapped[UUID]
    agent_type: Mapped[str]
    executor: Mapped[str]
    description: Mapped[str]
    hold_amount: Mapped[int]
    state: Mapped[str]
    attempt: Mapped[int]
    attempts_max: Mapped[int]
    available_at: Mapped[datetime]
    lease_until: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    deadline_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    result: Mapped[str | None]
    units_used: Mapped[int | None]
    created_at: Mapped[datetime]
    correlation_id: Mapped[UUID | None]
    traceparent: Mapped[str | None]

    @property
    def origin(self) -> Origin:
        """The customer's action that the run belongs to."""
        return Origin(self.correlation_id, self.traceparent)


class RunFile(Base):
    """A file of a run's manifest: in the object store before its row is here."""

    __tablename__ = "run_files"
    __table_args__ = (
        UniqueConstraint("run_id", "attempt", "name"),
        CheckConstraint("size >= 0", name="size_not_negative"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_form"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("runs.id"))
    attempt: Mapped[int]
    key: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    size: Mapped[int]
    media_type: Mapped[str]
    sha256: Mapped[str]
    created_at: Mapped[datetime]


class Tombstone(Base):
    """A task that ended before its credits were held: the run that they would begin is over as it begins."""

    __tablename__ = "tombstones"
    __table_args__ = (CheckConstraint("outcome IN ('cancelled', 'failed')", name="outcome_known"),)

    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    run_id: Mapped[UUID]
    outcome: Mapped[str]
    created_at: Mapped[datetime]
