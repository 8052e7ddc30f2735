"""What a process counts and measures for Prometheus, and the form in which a service tells of its database.

Instruments are made at import, once a process, as loggers are; each of their samples names its service.
`shared.scrape` serves them.
"""

import collections
import time
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Histogram
from sqlalchemy import Select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.db import Tx

REGISTRY = CollectorRegistry()
ALL = "all"
SERVICE: ContextVar[str] = ContextVar("service", default=ALL)
"""Whose loop is running; `all` for what the services of a process share."""

QUICK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HUNG_UP = 499


def counter(name: str, what: str, *labels: str) -> Counter:
    """Return a new counter; its first label is `service`."""
    return Counter(name, what, ["service", *labels], registry=REGISTRY)


def histogram(name: str, what: str, *labels: str) -> Histogram:
    """Return a new histogram of seconds; its first label is `service`."""
    return Histogram(name, what, ["service", *labels], registry=REGISTRY, buckets=QUICK_S)


HTTP_REQUESTS = counter("impacter_http_requests", "Answered requests.", "method", "route", "status")
HTTP_SECONDS = histogram(
    "impacter_http_request_seconds", "Time until an answer begins.", "method", "route"
)
EVENTS_PUBLISHED = counter("impacter_events_published", "Events that the bus confirmed.", "event")
PUBLISH_FAILURES = counter(
    "impacter_publish_failures", "Tries to publish an event that the bus did not confirm.", "event"
)
EVENTS_HANDLED = counter("impacter_events_handled", "Events given to a handler.", "event")
HANDLER_SECONDS = histogram(
    "impacter_handler_seconds", "Time a handler took for the events of a batch.", "event"
)
HANDLER_FAILURES = counter(
    "impacter_handler_failures", "Events whose handler failed: parked, to be retried.", "event"
)
LOOP_FAILURES = counter(
    "impacter_loop_failures", "Turns of a loop that failed, by its name.", "loop"
)
LOOP_LAG_SECONDS = histogram(
    "impacter_loop_lag_seconds", "How late the event loop wakes up who waits for it."
)


@dataclass(frozen=True, slots=True)
class Gauge:
    """What a database says at this moment: one number, or one for each value of a label."""

    name: str
    what: str
    values: Mapping[str, float]
    label: str = ""

    @classmethod
    def single(cls, name: str, what: str, value: float) -> "Gauge":
        """Return a gauge of one number."""
        return cls(name, what, {"": value})

    @classmethod
    def by(
        cls, label: str, name: str, what: str, values: Mapping[str, float], known: Iterable[str]
    ) -> "Gauge":
        """Return a gauge with a number for each known value of its label, zero where there is none."""
        return cls(name, what, {**dict.fromkeys(known, 0), **values}, label)


async def pairs(tx: Tx, statement: Select[Any, Any]) -> dict[str, Any]:
    """Return the second column of a statement by the first."""
    rows: Sequence[Any] = (await tx.execute(statement)).all()
    return {str(name): value for name, value in rows}


async def seconds_by(tx: Tx, statement: Select[Any, Any]) -> dict[str, float]:
    """Return how long ago the second column's moments are, by the first; none is in the future."""
    now = await tx.now()
    moments = await pairs(tx, statement)
    return {name: max((now - moment).total_seconds(), 0) for name, moment in moments.items()}


Gauges: TypeAlias = Callable[[Tx], Awaitable[Sequence[Gauge]]]


def count_published(service: str, confirmed: Iterable[str], failed: Iterable[str]) -> None:
    """Count what the bus confirmed of a batch and what it did not, each by the event's name."""
    for instrument, names in ((EVENTS_PUBLISHED, confirmed), (PUBLISH_FAILURES, failed)):
        for name, count in collections.Counter(names).items():
            instrument.labels(service, name).inc(count)


@contextmanager
def handling(service: str, event: str, count: int) -> Iterator[None]:
    """Measure what a handler does with so many events, well or not."""
    began = time.perf_counter()
    try:
        yield
    finally:
        HANDLER_SECONDS.labels(service, event).observe(time.perf_counter() - began)
        EVENTS_HANDLED.labels(service, event).inc(count)


class Measured:
    """Counts requests by the template of their route; `owners` says whose it is, `""` whose the rest are."""

    def __init__(self, app: ASGIApp, owners: Mapping[str, str]) -> None:
        self._app = app
        self._owners = {"": ALL, **owners}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, answered_at, status = time.perf_counter(), 0.0, HUNG_UP

        async def send_seen(message: Message) -> None:
            nonlocal answered_at, status
            if message["type"] == "http.response.start":
                answered_at, status = time.perf_counter(), message["status"]
                self._count(scope, status, answered_at - began)  # a stream stays open for hours
            await send(message)

        try:
            await self._app(scope, receive, send_seen)
        finally:
            if not answered_at:
                self._count(scope, status, time.perf_counter() - began)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route, method = _template(scope), scope["method"]
        service = self._owners.get(route, self._owners[""])
        method = method if method in METHODS else "other"
        requests, durations = _instruments(service, method, route, status)
        requests.inc()
        durations.observe(seconds)


@cache  # looking labels up costs more than counting
def _instruments(service: str, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    labels = (service, method, route)
    return HTTP_REQUESTS.labels(*labels, str(status)), HTTP_SECONDS.labels(*labels)


def _template(scope: Scope) -> str:
    """Return the whole template of the route that answers; a router's own route knows its path without prefix."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(context, "path", None) or "unmatched"
