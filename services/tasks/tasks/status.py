"""Where a task is: statuses only advance, and a final one never changes."""

from enum import StrEnum
from typing import Final

from shared.contracts.tasks import Outcome


class Status(StrEnum):
    """The states of a task."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    REJECTED = "rejected"


FINAL_RANK: Final = 3

RANK: Final = {
    Status.PENDING: 0,
    Status.QUEUED: 1,
    Status.RUNNING: 2,
    Status.COMPLETED: FINAL_RANK,
    Status.FAILED: FINAL_RANK,
    Status.CANCELLED: FINAL_RANK,
    Status.TIMED_OUT: FINAL_RANK,
    Status.REJECTED: FINAL_RANK,
}

OF_OUTCOME: Final = {
    Outcome.SUCCEEDED: Status.COMPLETED,
    Outcome.FAILED: Status.FAILED,
    Outcome.CANCELLED: Status.CANCELLED,
    Outcome.TIMED_OUT: Status.TIMED_OUT,
}
