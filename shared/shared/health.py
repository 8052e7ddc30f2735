"""Health: is this process alive, and is everything it needs there.

Anybody may ask, so that what is wrong is said in few words; the log has all of them.
"""

import asyncio
from collections.abc import Mapping, Sequence

import structlog
from fastapi import APIRouter, Response
from pydantic import BaseModel

from shared.bus import Bus
from shared.outages import is_outage
from shared.outbox import backlog
from shared.parked import counts
from shared.service import Check, Service

log = structlog.get_logger()

CHECK_S_MAX = 5


class Live(BaseModel):
    """The process answers."""

    status: str = "live"


class ServiceState(BaseModel):
    """A service's dependencies, each `ok` or what is wrong with it, and its backlog."""

    status: str
    dependencies: dict[str, str]
    outbox: int | None = None
    outbox_age_s: float | None = None
    parked: dict[str, int] | None = None
    queue: int | None = None


class Ready(BaseModel):
    """`ready` when every service of this process has all that it needs."""

    status: str
    services: dict[str, ServiceState]


def routes(services: Sequence[Service], bus: Bus, *, version: str) -> APIRouter:
    """Return the health endpoints of a process that runs these services."""
    router = APIRouter(tags=["ops"])

    @router.get("/health/live", operation_id="health_live")
    async def live() -> Live:
        return Live()

    @router.get("/health/ready", operation_id="health_ready", responses={503: {"model": Ready}})
    async def ready(response: Response) -> Ready:
        states = await asyncio.gather(*(_state(service, bus) for service in services))
        is_ready = all(state.status == "ready" for state in states)
        response.status_code = 200 if is_ready else 503
        return Ready(
            status="ready" if is_ready else "not ready",
            services={service.name: state for service, state in zip(services, states, strict=True)},
        )

    @router.get("/version", operation_id="version")
    async def say_version() -> dict[str, str]:
        return {"version": version}

    return router


async def _state(service: Service, bus: Bus) -> ServiceState:
    checks: Mapping[str, Check] = {
        "database": service.database.check,
        "bus": bus.check,
        **service.checks,
    }
    everything = {**checks, **service.watched}
    results = await asyncio.gather(
        *(_try(service.name, name, check) for name, check in everything.items())
    )
    dependencies = dict(zip(everything, results, strict=True))
    state = ServiceState(status="not ready", dependencies=dependencies)
    counted = {"database": _backlog(service, state), "bus": _queue(service, bus, state)}
    for name, count in counted.items():
        if dependencies[name] == "ok":
            state.dependencies[name] = await _try(service.name, name, count)
    if {state.dependencies[name] for name in checks} == {"ok"}:
        state.status = "ready"
    return state


def _backlog(service: Service, state: ServiceState) -> Check:
    async def count() -> None:
        async with service.database.transaction() as tx:
            state.outbox, state.outbox_age_s = await backlog(tx)
            state.parked = await counts(tx)

    return count


def _queue(service: Service, bus: Bus, state: ServiceState) -> Check:
    async def count() -> None:
        if service.handlers.names:
            state.queue = await bus.depth(service.name)

    return count


async def _try(service: str, name: str, check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_S_MAX):
            await check()
    except Exception as flaw:  # noqa: BLE001 - what is wrong is the answer
        log.warning("dependency_failed", service=service, dependency=name, reason=repr(flaw))
        return _in_few_words(flaw)
    return "ok"


def _in_few_words(flaw: Exception) -> str:
    if isinstance(flaw, TimeoutError):
        return "it does not answer in time"
    if isinstance(flaw, OSError) or is_outage(flaw):
        return "it cannot be reached"
    return "it does not serve us"
