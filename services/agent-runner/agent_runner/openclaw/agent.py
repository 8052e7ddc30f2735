"""The OpenClaw executor: hands tasks to a gateway's agents and brings back what they made."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from opentelemetry.trace import Span, SpanKind

from agent_runner.agents import AgentFailed, Answer, Assignment, Report
from agent_runner.openclaw.attempt import Attempt
from agent_runner.openclaw.client import Access, connect
from agent_runner.openclaw.failures import remedy_for
from agent_runner.openclaw.limits import Limits
from agent_runner.openclaw.order import AttemptKey, Order
from agent_runner.openclaw.protocol import GatewayError, GatewayUnreachable, Roster
from shared.tracing import step


class OpenClawAgent:
    """Runs each task in a session of its own, which outlives connections and the gateway's crashes.

    `agents` says which of the gateway's agents does which type of task. `workspaces` is the folder
    with the agents' workspaces, if the gateway has it under the same path.
    """

    def __init__(
        self,
        *,
        url: str,
        token: str,
        agents: Mapping[str, str],
        default_agent: str,
        workspaces: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._access = Access(url, token, limits or Limits())
        self._agents = agents
        self._default_agent = default_agent
        self._workspaces = workspaces

    async def run(self, assignment: Assignment, scratch: Path, report: Report) -> Answer:
        """Have the task done, or go on with it; ending this call early ends it there too."""
        order = self._order(assignment)
        with _traced(order):
            attempt = Attempt(self._access, order, report, assignment.timeout_s)
            return await self._carry_out(attempt, assignment.timeout_s, scratch)

    async def _carry_out(self, attempt: Attempt, timeout_s: float, scratch: Path) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                return await attempt.deliver(scratch)
        except TimeoutError:
            failure = attempt.out_of_time()
            await attempt.stop()
            raise failure from None
        except AgentFailed:
            raise  # the run has ended, or never began
        except (Exception, asyncio.CancelledError):
            await attempt.stop()
            raise

    async def check(self) -> None:
        """Return when the gateway lets us in and has all the agents we would ask for."""
        try:
            async with connect(self._access, hear=lambda _: None) as gateway:
                roster = await gateway.request("agents.list", {}, Roster)
        except GatewayUnreachable as error:
            reason = f"The OpenClaw gateway cannot be reached: {error}"
            raise AgentFailed(reason, is_worth_retrying=True) from error
        except GatewayError as error:
            raise AgentFailed(remedy_for(error)) from error
        self._compare(roster)

    def _order(self, assignment: Assignment) -> Order:
        return Order(
            key=AttemptKey(assignment.task_id, assignment.attempt),
            agent_id=self._agents.get(assignment.agent_type, self._default_agent),
            prompt=assignment.prompt,
            workspaces=self._workspaces,
        )

    def _compare(self, roster: Roster) -> None:
        there = {agent.id: agent.workspace for agent in roster.agents}
        for agent_id in sorted({*self._agents.values(), self._default_agent}):
            if agent_id not in there:
                raise AgentFailed(f"The OpenClaw gateway has no agent named {agent_id}.")
            if self._workspaces and there[agent_id] != str(self._workspaces / agent_id):
                raise AgentFailed(
                    f"The OpenClaw agent {agent_id} works in {there[agent_id]}, "
                    f"not in {self._workspaces / agent_id}."
                )


def _traced(order: Order) -> AbstractContextManager[Span]:
    return step(
        f"invoke_agent {order.agent_id}",
        service="agent-runner",
        kind=SpanKind.CLIENT,
        attributes={
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.id": order.agent_id,
            "gen_ai.conversation.id": order.session_key,
            "run.attempt": order.key.attempt,
        },
    )
