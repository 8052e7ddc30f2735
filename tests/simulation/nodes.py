"""The processes of a world: each runs one service of the product as `shared.run` does, without sockets and migrations."""

import asyncio
import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from shared import run
from shared.bus_memory import MemoryBus
from shared.clock import Ids
from shared.db import Database
from shared.service import Service
from tests.simulation.broker import Broker, SimulatedBus
from tests.simulation.connection import SimulatedConnection
from tests.simulation.loop import LIFE, Life, VirtualLoop
from tests.simulation.postgres import SCHEMAS
from tests.simulation.world import Gone, World

REQUEST_S_MAX = 30
RESTART_S = 3.0
Build = Callable[["Owned"], Service]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client was answered."""

    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class NodeClock:
    """The clock of one process, which may be wrong."""

    def __init__(self, world: World, skew_s: float) -> None:
        self._world = world
        self._skew = timedelta(seconds=skew_s)

    def now(self) -> datetime:
        """Return what this process takes for the time."""
        return self._world.now() + self._skew


@dataclass(frozen=True, slots=True)
class Owned:
    """What a simulated process is built with."""

    world: World
    clock: NodeClock
    ids: Ids
    outside: Mapping[type, Any]


class Node:
    """One process that is started, killed, and started again."""

    def __init__(
        self, world: World, broker: Broker, name: str, number: int, build: Build, outside: Any
    ) -> None:
        self.world = world
        self.service_name = name
        self.name = f"{name}-{number}"
        self.life: Life | None = None
        self._broker = broker
        self._build = build
        self._outside = outside
        self._life_count = 0
        self._requests: dict[Life, list[asyncio.Future[Answer]]] = {}
        self._ready: set[Life] = set()
        self._stopping: asyncio.Event | None = None
        world.on_death.append(self._bury)

    @property
    def is_ready(self) -> bool:
        return self.life in self._ready

    def start(self) -> None:
        """Start the process unless it runs."""
        if self.life is not None:
            return
        self._life_count += 1
        self.life = Life(self.name, self._life_count)
        self.world.say(self.life, "starts", "")
        context = copy_context()
        context.run(LIFE.set, self.life)
        self.world.loop.create_task(self._live(self.life), context=context)

    def kill(self) -> None:
        """Kill the process as kill -9 does."""
        if self.life is not None:
            self.world.say(self.life, "killed", "")
            self.world.kill(self.life)

    def stop(self) -> None:
        """Tell the process to end, as SIGTERM does."""
        if self.is_ready and self._stopping is not None:
            self.world.say(self.life, "told to stop", "")
            self._stopping.set()

    async def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask the process over HTTP; raise Gone where no answer comes."""
        await self.world.travel()
        life = self.life
        if life is None or not self.is_ready:
            raise Gone(self.name)
        answer: asyncio.Future[Answer] = self.world.loop.create_future()
        self._requests.setdefault(life, []).append(answer)
        context = copy_context()
        context.run(LIFE.set, life)
        serving = self._serve(life, answer, method, path, body, headers or {})
        self.world.loop.create_task(serving, context=context)
        done, _ = await asyncio.wait({answer}, timeout=REQUEST_S_MAX)
        await self.world.travel()
        if not done or self.world.happens(self.world.faults.response_lost):
            raise Gone(self.name)
        return answer.result()

    async def _live(self, life: Life) -> None:
        world = self.world
        chance = random.Random(f"{world.seed} {life}")
        skew = world.faults.skew_s
        clock = NodeClock(world, chance.uniform(-skew, skew) if skew else 0)
        ids = Ids(clock, chance.randbytes)
        life.chance = chance
        life.service = self._build(Owned(world, clock, ids, self._outside))
        _own(life.service.database, world, life, clock, ids)
        _app(self.service_name, life.service)
        self._stopping = asyncio.Event()
        bus = SimulatedBus(self._broker)
        async with run.running([life.service], bus, give_up=self._loop_died):
            self._ready.add(life)
            await self._stopping.wait()
            self._ready.discard(life)
            if life.service.farewell is not None:
                life.service.farewell()
        world.say(life, "ended", "")
        world.kill(life)

    def _loop_died(self) -> None:
        self.world.violate(f"a loop of {self.name} ended by itself")

    async def _serve(
        self,
        life: Life,
        answer: "asyncio.Future[Answer]",
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        incoming = [{"type": "http.request", "body": body, "more_body": False}]
        status, pieces = 0, []

        async def receive() -> Any:
            return incoming.pop() if incoming else await self.world.loop.create_future()

        async def send(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                return
            pieces.append(message.get("body", b""))
            if not message.get("more_body") and not answer.done():
                self.world.say(life, "answers", f"{method} {path} {status}")
                answer.set_result(Answer(status, b"".join(pieces)))

        await _APPS[self.service_name](scope, receive, send)

    def _bury(self, life: Life) -> None:
        for answer in self._requests.pop(life, []):
            if not answer.done():
                answer.set_exception(Gone(self.name))
                answer.exception()
        if life is self.life:
            self.life = None
            self._ready.discard(life)
            pause_s = 0.05 + self.world.chance.expovariate(1 / RESTART_S)
            self.world.later(pause_s, self.start)


class _OfThisLife(Mapping[type, Any]):
    """The resources of the service in whose life this is read: an app outlives its processes."""

    @override
    def __getitem__(self, kind: type) -> Any:
        return _service().resources[kind]

    @override
    def __iter__(self) -> Iterator[type]:
        return iter(_service().resources)

    @override
    def __len__(self) -> int:
        return len(_service().resources)


_APPS: dict[str, FastAPI] = {}
_ENGINES: dict[str, AsyncEngine] = {}


def _service() -> Service:
    life = LIFE.get()
    assert life is not None, "nobody serves outside of a process"
    service: Service = life.service
    return service


def _app(name: str, service: Service) -> None:
    """Build the app of a service, which takes a while, once for all worlds."""
    if name not in _APPS:
        _APPS[name] = run.build_app([replace(service, resources=_OfThisLife())], MemoryBus())


def _own(database: Database, world: World, life: Life, clock: NodeClock, ids: Ids) -> None:
    """Give a service's database the world's time and chance, and connections of the world's."""
    database.engine = _engine(database)
    database.ids = ids
    database._clock = _ServerClock(world)
    database._process_clock = clock
    life.world, life.schema = world, SCHEMAS[database.source]


def _engine(database: Database) -> AsyncEngine:
    """Return an engine for one life: the pool is its own, what was compiled serves all lives of a service.

    Replicas that shared a pool would use each other's connections, which then outlive whoever works on them.
    """
    first = _ENGINES.setdefault(database.source, database.engine).sync_engine
    if first is database.engine.sync_engine:
        event.listen(first, "do_connect", _connect)
    own = copy(first)
    own.pool = first.pool.recreate()
    return AsyncEngine(own)


class _ServerClock:
    """The clock of the databases."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        """Return the time."""
        return self._world.now()


def _connect(_: object, __: object, ___: object, parameters: dict[str, Any]) -> None:
    parameters["async_creator_fn"] = _simulated


async def _simulated(*_: object, **__: object) -> SimulatedConnection:
    life = LIFE.get()
    assert life is not None, "nobody connects outside of a process"
    world: World = life.world
    world.say(life, "connects", "")
    await world.travel(life)
    if world.is_down(life.schema) or world.happens(world.faults.connect_refused):
        raise ConnectionRefusedError("the database does not answer")
    return SimulatedConnection(world, life, world.postgres.backend(life.schema))


def loop_of(world: World) -> VirtualLoop:
    """Return the world's loop as what it is."""
    assert isinstance(world.loop, VirtualLoop)
    return world.loop
