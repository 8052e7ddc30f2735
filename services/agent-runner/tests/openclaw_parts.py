"""What tests of the OpenClaw executor are made of: the agent under test, and somebody whose task it works on."""

import asyncio
from pathlib import Path
from uuid import uuid4

from fake_gateway import TOKEN, FakeGateway

from agent_runner.agents import Answer, Assignment, Progress
from agent_runner.openclaw.agent import OpenClawAgent
from agent_runner.openclaw.limits import Limits

IN_NO_TIME = Limits(poll_s=0, reconnect_s=0, progress_interval_s=0)


def agent_for(gateway: FakeGateway, **changes) -> OpenClawAgent:
    settings = {
        "url": gateway.url,
        "token": TOKEN,
        "agents": {"lead-generation": "researcher"},
        "default_agent": "writer",
        "limits": IN_NO_TIME,
    }
    return OpenClawAgent(**settings | changes)


class Customer:
    """Somebody whose task is being worked on; `heard` is what they are shown."""

    def __init__(self, scratch: Path) -> None:
        self.task_id = uuid4()
        self.heard: asyncio.Queue[Progress] = asyncio.Queue()
        self._scratch = scratch
        self._tasks: list[asyncio.Task[Answer]] = []

    def ask(
        self, agent: OpenClawAgent, attempt: int = 1, kind: str = "general", timeout_s: float = 60
    ) -> asyncio.Task[Answer]:
        assignment = Assignment(self.task_id, attempt, kind, "Find leads", timeout_s)
        self._tasks.append(
            asyncio.create_task(agent.run(assignment, self._scratch, self.heard.put))
        )
        return self._tasks[-1]

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def session_key(self, agent_id: str = "writer") -> str:
        return f"agent:{agent_id}:task:{self.task_id}"
