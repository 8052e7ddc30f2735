"""One attempt at a task, in OpenClaw's terms."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from typing_extensions import override

INSTRUCTIONS = """\
You work on a task for a customer who cannot be asked anything: decide what is open yourself.
Save every file that is meant for the customer {where}. Your last message is the delivered answer; \
write it in Markdown.
"""


@dataclass(frozen=True, slots=True)
class AttemptKey:
    """The name of one attempt; OpenClaw's idempotency keys and run ids begin with it."""

    task_id: UUID
    attempt: int

    @override
    def __str__(self) -> str:
        return f"{self.task_id}:{self.attempt}"

    def names(self, run_id: str | None) -> bool:
        """Whether the run is this attempt's."""
        return run_id == str(self) or (run_id or "").startswith(f"{self}:")

    def precedes(self, run_id: str) -> bool:
        """Whether the run is a later attempt's at the same task."""
        task_id, _, rest = run_id.partition(":")
        number = rest.partition(":")[0]
        is_attempt = task_id == str(self.task_id) and number.isdecimal()
        return is_attempt and int(number) > self.attempt


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of which agent, in which session and folder.

    `workspaces` is the folder with the agents' workspaces, if we share it with the gateway. Each
    task then works in a folder of its own there, which the agent's file tools cannot leave.
    """

    key: AttemptKey
    agent_id: str
    prompt: str
    workspaces: Path | None

    @property
    def session_key(self) -> str:
        """One session per task, whatever the attempt; the gateway writes keys in lower case."""
        return f"agent:{self.agent_id}:task:{self.key.task_id}".lower()

    @property
    def directory(self) -> Path | None:
        """The task's own folder on the shared disk."""
        if self.workspaces is None:
            return None
        return self.workspaces / self.agent_id / "tasks" / str(self.key.task_id)

    @property
    def folder(self) -> str:
        """Where the task's files are, from the session's root."""
        return f"tasks/{self.key.task_id}" if self.workspaces is None else ""

    @property
    def instructions(self) -> str:
        """What the agent is told besides the prompt."""
        where = f"in the folder {self.folder}/" if self.folder else "in the current folder"
        return INSTRUCTIONS.format(where=where)
