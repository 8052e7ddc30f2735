"""One attempt at a task, carried to its answer over as many connections as it takes."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import structlog

from agent_runner.agents import AgentFailed, Answer, Report
from agent_runner.openclaw.client import Access, Gateway, connect
from agent_runner.openclaw.conversation import Conversation
from agent_runner.openclaw.failures import NEVER_REACHED, NO_ANSWER, OUT_OF_TIME, failure_of
from agent_runner.openclaw.files import Collected, FileCollector
from agent_runner.openclaw.order import Order
from agent_runner.openclaw.progress import ProgressFeed
from agent_runner.openclaw.protocol import GatewayError, GatewayUnreachable

PATHS_NAMED_MAX = 10

T = TypeVar("T")

log = structlog.get_logger()


class Attempt:
    """Connects as often as needed; what one connection began, the next one goes on with."""

    def __init__(self, access: Access, order: Order, report: Report, timeout_s: float) -> None:
        self._access = access
        self._order = order
        self._feed = ProgressFeed(order.session_key, report, access.limits.progress_interval_s)
        self._conversation = Conversation(order, self._feed, access.limits, timeout_s)
        self._was_reached = False

    async def deliver(self, scratch: Path) -> Answer:
        """Have the task done and bring the answer, with its files in the scratch folder."""

        async def work(gateway: Gateway) -> Answer:
            text = await self._conversation.carry_on(gateway)
            files = FileCollector(gateway, self._access, self._order)
            return _answer(text, await files.collect(scratch))

        return await self._connected(work)

    async def stop(self) -> None:
        """End the work at the gateway, as far as it can be reached in the time for that."""
        with suppress(AgentFailed, TimeoutError):
            async with asyncio.timeout(self._access.limits.abort_s):
                await self._connected(self._conversation.abort)

    def out_of_time(self) -> AgentFailed:
        """The failure of an attempt that used up its time."""
        if self._was_reached:
            return AgentFailed(OUT_OF_TIME)
        return AgentFailed(NEVER_REACHED, is_worth_retrying=True)

    async def _connected(self, use: Callable[[Gateway], Awaitable[T]]) -> T:
        """Use a connection, and a new one if it breaks, until the use comes to an end."""
        delays = self._delays_s()
        while True:
            try:
                async with connect(self._access, self._feed.hear) as gateway:
                    self._was_reached = True
                    delays = self._delays_s()
                    return await use(gateway)
            except GatewayUnreachable as error:
                log.warning("openclaw unreachable", task_id=self._task_id, reason=str(error))
            except GatewayError as error:
                log.warning("openclaw declined", task_id=self._task_id, reason=str(error))
                if not error.is_retryable:
                    raise failure_of(error) from error
            await asyncio.sleep(next(delays))

    @property
    def _task_id(self) -> str:
        return str(self._order.key.task_id)

    def _delays_s(self) -> Iterator[float]:
        delay_s = self._access.limits.reconnect_s
        while True:
            yield delay_s
            delay_s = min(2 * delay_s, self._access.limits.reconnect_max_s)


def _answer(text: str, collected: Collected) -> Answer:
    if not text and not collected.files:
        raise AgentFailed(NO_ANSWER)
    if collected.left_out:
        text += f"\n\n{_apology(collected.left_out)}"
    return Answer(text, collected.files)


def _apology(paths: tuple[str, ...]) -> str:
    named = ", ".join(f"`{path}`" for path in paths[:PATHS_NAMED_MAX])
    others_count = len(paths) - PATHS_NAMED_MAX
    more = f" and {others_count} more" if others_count > 0 else ""
    return f"These files could not be delivered: {named}{more}."
