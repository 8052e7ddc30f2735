"""The conversation with one task's session: look, decide, act, and look again."""

import asyncio
import math
import time

import structlog
from opentelemetry.trace import get_current_span

from agent_runner.agents import AgentFailed
from agent_runner.openclaw.client import Gateway
from agent_runner.openclaw.failures import AGENT_FAILED, failure_of_session
from agent_runner.openclaw.limits import Limits
from agent_runner.openclaw.order import Order
from agent_runner.openclaw.progress import ProgressFeed
from agent_runner.openclaw.protocol import Accepted, Done, FullMessage, History, SessionInfo, Waited
from agent_runner.openclaw.session import (
    Stage,
    active_run_id,
    answer_of,
    idempotency_key,
    stage_of,
)

MESSAGES_MAX = 200
PREVIEW_CHARACTERS_MAX = 1000
ANSWER_CHARACTERS_MAX = 2_000_000
STARTS_MAX = 5

log = structlog.get_logger()


class Conversation:
    """What we remember of an attempt; the gateway knows more, and is asked before every step."""

    def __init__(self, order: Order, feed: ProgressFeed, limits: Limits, timeout_s: float) -> None:
        self._order = order
        self._feed = feed
        self._limits = limits
        self._deadline = time.monotonic() + timeout_s
        self._orphaned_at = math.inf
        self._ended_run_id: str | None = None
        self._starts_count = 0

    async def carry_on(self, gateway: Gateway) -> str:
        """Bring the session to its end and return the answer's text; AgentFailed if it has none.

        The gateway reads the transcript before the row, so that a row that is done may come with the lines
        of before. The look after it has them all.
        """
        stage: Stage | None = None
        while True:
            history = await self._look(gateway)
            before = stage
            stage = stage_of(history, self._order.key)
            match stage:
                case Stage.DONE if before is Stage.DONE:
                    _note_usage(history.session_info)
                    return await self._answer(gateway, history)
                case Stage.DONE:
                    continue
                case Stage.FAILED:
                    raise failure_of_session(history)
                case Stage.ABSENT:
                    await self._create(gateway)
                case Stage.ACTIVE:
                    await self._watch(gateway, history)
                case Stage.ORPHANED if self._may_still_recover():
                    await asyncio.sleep(self._limits.poll_s)
                case _:
                    await self._start(gateway, history)

    async def abort(self, gateway: Gateway) -> None:
        """End what is under way for us; return when nothing is."""
        while True:
            history = await self._look(gateway)
            run_id = active_run_id(history)
            if stage_of(history, self._order.key) not in {Stage.ACTIVE, Stage.ORPHANED}:
                return
            if run_id and self._order.key.precedes(run_id):
                return
            if run_id:
                params = {"key": self._order.session_key, "runId": run_id}
                await gateway.request("sessions.abort", params, Done)
                log.info("openclaw run aborted", run_id=run_id)
            await asyncio.sleep(self._limits.poll_s)

    async def _look(self, gateway: Gateway) -> History:
        """The session's row, runs and transcript in one answer, so that they belong together."""
        params = {
            "sessionKey": self._order.session_key,
            "limit": MESSAGES_MAX,
            "maxChars": PREVIEW_CHARACTERS_MAX,
        }
        return await gateway.request("chat.history", params, History)

    async def _create(self, gateway: Gateway) -> None:
        params = {"key": self._order.session_key, "agentId": self._order.agent_id}
        if directory := self._order.directory:
            await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
            params["cwd"] = str(directory)
        await gateway.request("sessions.create", params, Done)

    async def _start(self, gateway: Gateway, history: History) -> None:
        """Hand the task over; the same key twice is one run, so an unknown outcome is harmless."""
        if self._starts_count == STARTS_MAX:
            raise AgentFailed(AGENT_FAILED, is_worth_retrying=True)
        params = {
            "message": self._order.prompt,
            "agentId": self._order.agent_id,
            "sessionKey": self._order.session_key,
            "idempotencyKey": idempotency_key(history, self._order.key),
            "extraSystemPrompt": self._order.instructions,
            "timeout": max(1, int(self._deadline - time.monotonic())),
            "deliver": False,
        }
        accepted = await gateway.request("agent", params, Accepted)
        log.info("openclaw run started", run_id=accepted.run_id, status=accepted.status)
        get_current_span().set_attribute("gen_ai.response.id", accepted.run_id)
        self._starts_count += 1
        await self._wait_for(gateway, accepted.run_id)

    async def _watch(self, gateway: Gateway, history: History) -> None:
        self._orphaned_at = math.inf
        if history.in_flight_run:
            self._feed.hear_text(history.in_flight_run.text)
        run_id = active_run_id(history)
        if run_id is None or run_id == self._ended_run_id:
            await asyncio.sleep(self._limits.poll_s)
        else:
            await self._wait_for(gateway, run_id)

    async def _wait_for(self, gateway: Gateway, run_id: str) -> None:
        """Report progress until the run ends or a slice of time is over."""
        params = {"runId": run_id, "timeoutMs": int(self._limits.wait_slice_s * 1000)}
        within_s = self._limits.wait_slice_s + self._limits.answer_s
        waiting = asyncio.create_task(
            gateway.request("agent.wait", params, Waited, within_s=within_s)
        )
        try:
            await self._feed.relay_until(waiting)
        finally:
            waiting.cancel()
        if waiting.result().ended_at:
            self._ended_run_id = run_id

    def _may_still_recover(self) -> bool:
        self._orphaned_at = min(self._orphaned_at, time.monotonic())
        return time.monotonic() < self._orphaned_at + self._limits.recovery_s

    async def _answer(self, gateway: Gateway, history: History) -> str:
        preview = answer_of(history)
        if preview is None:
            return ""
        params = {
            "sessionKey": self._order.session_key,
            "messageId": preview.origin.id,
            "maxChars": ANSWER_CHARACTERS_MAX,
        }
        full = await gateway.request("chat.message.get", params, FullMessage)
        return (full.message or preview).text.strip()


def _note_usage(info: SessionInfo) -> None:
    """Write into the trace which model worked and how much it read and wrote, where the gateway says so."""
    span = get_current_span()
    if isinstance(info.model, str):
        span.set_attribute("gen_ai.response.model", info.model)
    for name, count in (("input", info.input_tokens), ("output", info.output_tokens)):
        if isinstance(count, int):
            span.set_attribute(f"gen_ai.usage.{name}_tokens", count)
