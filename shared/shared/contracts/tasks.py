"""The story of a task: tasks says what was asked, agent-runner what became of it."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt

from shared.events import Event
from shared.ids import FileId, RunId, TaskId, UserId

MILLI = 1000


class Terms(BaseModel):
    """What a task may cost: `expected` credits, or a price by the unit, at most `maximum`.

    `per_unit_milli` is in thousandths of a credit (0.5 credits a mail is 500).
    """

    model_config = ConfigDict(frozen=True)

    expected: NonNegativeInt
    maximum: NonNegativeInt
    per_unit_milli: PositiveInt | None = None

    def cost(self, units_used: int | None) -> int:
        """Return the credits for delivered work: whole ones, rounded up, at most the maximum."""
        if units_used is None or self.per_unit_milli is None:
            return min(self.expected, self.maximum)
        return min(-(-units_used * self.per_unit_milli // MILLI), self.maximum)


class Outcome(StrEnum):
    """How a run ended; only `succeeded` is charged."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"


class DeliveredFile(BaseModel):
    """A file that was stored before the run was called finished."""

    model_config = ConfigDict(frozen=True)

    file_id: FileId
    key: str
    name: str
    size: NonNegativeInt
    media_type: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class TaskCreated(Event, name="task.created.v1", publisher="tasks", consumers=("billing",)):
    """A customer asked for work and agreed to its terms."""

    task_id: TaskId
    user_id: UserId
    agent_type: str
    description: str
    terms: Terms


class TaskCancelRequested(
    Event, name="task.cancel_requested.v1", publisher="tasks", consumers=("agent-runner",)
):
    """The customer does not want the work any more; or, `is_overdue`, nobody has heard of it: it ends unless it has begun."""

    task_id: TaskId
    user_id: UserId
    agent_type: str = ""
    description: str = ""
    is_overdue: bool = False


class TaskStarted(Event, name="task.started.v1", publisher="agent-runner", consumers=("tasks",)):
    """An agent is working on the task; `attempt` counts from 1."""

    task_id: TaskId
    run_id: RunId
    attempt: PositiveInt
    executor: str


class TaskProgressed(
    Event, name="task.progressed.v1", publisher="agent-runner", consumers=("tasks",)
):
    """A sign of life: what the agent is doing, or its answer so far."""

    task_id: TaskId
    attempt: PositiveInt
    note: str | None = None
    text: str | None = None


class TaskFinished(
    Event,
    name="task.finished.v1",
    publisher="agent-runner",
    consumers=("billing", "notifier", "tasks"),
):
    """The task has ended: with its run, once; or before it had one, and then again if credits are held for it later.

    `reason` tells the customer why it did not succeed.
    """

    task_id: TaskId
    user_id: UserId
    run_id: RunId
    description: str
    outcome: Outcome
    executor: str
    reason: str | None = None
    result: str | None = None
    units_used: NonNegativeInt | None = None
    files: tuple[DeliveredFile, ...] = ()
