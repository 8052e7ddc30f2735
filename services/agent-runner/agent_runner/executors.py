"""Executors: who does the work of which agent type."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent_runner.agents import Agent, AgentFailed

HUMAN = "human"
FALLBACK = "general"
AGENT_TYPES = (
    "lead-generation",
    "email-campaign",
    "web-scraping",
    "social-media",
    "content-creation",
    "research",
    FALLBACK,
)
CHECK_S_MAX = 5


@dataclass(frozen=True, slots=True)
class Executors:
    """The choice by agent type, and the agents behind the names; `human` has none: the desk does it."""

    agents: Mapping[str, Agent]
    default: str
    by_type: Mapping[str, str] = field(default_factory=dict)

    def of(self, agent_type: str) -> str:
        """Return the name of the executor that serves this agent type."""
        return self.by_type.get(agent_type, self.default)

    async def states(self) -> dict[str, str]:
        """Return for each executor in use `ok`, or why it cannot take work now."""
        names = sorted({self.default, *self.by_type.values()})
        states = await asyncio.gather(*(self._state(name) for name in names))
        return dict(zip(names, states, strict=True))

    async def _state(self, name: str) -> str:
        agent = self.agents.get(name)
        if agent is None:
            return "ok"
        try:
            async with asyncio.timeout(CHECK_S_MAX):
                await agent.check()
        except AgentFailed as failure:
            return failure.reason
        except Exception as flaw:  # noqa: BLE001 - what is wrong is the answer
            return type(flaw).__name__
        return "ok"
