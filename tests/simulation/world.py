"""A simulated world: its time, its chance, what happened in it, and who lives in it."""

import asyncio
import hashlib
import random
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.faults import NONE, Faults
from tests.simulation.loop import LIFE, Life
from tests.simulation.postgres import SCHEMAS, Postgres

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
TRAVEL_S = 0.003
ELIDED_S_MAX = 60
EVENTS_MAX = 20_000


class Gone(ConnectionError):
    """Whoever was asked does not answer; what was asked may have been done."""


FOOTPRINT: ContextVar[set[str]] = ContextVar("footprint", default=set())  # noqa: B039 - nobody reads it


@dataclass(eq=False, slots=True)
class Poller:
    """Somebody who rests between two polls, and the tables that the last one looked at."""

    tables: frozenset[str]
    seconds: float
    end: Callable[[], None]


class Station:
    """A service's database as its pollers see it: when each table last changed, and when something becomes due.

    A poll finds what it found before, unless a table that it looks at was touched since, or something became due:
    those polls are left out, and virtual time costs nothing while nothing happens.
    """

    def __init__(self, world: "World") -> None:
        self.version = 0
        self.due_at: float | None = None
        self._world = world
        self._touched_at: dict[str, int] = {}
        self._resting: list[Poller] = []

    def touch(self, tables: set[str]) -> None:
        """Let those who poll these tables look again, each at its usual time."""
        self.version += 1
        for table in tables:
            self._touched_at[table] = self.version
        for poller in [poller for poller in self._resting if poller.tables & tables]:
            self._resting.remove(poller)
            self._world.later(self._world.chance.uniform(0, poller.seconds), poller.end)

    async def rest(self, woken: asyncio.Event, seconds: float, seen: int) -> int:
        """Rest as a poller does until there may be something new; return the version to be seen by its next poll."""
        loop, over = self._world.loop, self._world.loop.create_future()
        tables = frozenset(FOOTPRINT.get())

        def end() -> None:
            if not over.done():
                over.set_result(None)

        def look() -> None:
            if over.done():
                return
            due_s = self.due_at - loop.time() if self.due_at is not None else ELIDED_S_MAX
            if due_s <= 0 or any(self._touched_at.get(table, 0) > seen for table in tables):
                end()
                return
            self._resting.append(Poller(tables, seconds, end))
            wait_s = due_s + self._world.chance.uniform(0, seconds)
            self._world.later(min(wait_s, ELIDED_S_MAX), end)

        if not woken.is_set():
            woken._waiters.append(over)  # type: ignore[attr-defined]
            self._world.later(seconds, look)
            try:
                await over
            finally:
                woken._waiters.remove(over)  # type: ignore[attr-defined]
        FOOTPRINT.set(set())
        return self.version


class World:
    """One world from a seed. `crash_at` is the number of the event at which its process is killed."""

    def __init__(
        self,
        seed: int,
        postgres: Postgres,
        loop: asyncio.AbstractEventLoop,
        chance: random.Random,
        *,
        faults: Faults = NONE,
        crash_at: int | None = None,
    ) -> None:
        self.seed = seed
        self.postgres = postgres
        self.loop = loop
        self.chance = chance
        self.faults = faults
        self.crash_at = crash_at
        self.point_count = 0
        self.violations: list[str] = []
        self.open_connections: dict[Any, None] = {}  # in the order in which they were opened
        self.stations = {schema: Station(self) for schema in SCHEMAS.values()}
        self.down_until: dict[str, float] = {}
        self.on_commit: Callable[[str], None] = lambda _: None
        self.on_death: list[Callable[[Life], None]] = []
        self.lines: list[str] = []
        self._trace = hashlib.blake2b(digest_size=8)
        self._outside = _without_life()

    def now(self) -> datetime:
        """Return the time by the one clock of this world, which is its databases'."""
        return EPOCH + timedelta(seconds=self.loop.time())

    @property
    def trace(self) -> str:
        """A hash of everything that was said so far."""
        return self._trace.hexdigest()

    def say(self, who: object, what: str, detail: str) -> None:
        """Write down what happens; equal seeds say equal things."""
        line = f"{self.loop.time():.6f} {who} {what} {detail}"
        self._trace.update(line.encode(errors="replace"))
        self.lines.append(line)

    def violate(self, sentence: str) -> None:
        """Record that an invariant was broken, and stop the world; code under test cannot catch that."""
        self.say("-", "VIOLATION", sentence)
        self.violations.append(sentence)
        self.loop.stop()

    def happens(self, probability: float) -> bool:
        """Let chance decide; what never happens costs none."""
        return probability > 0 and self.chance.random() < probability

    def later(self, delay: float, call: Callable[[], None]) -> asyncio.TimerHandle:
        """Call after a while, outside of every process."""
        return self.loop.call_later(delay, call, context=self._outside)

    def begin(self, work: Any) -> "asyncio.Task[Any]":
        """Begin something outside of every process."""
        return self.loop.create_task(work, context=self._outside.copy())

    def latency(self) -> float:
        """Return how long something is on its way: usually little, sometimes much."""
        delay = self.chance.expovariate(1 / TRAVEL_S)
        return (
            delay * self.chance.choice((10, 100, 1000)) if self.happens(self.faults.slow) else delay
        )

    async def travel(self, life: Life | None = None) -> None:
        """Wait for an answer that is on its way; the one of the chosen event finds nobody alive."""
        if life is not None:
            self.point_count += 1
            if self.point_count == EVENTS_MAX:
                self.violate(f"no end after {EVENTS_MAX} events")
            if self.point_count == self.crash_at:
                self.say(life, "killed at event", str(self.crash_at))
                self.kill(life)
            if life.is_dead:
                await self.loop.create_future()
        await asyncio.sleep(self.latency())

    def kill(self, life: Life) -> None:
        """End a process as kill -9 does; whoever knew it is told."""
        if life.is_dead:
            return
        self.loop.kill(life)  # type: ignore[attr-defined]
        for connection in [one for one in self.open_connections if one.life is life]:
            connection.die(self.latency() * 10)
        for tell in self.on_death:
            tell(life)

    def is_down(self, schema: str) -> bool:
        """Tell whether a database refuses connections at this moment."""
        return self.loop.time() < self.down_until.get(schema, 0)

    def committed(self, schema: str) -> None:
        """Somebody's change has just been committed: hold the invariants against it."""
        self.on_commit(schema)


def _without_life() -> Context:
    context = copy_context()
    context.run(LIFE.set, None)
    return context
