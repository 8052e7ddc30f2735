"""The tiny loop around `work_once`: woken by a signal or a poll, never two at once, alive after failures."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from shared.metrics import LOOP_FAILURES, SERVICE

log = structlog.get_logger()

PAUSE_S_MAX = 10.0


class Loop:
    """Calls `work_once` for ever: again at once while there is work, else after `poll_s` or a wake-up.

    What `rests_first` is not done at the start, when there is enough to do.
    """

    def __init__(
        self,
        name: str,
        work_once: Callable[[], Awaitable[bool]],
        *,
        poll_s: float = 1.0,
        rests_first: bool = False,
    ) -> None:
        self._name = name
        self._work_once = work_once
        self._poll_s = poll_s
        self._rests_first = rests_first
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Look for work now."""
        self._woken.set()

    async def work_once(self) -> bool:
        """Do one piece of work; tell whether there was one."""
        return await self._work_once()

    async def run(self) -> None:
        """Work for ever; a failure is logged and waited out with a growing pause."""
        failures = 0
        if self._rests_first:
            await self._rest(self._poll_s)
        while True:
            self._woken.clear()
            try:
                worked = await self._work_once()
                failures = 0
            except Exception as flaw:  # noqa: BLE001 - the loop outlives what it works on
                failures += 1
                worked = False
                LOOP_FAILURES.labels(SERVICE.get(), self._name).inc()
                log.warning("worker_failed", worker=self._name, reason=repr(flaw))
            if not worked:
                await self._rest(self._pause_s(failures))

    def _pause_s(self, failures: int) -> float:
        longest = max(self._poll_s, PAUSE_S_MAX)
        return min(self._poll_s * 2.0 ** min(failures, 10), longest)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        except TimeoutError:
            return
