"""What goes in and out over HTTP."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent_runner.models import Run, RunFile
from agent_runner.runs import UNITS_MAX
from agent_runner.texts import REASON_BYTES_MAX, TEXT_BYTES_MAX
from shared.ids import FileId, RunId, TaskId, UserId
from shared.text import Text


class StatusChange(BaseModel):
    """What the desk makes of a task: takes it (`in-progress`, `running`), completes it or ends it."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["in-progress", "running", "completed", "failed", "cancelled"]
    result: Annotated[Text, Field(max_length=TEXT_BYTES_MAX)] | None = None
    reason: Annotated[Text, Field(max_length=REASON_BYTES_MAX)] | None = None
    units_used: Annotated[int, Field(ge=0, le=UNITS_MAX)] | None = None


class FileView(BaseModel):
    """A file of a run."""

    model_config = ConfigDict(from_attributes=True)

    id: FileId
    name: str
    size: int
    media_type: str
    sha256: str


class RunSummary(BaseModel):
    """A run as a list shows it; `lease_owner` is the process or the person that works on it."""

    model_config = ConfigDict(from_attributes=True)

    id: RunId
    task_id: TaskId
    user_id: UserId
    agent_type: str
    executor: str
    description: str
    hold_amount: int
    state: str
    attempt: int
    attempts_max: int
    lease_owner: str | None
    lease_until: datetime | None
    deadline_at: datetime
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    outcome: str | None
    reason: str | None
    units_used: int | None


class RunView(RunSummary):
    """A run with what it delivered."""

    result: str | None
    files: list[FileView] = []

    @classmethod
    def of(cls, run: Run, files: Iterable[RunFile]) -> "RunView":
        """Return the view of a run and its files."""
        view = cls.model_validate(run)
        view.files = [FileView.model_validate(file) for file in files]
        return view


class Runs(BaseModel):
    """A page of runs, newest first."""

    runs: list[RunSummary]
    next_cursor: str | None


class ExecutorState(BaseModel):
    """An executor in use: `ok`, or why it cannot take work now."""

    name: str
    state: str


class ExecutorStates(BaseModel):
    """The executors in use."""

    executors: list[ExecutorState]
