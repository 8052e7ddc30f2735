"""A process is `run(*services)`: one service or six is not a mode, it is a number.

All queues are declared and subscribed before any relay starts, so that nobody speaks before everybody
listens. At the end: stop taking, finish what is in hand, close.
"""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from importlib.metadata import version
from socket import socket
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, Depends, FastAPI
from starlette.types import ASGIApp
from typing_extensions import override

import shared.contracts  # noqa: F401 - fills the catalog that queues are declared from
from shared import admin, docs, health, logs, problems, scrape, tracing
from shared.bus import Bus
from shared.bus_postgres import PostgresBus
from shared.bus_rabbitmq import RabbitBus
from shared.consumer import Consumer
from shared.correlation import Correlation
from shared.events import topology
from shared.http import AdminKey, bind
from shared.lasting import Lasting
from shared.metrics import SERVICE, Measured
from shared.migrate import migrate
from shared.outbox import Relay
from shared.patience import PatientProtocol
from shared.reach import reach
from shared.service import Service
from shared.settings import ProcessSettings, load
from shared.workers import Loop

log = structlog.get_logger()


BODY_BYTES_MAX = 1024 * 1024
DRAIN_S_MAX = 20
STREAMS_S_MAX = 3

BUSES: dict[str, Callable[[str], Bus]] = {
    "amqp": RabbitBus,
    "amqps": RabbitBus,
    "postgresql": PostgresBus,
    "postgresql+asyncpg": PostgresBus,
}


GiveUp = Callable[[], None]
Front = Callable[[ASGIApp], ASGIApp]


def _end_process() -> None:
    """End this process, whose supervisor starts it anew."""
    signal.raise_signal(signal.SIGTERM)


def _go_on() -> None:
    """Leave it to whoever runs us, a test for instance, to notice."""


def bare(app: ASGIApp) -> ASGIApp:
    """Put nothing before the app: nginx is there, or nobody is."""
    return app


def open_bus(url: str) -> Bus:
    """Return the bus that the URL's scheme names."""
    return BUSES[scheme_of_bus(url)](url)


def scheme_of_bus(url: str) -> str:
    """Return the scheme of a bus's URL; end the process where there is no such bus."""
    scheme = url.partition("://")[0]
    if scheme not in BUSES:
        message = f"BUS_URL: no bus is called {scheme!r}; there are {', '.join(BUSES)}"
        raise SystemExit(message)
    try:
        urlsplit(url).port  # noqa: B018 - it is read when it is asked for
    except ValueError:
        message = f"BUS_URL: it is no URL like {scheme}://user:password@host/name"
        raise SystemExit(message) from None
    return scheme


def run(*services: Service) -> None:
    """Serve these services until SIGTERM or SIGINT."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(*services))


async def serve(*services: Service, extra: Sequence[APIRouter] = (), front: Front = bare) -> None:
    """Serve these services, and routes of the process's own behind what it puts before them, until SIGTERM or SIGINT."""
    settings = load(ProcessSettings)
    logs.configure(level=settings.log_level, is_json=settings.log_format == "json")
    await reach(services)
    with _traced(settings, services):
        await _serve(settings, services, extra, front)


def _traced(settings: ProcessSettings, services: Sequence[Service]) -> AbstractContextManager[None]:
    """Trace what the block does, if anybody wants to see it."""
    if not settings.otel_exporter_otlp_endpoint:
        return nullcontext()
    from shared.trace_export import exporting  # noqa: PLC0415 - what only a process that traces pays

    names = [service.name for service in services]
    return exporting(settings, names, scrape.owners(services))


async def _serve(
    settings: ProcessSettings,
    services: Sequence[Service],
    extra: Sequence[APIRouter],
    front: Front,
) -> None:
    metrics_key = AdminKey(settings.metrics_key.get_secret_value())
    app = build_app(
        services,
        open_bus(settings.bus_url),
        metrics_key=metrics_key,
        give_up=_end_process,
        front=front,
    )
    for router in extra:
        app.include_router(router)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=PatientProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=STREAMS_S_MAX,
    )
    farewells = [service.farewell for service in services if service.farewell is not None]
    await _Server(config, farewells).serve_until_told()


def build_app(
    services: Sequence[Service],
    bus: Bus,
    *,
    metrics_key: AdminKey | None = None,
    give_up: GiveUp = _go_on,
    front: Front = bare,
) -> FastAPI:
    """Return the ASGI app of these services; its lifespan starts and ends everything behind it."""
    number = version("impacter-shared")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with running(services, bus, give_up=give_up), scrape.watched_loop(services):
            yield

    app = _App(
        title="ImpacterAGI",
        version=number,
        description="Pay, ask for work, get results; only delivered work is charged.",
        lifespan=lifespan,
        telemetry=tracing.of_http(),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        max_body_size=BODY_BYTES_MAX,
        responses={422: {"model": problems.Problem, "description": "Not valid"}},
        redirect_slashes=False,
    )
    problems.install(app)
    for service in services:
        listen = [Depends(bind(service.resources))]
        app.include_router(service.router, dependencies=listen, tags=[service.name])
        app.include_router(admin.routes(service), dependencies=listen)
    app.include_router(docs.routes())
    app.include_router(health.routes(services, bus, version=number))
    key = metrics_key or AdminKey("")
    app.include_router(scrape.routes(services, bus, version=number, key=key))
    app.owners = scrape.owners(services)
    app.front = front
    return app


@asynccontextmanager
async def running(
    services: Sequence[Service], bus: Bus, *, give_up: GiveUp = _end_process
) -> AsyncIterator[None]:
    """Start the services on the bus, and end them again: drain, stop workers, close.

    A loop that ends by itself is a bug; `give_up` is called then.
    """
    async with AsyncExitStack() as ending:
        for service in services:
            ending.push_async_callback(service.database.close)
            if service.close is not None:
                ending.push_async_callback(service.close)
            await migrate(service.database.engine, service.migrations)
        ending.push_async_callback(bus.close)
        await _first_contact(bus)
        loops: list[tuple[str, Callable[[], Awaitable[None]]]] = []
        for service in services:
            loops += [(service.name, loop) for loop in await _listen(service, bus)]
        for service in services:
            loops.append((service.name, Relay(service.database, bus).run))
            loops += [(service.name, worker.run) for worker in service.workers]
            loops.append((service.name, service.pruner().loop(service.name).run))
        tasks = [asyncio.create_task(_supervised(name, loop, give_up)) for name, loop in loops]
        ending.push_async_callback(_stop, tasks)
        ending.push_async_callback(_drain, bus)
        log.info("started", services=[service.name for service in services])
        yield


async def _first_contact(bus: Bus) -> None:
    """Declare the topology, waiting for a bus that is not up yet."""
    pause_s = 0.2
    while True:
        try:
            return await bus.declare(topology())
        except Exception as flaw:  # noqa: BLE001 - a broker that starts slower than we do is no failure
            log.warning("bus_not_ready", reason=repr(flaw))
            gc.enable()  # this may take hours
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, 5)


async def _listen(service: Service, bus: Bus) -> list[Callable[[], Awaitable[None]]]:
    if not service.handlers.names:
        return []
    consumer = Consumer(service.database, service.handlers)
    await bus.subscribe(service.name, consumer.receive)
    return [Loop(f"{service.name} retries", consumer.retry_once).run]


async def _supervised(service: str, loop: Callable[[], Awaitable[None]], give_up: GiveUp) -> None:
    """Run a loop, and say so where it ends by itself."""
    SERVICE.set(service)
    try:
        await loop()
    except asyncio.CancelledError:
        raise
    except BaseException as flaw:
        log.critical("loop_died", exc_info=flaw)
        give_up()
        raise


async def _drain(bus: Bus) -> None:
    try:
        async with asyncio.timeout(DRAIN_S_MAX):
            await bus.drain()
    except TimeoutError:
        log.warning("drain_cut_short", seconds=DRAIN_S_MAX)


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class _App(FastAPI):
    """FastAPI with our layers around all of its own, which refuse large bodies in plain text."""

    owners: Mapping[str, str] = {}
    front: Front

    @override
    def openapi(self) -> dict[str, Any]:
        return problems.described(super().openapi())

    @override
    def build_middleware_stack(self) -> ASGIApp:
        inner = problems.ProblemBodies(super().build_middleware_stack())
        return Lasting(Correlation(self.front(Measured(inner, self.owners))))


def _begin_to_collect() -> None:
    """Have garbage collected from now on, but for what was made before: it stays, and looking through it takes 0.3 s."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready, and ends on a signal without raising it again."""

    def __init__(self, config: uvicorn.Config, farewells: Sequence[Callable[[], None]]) -> None:
        super().__init__(config)
        self._farewells = farewells
        self._serving: asyncio.Task[Any] | None = None

    async def serve_until_told(self) -> None:
        """Serve until a signal; one that comes while the start waits, for a broker that is away, ends the start."""
        self._serving = asyncio.current_task()
        try:
            await self.serve()
        except asyncio.CancelledError:
            if not self.should_exit or self._serving is None:
                raise
            self._serving.uncancel()

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        for say in self._farewells:
            say()
        super().handle_exit(sig, frame)
        if not self.started and self._serving is not None:
            self._serving.cancel()

    @override
    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            _begin_to_collect()
            print(f"ready: http://{self.config.host}:{self.config.port}", flush=True)  # noqa: T201

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
