"""What the agent-runner asks of an agent: one seam, any number of executors behind it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Assignment:
    """One attempt at one task, as an agent sees it.

    `attempt` counts from 1; `task_id` and `attempt` together name the attempt, and an agent that is given
    the same pair again goes on with the same work. `timeout_s` is what is left until the run's deadline.
    """

    task_id: UUID
    attempt: int
    agent_type: str
    prompt: str
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Progress:
    """A sign of life for the customer: `note` says what is being done, `text` is the answer so far."""

    note: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class ProducedFile:
    """A file that the agent made, on the runner's own disk under the attempt's scratch folder."""

    name: str
    path: Path
    media_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Delivered work: Markdown text, files, and the units used (leads found, mails sent) where it knows."""

    text: str
    files: tuple[ProducedFile, ...] = field(default=())
    units_used: int | None = None


class AgentFailed(Exception):
    """The agent could not do the work; `reason` is a sentence for the customer, without internals."""

    def __init__(self, reason: str, *, is_worth_retrying: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_worth_retrying = is_worth_retrying


Report = Callable[[Progress], Awaitable[None]]


class Agent(Protocol):
    """An executor: OpenClaw, Claude, the demo."""

    async def run(self, assignment: Assignment, scratch: Path, report: Report) -> Answer:
        """Do the work and return what was made; raise AgentFailed when it cannot be done.

        Cancelling the call (a cancelled task, a deadline, a lost lease) ends the work at the agent too, as
        far as it can be reached. `scratch` is an empty folder for this attempt's files, removed afterwards.
        """
        ...

    async def check(self) -> None:
        """Return when the agent can take work now; raise AgentFailed with the reason otherwise."""
        ...
