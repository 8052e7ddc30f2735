"""An asyncio loop of our own: time is virtual, who runs next is chosen by a seed, and a process can be killed.

Tasks, futures, locks and timeouts are asyncio's, unchanged. Callbacks of one process run in the order they were
scheduled, as asyncio documents; between processes the seed chooses. Where nothing is ready, time jumps to the next timer.
"""

import asyncio
import heapq
import random
from asyncio import base_events, events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar
from typing import Any

import uvloop
from typing_extensions import override

WORK_S = 0.02  # what a call in a thread takes on average


class Life:
    """One life of a process, from its start to its end; what was killed never runs again."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.is_dead = False
        self.frozen: list[asyncio.Handle] | None = None
        self.service: Any = None
        self.world: Any = None
        self.schema = ""
        self.chance = random.Random(0)

    def __str__(self) -> str:
        return f"{self.name}.{self.number}"


LIFE: ContextVar[Life | None] = ContextVar("life", default=None)


class NothingToDo(Exception):
    """No code can run and no timer is set: everybody waits for somebody."""


class VirtualLoop(base_events.BaseEventLoop):
    """Runs one simulated world, from a moment on."""

    def __init__(self, chance: random.Random, moment: float = 0.0) -> None:
        super().__init__()
        self._chance = chance
        self._moment = moment
        self._ready_of: dict[Life | None, deque[asyncio.Handle]] = {}
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_count = 0
        self._morgue: list[
            Any
        ] = []  # what died is kept, or its `finally` blocks would run after all

    @override
    def time(self) -> float:
        return self._moment

    @override
    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._push(handle)
        return handle

    call_soon_threadsafe = call_soon

    @override
    def call_later(
        self,
        delay: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._moment + delay, callback, *args, context=context)

    @override
    def call_at(
        self,
        when: float,
        callback: Callable[..., Any],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._timer_count += 1
        heapq.heappush(self._timers, (when, self._timer_count, handle))
        return handle

    @override
    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> Any:
        """Run it here, at a moment that chance chooses: a thread whose work nothing interrupts."""
        future = self.create_future()

        def work() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as flaw:  # noqa: BLE001 - whoever waits for it shall have it
                future.set_exception(flaw)

        self.call_later(self._chance.expovariate(1 / WORK_S), work)
        return future

    def kill(self, life: Life) -> None:
        """End a life as kill -9 does: nothing of it runs any more, no `except` and no `finally`."""
        life.is_dead = True
        self._morgue.append(self._ready_of.pop(life, None))
        self._morgue.append(asyncio.all_tasks(self))

    def freeze(self, life: Life) -> None:
        """Let nothing of a life run, as SIGSTOP does, until it is thawed."""
        if life.frozen is None:
            life.frozen = list(self._ready_of.pop(life, ()))

    def thaw(self, life: Life) -> None:
        """Let a frozen life go on, with all that has become due meanwhile."""
        frozen, life.frozen = life.frozen or [], None
        for handle in frozen:
            self._push(handle)

    def bury(self) -> list[Any]:
        """Return everything that must stay in memory so that nothing of this world runs again."""
        return [self, asyncio.all_tasks(self), self._morgue, self._timers, self._ready_of]

    def run_world(self, main: Coroutine[Any, Any, None]) -> None:
        """Run a world until its main coroutine returns; raise what it raises."""
        asyncio.set_event_loop(self)
        try:
            self.run_until_complete(main)
        finally:
            asyncio.set_event_loop(None)
            self.close()

    @override
    def _run_once(self) -> None:
        while not self._ready_of:
            self._pass_time()
        lives = list(self._ready_of)
        life = lives[0] if len(lives) == 1 else self._chance.choice(lives)
        ready = self._ready_of[life]
        handle = ready.popleft()
        if not ready:
            del self._ready_of[life]
        if not handle.cancelled():
            handle._run()

    def _pass_time(self) -> None:
        if not self._timers:
            raise NothingToDo
        self._moment = max(self._moment, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._moment:
            handle = heapq.heappop(self._timers)[2]
            if not handle.cancelled():
                self._push(handle)

    def _push(self, handle: asyncio.Handle) -> None:
        life = handle._context.get(LIFE)
        if life is not None and life.is_dead:
            self._morgue.append(handle)
        elif life is not None and life.frozen is not None:
            life.frozen.append(handle)
        else:
            self._ready_of.setdefault(life, deque()).append(handle)

    @override
    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing: cancelled timers are passed over when their time comes."""

    @override
    def _write_to_self(self) -> None:
        """Nothing: there is no selector to wake."""


class RealLoop:
    """A loop in real time that is run from inside of the virtual one, one call at a time."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()

    def start(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Begin something; it goes on whenever this loop runs."""
        return self._loop.create_task(work)

    def wait(self, task: "asyncio.Future[Any]", within_s: float) -> bool:
        """Run until the task is done or the time is over; tell whether it is done."""
        if not task.done():
            timer = self._loop.call_later(within_s, self._loop.stop)
            task.add_done_callback(self._stop)
            self._run(self._loop.run_forever)
            task.remove_done_callback(self._stop)
            timer.cancel()
        return task.done()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something to its end and return what it returns."""
        task = self.start(work)
        while not self.wait(task, 60):
            pass
        return task.result()

    def _stop(self, _: object) -> None:
        self._loop.stop()

    def _run(self, run: Callable[[], None]) -> None:
        outer = events._get_running_loop()
        events._set_running_loop(None)
        try:
            run()
        finally:
            events._set_running_loop(outer)
