"""Traces: one customer's action followed through HTTP, outbox, bus, handlers, workers and agents.

    with tracing.span("run demo", service="agent-runner", attributes={"run.attempt": 1}):
        ...

Spans say what was done, how long it took and whose it was by ids; never a body, an address, a query or the text
of an error. Where nobody traces (`TRACING` is not set), each of these costs less than a microsecond or two.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context as RequestContext
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from fastapi.telemetry import TelemetryConfig
from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.trace import (
    INVALID_SPAN,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
)
from starlette.types import Scope

from shared.events import traceparent_of

SERVICE = "service.name"
QUIET = ("/health/", "/metrics", "/version", "/api/events")

Attributes = Mapping[str, str | int | float | bool]


@dataclass(frozen=True, slots=True)
class Tracing:
    """What a process that traces makes its spans with."""

    provider: TracerProvider
    tracer: Tracer


@dataclass(frozen=True, slots=True)
class Origin:
    """The action that work belongs to: kept in the work's row, taken up again by whoever does it."""

    correlation_id: UUID | None = None
    traceparent: str | None = None


TRACING: ContextVar[Tracing | None] = ContextVar("tracing", default=None)
_STATEMENTS: ContextVar[list[None] | None] = ContextVar("statements", default=None)


def of_http() -> TelemetryConfig:
    """Return how FastAPI shall trace requests: not those of probes, nor streams that last for hours."""
    tracing = TRACING.get()
    quiet: TelemetryConfig = {"metrics": False, "logs": False, "operation_spans": False}
    if tracing is None:
        return {**quiet, "tracing": False}
    return {**quiet, "tracer_provider": tracing.provider, "exclude": _is_quiet}


@contextmanager
def span(
    name: str,
    *,
    service: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Trace the block as a part of what is being traced, or as the beginning of a trace."""
    tracing = TRACING.get()
    if tracing is None:
        yield INVALID_SPAN
        return
    opened = tracing.tracer.start_span(
        name, kind=kind, attributes={SERVICE: service, **(attributes or {})}
    )
    with ending(opened), being_current(opened):
        yield opened


@contextmanager
def step(
    name: str,
    *,
    service: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
) -> Iterator[Span]:
    """Trace the block if it is a part of what is being traced; no trace begins here."""
    if not trace.get_current_span().get_span_context().is_valid:
        yield INVALID_SPAN
        return
    with span(name, service=service, kind=kind, attributes=attributes) as opened:
        yield opened


@contextmanager
def transaction(service: str) -> Iterator[None]:
    """Trace a database transaction, with the number of its statements, as a part of what is being traced.

    It is not made current: what is published in it hangs below the request or the work that published.
    """
    tracing = TRACING.get()
    if tracing is None or not trace.get_current_span().is_recording():
        yield
        return
    attributes = {SERVICE: service, "db.system.name": "postgresql", "db.namespace": service}
    opened = tracing.tracer.start_span("transaction", kind=SpanKind.CLIENT, attributes=attributes)
    outer, statements = _STATEMENTS.get(), list[None]()
    _STATEMENTS.set(statements)
    with ending(opened):
        try:
            yield
        finally:
            opened.set_attribute("db.statements", len(statements))
            _STATEMENTS.set(outer)


@contextmanager
def together(service: str, requests: Sequence[RequestContext]) -> Iterator[None]:
    """Trace what is done for several requests at once: below the only one, or in a trace linked to each."""
    tracing = requests[0].get(TRACING)
    if tracing is None:
        yield
        return
    spans = [request.run(trace.get_current_span) for request in requests]
    token = TRACING.set(tracing)
    try:
        with being_current(spans[0]) if len(spans) == 1 else _batch(service, spans):
            yield
    finally:
        TRACING.reset(token)


@contextmanager
def _batch(service: str, requests: Sequence[Span]) -> Iterator[None]:
    with span("answer batch", service=service) as opened:
        for request in requests:
            opened.add_link(request.get_span_context())
            request.add_link(opened.get_span_context())
        yield


def count_statement(*_: object) -> None:
    """Count a statement of the transaction that is being traced, if any."""
    statements = _STATEMENTS.get()
    if statements is not None:
        statements.append(None)


@contextmanager
def following(traceparent: str | None) -> Iterator[None]:
    """Go on with the trace that a message or a row names; one that is none is no error.

    What was being traced until here, an operator's request that ends a customer's run, is linked to it.
    """
    remote = remote_context(traceparent)
    if remote is None:
        yield
        return
    here = trace.get_current_span()
    if here.get_span_context().trace_id != remote.trace_id:
        here.add_link(remote)
    with being_current(NonRecordingSpan(remote)):
        yield


def current() -> str | None:
    """Return the traceparent of what is being traced, for what it causes, or None."""
    context = trace.get_current_span().get_span_context()
    return traceparent(context) if context.is_valid else None


def trace_id() -> str | None:
    """Return the id of the trace that is being followed, or None."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else None


def traceparent(context: SpanContext) -> str:
    """Return a span's place in its trace as W3C Trace Context writes it."""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def remote_context(text: str | None) -> SpanContext | None:
    """Return the place in a trace that a traceparent names; None for what is not one."""
    valid = traceparent_of(text)
    if valid is None:
        return None
    _, trace_hex, span_hex, flags = valid.split("-")
    return SpanContext(
        int(trace_hex, 16),
        int(span_hex, 16),
        is_remote=True,
        trace_flags=TraceFlags(int(flags, 16)),
    )


def fail(opened: Span, error: str) -> None:
    """Mark a span as failed by the kind of its error; what the error says may be anybody's data."""
    opened.set_attribute("error.type", error)
    opened.set_status(StatusCode.ERROR)


@contextmanager
def ending(*opened: Span) -> Iterator[None]:
    """End the spans with the block, failed where it raises."""
    try:
        yield
    except BaseException as flaw:
        for one in opened:
            fail(one, type(flaw).__name__)
        raise
    finally:
        for one in opened:
            one.end()


@contextmanager
def being_current(opened: Span) -> Iterator[None]:
    """Have what is traced in the block hang below the span."""
    token = contexts.attach(trace.set_span_in_context(opened))
    try:
        yield
    finally:
        contexts.detach(token)


def _is_quiet(scope: Scope) -> bool:
    return str(scope.get("path", "")).startswith(QUIET)
