"""What the product takes from its process while a world runs: time and chance are the world's.

These are the only changes to the product: migrations were done before, templates are compiled once, and polls that
would find nothing are left out.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
from jinja2 import Environment

from notifier import letters
from shared import outbox, run, workers
from tests.simulation.loop import LIFE, VirtualLoop
from tests.simulation.world import EPOCH, World

_ENVIRONMENTS: list[Environment] = []
_REAL: dict[str, Callable[..., Any]] = {
    "time": time.time,
    "monotonic": time.monotonic,
    "urandom": os.urandom,
}


@contextmanager
def in_place() -> Iterator[None]:
    """Let the product live in simulated worlds for the length of the block."""
    changes: list[tuple[Any, str, Any]] = [
        (time, "time", _time),
        (time, "monotonic", _monotonic),
        (os, "urandom", _urandom),
        (anyio.to_thread, "run_sync", _threaded),
        (run, "migrate", _migrated),
        (workers.Loop, "_rest", _loop_rest),
        (outbox.Relay, "_rest", _relay_rest),
        (letters, "Environment", _environment),
    ]
    before = [(place, name, getattr(place, name)) for place, name, _ in changes]
    for place, name, change in changes:
        setattr(place, name, change)
    try:
        yield
    finally:
        for place, name, original in before:
            setattr(place, name, original)


def _virtual() -> VirtualLoop | None:
    loop = asyncio._get_running_loop()
    return loop if isinstance(loop, VirtualLoop) else None


def _monotonic() -> float:
    loop = _virtual()
    return _REAL["monotonic"]() if loop is None else loop.time()


def _time() -> float:
    loop = _virtual()
    return _REAL["time"]() if loop is None else EPOCH.timestamp() + loop.time()


def _urandom(count: int) -> bytes:
    life = LIFE.get()
    if _virtual() is None or life is None:
        return _REAL["urandom"](count)
    return life.chance.randbytes(count)


def _environment(**options: Any) -> Environment:
    """Return the one environment of all letters, for templates take long to compile."""
    if not _ENVIRONMENTS:
        _ENVIRONMENTS.append(Environment(**options))
    return _ENVIRONMENTS[0]


async def _threaded(work: Callable[..., Any], *args: Any, **_: Any) -> Any:
    """Do what a framework does in a thread of its own in one of the loop's, whose end the seed chooses."""
    return await asyncio.to_thread(work, *args)


async def _migrated(*_: object) -> None:
    """Nothing: the tables of every world are there."""


async def _loop_rest(self: workers.Loop, seconds: float) -> None:
    await _rest(self, self._woken, seconds, is_usual=seconds <= self._poll_s)


async def _relay_rest(self: outbox.Relay, seconds: float) -> None:
    await _rest(self, self._database.published, seconds, is_usual=seconds <= outbox.POLL_S)


async def _rest(poller: Any, woken: asyncio.Event, seconds: float, *, is_usual: bool) -> None:
    life = LIFE.get()
    assert life is not None, "nobody polls outside of a process"
    world: World = life.world
    seen = poller.__dict__.get("version_seen", -1) if is_usual else -1
    poller.version_seen = await world.stations[life.schema].rest(woken, seconds, seen)
