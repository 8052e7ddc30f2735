"""`GET /metrics`: what was counted here, and what the databases and the bus say now.

Databases and bus are asked when somebody reads, at most every few seconds and within a limit; one that does
not answer is a sample, `impacter_gauges_up` 0, and never a failed scrape.
"""

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, Depends, Response
from fastapi.routing import iter_route_contexts
from prometheus_client import Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import QueuePool
from typing_extensions import override

from shared import admin
from shared.bus import Bus, dead_queue
from shared.db import Tx
from shared.http import AdminKey, bind, operators_and
from shared.metrics import ALL, LOOP_LAG_SECONDS, REGISTRY, Gauge
from shared.outbox import backlog
from shared.parked import OPEN, counts
from shared.problems import refusals
from shared.service import Service

log = structlog.get_logger()

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
TEXT = {"type": "string"}
KEPT_S = 5.0
ASK_S_MAX = 3.0
TICK_S = 0.5

Ask = Callable[[], Awaitable[Sequence[Gauge]]]


def routes(services: Sequence[Service], bus: Bus, *, version: str, key: AdminKey) -> APIRouter:
    """Return the route that gives a process's metrics to operators, and to whoever presents the key."""
    router = APIRouter(tags=["ops"])
    page = Page(services, bus, version=version)
    keys = [key, *(each.resources[AdminKey] for each in services if AdminKey in each.resources)]

    @router.get(
        "/metrics",
        operation_id="metrics",
        dependencies=[Depends(bind(services[0].resources)), Depends(operators_and(keys))],
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": TEXT}}}, **refusals(401, 403)},
    )
    async def metrics() -> Response:
        """Everything that is counted and measured, in Prometheus' text format."""
        return Response(await page.text(), media_type=MEDIA_TYPE)

    return router


def owners(services: Sequence[Service]) -> dict[str, str]:
    """Return the service that each route's template belongs to, and `""` for what is the process's own."""
    own = {"": _together(services)}
    return own | {
        str(route.path): service.name
        for service in services
        for router in (service.router, admin.routes(service))
        for route in iter_route_contexts(router.routes)
    }


@asynccontextmanager
async def watched_loop(services: Sequence[Service]) -> AsyncIterator[None]:
    """Measure within the block how late this process's event loop is."""
    ticking = asyncio.create_task(_tick(LOOP_LAG_SECONDS.labels(_together(services))))
    try:
        yield
    finally:
        ticking.cancel()


async def _tick(lag: Histogram) -> None:
    while True:
        due_at = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        lag.observe(max(time.perf_counter() - due_at, 0))


class Page:
    """The metrics of a process that runs these services."""

    def __init__(
        self, services: Sequence[Service], bus: Bus, *, version: str, kept_s: float = KEPT_S
    ) -> None:
        self._services = services
        self._sources = [
            _Source(service.name, name, ask, kept_s)
            for service in services
            for name, ask in _sources(service, bus)
        ]
        self._process = ProcessCollector(registry=None)
        self._version = version

    async def text(self) -> bytes:
        """Return the page in Prometheus' text format."""
        answers = await asyncio.gather(*(source.read() for source in self._sources))
        return generate_latest(
            _Collected([*_counted(), *self._of_the_process(), *_of_databases(answers)])
        )

    def _of_the_process(self) -> Iterator[Metric]:
        for family in self._process.collect():
            whole = {"service": _together(self._services)}
            family.samples = [each._replace(labels=whole | each.labels) for each in family.samples]
            yield family
        build = Metric("impacter_build_info", "What runs here.", "gauge")
        pools = Metric("impacter_database_connections", "Database connections in use.", "gauge")
        about = {"version": self._version, "python": platform.python_version()}
        for service in self._services:
            build.add_sample(build.name, {"service": service.name, **about}, 1)
            pool = service.database.engine.pool
            if isinstance(pool, QueuePool):
                pools.add_sample(pools.name, {"service": service.name}, pool.checkedout())
        yield from (build, pools)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a source said, or that it said nothing."""

    service: str
    source: str
    gauges: Sequence[Gauge] | None


class _Source:
    """Something that is asked for gauges: at most every few seconds, for one reader at a time."""

    def __init__(self, service: str, name: str, ask: Ask, kept_s: float) -> None:
        self._service = service
        self._name = name
        self._ask = ask
        self._kept_s = kept_s
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")
        self._gauges: Sequence[Gauge] | None = None

    async def read(self) -> _Answer:
        async with self._reading:
            if time.monotonic() - self._read_at > self._kept_s:
                self._gauges = await self._asked()
                self._read_at = time.monotonic()
            return _Answer(self._service, self._name, self._gauges)

    async def _asked(self) -> Sequence[Gauge] | None:
        try:
            async with asyncio.timeout(ASK_S_MAX):
                return await self._ask()
        except Exception as flaw:  # noqa: BLE001 - that there is no answer is on the page
            log.warning(
                "gauges_not_read", service=self._service, source=self._name, reason=repr(flaw)
            )
            return None


def _sources(service: Service, bus: Bus) -> Iterator[tuple[str, Ask]]:
    async def events() -> Sequence[Gauge]:
        async with service.database.transaction() as tx:
            return await _waiting(tx)

    async def queues() -> Sequence[Gauge]:
        depths = {
            "work": await bus.depth(service.name),
            "dead": await bus.depth(dead_queue(service.name)),
        }
        what = "Events in the service's queue, and in the one for what the broker gave up."
        return [Gauge.by("queue", "impacter_queue_events", what, depths, ())]

    async def own() -> Sequence[Gauge]:
        assert service.gauges is not None, "the service has some"
        async with service.database.transaction() as tx:
            return await service.gauges(tx)

    yield "database", events
    if service.handlers.names:
        yield "bus", queues
    if service.gauges is not None:
        yield "service", own


async def _waiting(tx: Tx) -> Sequence[Gauge]:
    waiting, oldest_s = await backlog(tx)
    return [
        Gauge.single("impacter_outbox_events", "Events that wait for the bus.", waiting),
        Gauge.single("impacter_outbox_oldest_seconds", "Age of the oldest of them.", oldest_s),
        Gauge.by(
            "state",
            "impacter_parked_events",
            "Events whose handler failed and that are not resolved, by state.",
            await counts(tx),
            OPEN,
        ),
    ]


def _counted() -> Iterator[Metric]:
    """What was counted; when each count began is of no use here and doubles the page."""
    for family in REGISTRY.collect():
        family.samples = [each for each in family.samples if not each.name.endswith("_created")]
        yield family


def _of_databases(answers: Sequence[_Answer]) -> list[Metric]:
    up = Metric("impacter_gauges_up", "Whether a source of gauges answered.", "gauge")
    families = {up.name: up}
    for answer in answers:
        labels = {"service": answer.service}
        up.add_sample(up.name, labels | {"source": answer.source}, answer.gauges is not None)
        for gauge in answer.gauges or ():
            family = families.setdefault(gauge.name, Metric(gauge.name, gauge.what, "gauge"))
            for value, number in gauge.values.items():
                own = {gauge.label: value} if gauge.label else {}
                family.add_sample(gauge.name, labels | own, number)
    return list(families.values())


def _together(services: Sequence[Service]) -> str:
    """Return who a process's own samples belong to."""
    return services[0].name if len(services) == 1 else ALL


class _Collected(Collector):
    """Families that were collected already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    @override
    def collect(self) -> Iterable[Metric]:
        return self._families
