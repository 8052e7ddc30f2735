"""What goes in and out over HTTP, and what the stream shows."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.ids import FileId, QuoteId, TaskId, UserId
from shared.problems import Problem
from shared.text import Text
from tasks.classification import AgentType
from tasks.models import Quote, Task, TaskEvent, TaskFile
from tasks.status import Status

DESCRIPTION_CHARS_MAX = 16_000

NOT_BLANK = r"^[^\x00]*[^\x00-\x20][^\x00]*$"
Description = Annotated[
    Text,
    Field(
        min_length=1,
        max_length=DESCRIPTION_CHARS_MAX,
        pattern=NOT_BLANK,
        json_schema_extra={"pattern": NOT_BLANK},  # pydantic leaves out what follows a validator
    ),
]


class StatusWord(StrEnum):
    """The statuses, and the older words for two of them."""

    PENDING = "pending"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    REJECTED = "rejected"
    IN_PROGRESS = "in-progress"
    DONE = "done"

    @property
    def status(self) -> Status:
        """The status that the word means."""
        older = {StatusWord.IN_PROGRESS: Status.RUNNING, StatusWord.DONE: Status.COMPLETED}
        return older.get(self) or Status(self)


class Work(BaseModel):
    """The work that somebody wants a price for."""

    model_config = ConfigDict(extra="forbid")

    description: Description
    agent_type: AgentType | None = None


class NewTask(Work):
    """The work that somebody wants done, on a quote's terms or on today's."""

    quote_id: QuoteId | None = None


class QuoteView(BaseModel):
    """An offer: what is expected to be spent, and the most that can be."""

    quote_id: QuoteId
    agent_type: AgentType
    expected: int
    maximum: int
    valid_until: datetime
    rate_card_version: str

    @classmethod
    def of(cls, quote: Quote) -> "QuoteView":
        """Show a quote."""
        return cls(quote_id=quote.id, **_named(quote, cls, "quote_id"))


class AcceptedTask(BaseModel):
    """A task that was accepted; `credits_remaining` counts the most that it can cost."""

    task_id: TaskId
    status: Status
    credits_remaining: int


class InsufficientCreditsProblem(Problem):
    """There are not enough credits; more are at `checkout_url`."""

    needed: int
    available: int
    checkout_url: str


class TaskSummary(BaseModel):
    """A task as lists and the stream show it."""

    task_id: TaskId
    description: str
    status: Status
    agent_type: AgentType
    credits_spent: int
    expected: int
    maximum: int
    is_cancel_requested: bool
    error: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, task: Task) -> "TaskSummary":
        """Summarize a task."""
        return cls(task_id=task.id, **_named(task, TaskSummary, "task_id"))


class FileView(BaseModel):
    """A file of the result."""

    id: FileId
    name: str
    size: int
    media_type: str
    sha256: str


class FileLink(BaseModel):
    """Where a file is downloaded from, for a few minutes."""

    url: str


class TaskEventView(BaseModel):
    """One thing that happened to the task; `attempt` counts from 1 where it was an attempt's own."""

    name: str
    attempt: int | None
    detail: str | None
    at: datetime


class Progress(BaseModel):
    """The latest sign of life of the present attempt."""

    attempt: int
    note: str | None
    text: str | None


class TaskView(TaskSummary):
    """A task with its result, its files and its story so far."""

    executor: str | None
    result: str | None
    progress: Progress | None
    files: list[FileView]
    events: list[TaskEventView]

    @classmethod
    def in_full(
        cls, task: Task, files: Sequence[TaskFile], events: Sequence[TaskEvent]
    ) -> "TaskView":
        """Show all of a task."""
        progress = Progress(attempt=task.attempt, note=task.note, text=task.draft)
        return cls(
            **dict(TaskSummary.of(task)),
            executor=task.executor,
            result=task.result,
            progress=progress if task.progressed_at else None,
            files=[FileView(**_named(file, FileView)) for file in files],
            events=[
                TaskEventView(
                    name=event.name, attempt=event.attempt or None, detail=event.detail, at=event.at
                )
                for event in events
            ],
        )


class Tasks(BaseModel):
    """A page of the user's tasks, newest first."""

    tasks: list[TaskSummary]
    next_cursor: str | None


class OwnedTask(TaskSummary):
    """A task with whose it is."""

    user_id: UserId

    @classmethod
    def owned(cls, task: Task) -> "OwnedTask":
        """Summarize a task with whose it is."""
        return cls(**dict(TaskSummary.of(task)), user_id=task.user_id)


class OwnedTasks(BaseModel):
    """A page of everybody's tasks, newest first."""

    tasks: list[OwnedTask]
    next_cursor: str | None


class Credits(BaseModel):
    """A user's credits: `available` is the balance less what is reserved."""

    available: int
    reserved: int
    balance: int


class Hello(BaseModel):
    """The first event of a stream that starts now: where it starts, and the credits at this moment."""

    sequence: int
    credits: Credits


def _named(row: object, model: type[BaseModel], *others: str) -> dict[str, object]:
    return {name: getattr(row, name) for name in model.model_fields if name not in others}
