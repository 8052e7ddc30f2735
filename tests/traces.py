"""Spans of this process, as they would leave it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from shared.trace_export import Outgoing, traced_by
from shared.tracing import TRACING, Tracing


class Traced:
    """What was traced."""

    def __init__(self, sampler: Sampler, owners: Mapping[str, str]) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = traced_by(Outgoing(self._kept, owners=owners), sampler)

    @property
    def spans(self) -> list[ReadableSpan]:
        """The spans that have ended, in the order in which they did."""
        self.provider.force_flush()
        return list(self._kept.get_finished_spans())

    def all(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    def one(self, name: str) -> ReadableSpan:
        """Return the only span of this name."""
        found = self.all(name)
        assert len(found) == 1, [span.name for span in self.spans]
        return found[0]

    def service(self, span: ReadableSpan) -> str:
        """Return the service that a span is said to be of."""
        return str(span.resource.attributes["service.name"])


@contextmanager
def tracing(
    sampler: Sampler = ALWAYS_ON, owners: Mapping[str, str] | None = None
) -> Iterator[Traced]:
    """Trace what the block does, and what it starts."""
    traced = Traced(sampler, owners or {})
    token = TRACING.set(Tracing(traced.provider, traced.provider.get_tracer("test")))
    try:
        yield traced
    finally:
        TRACING.reset(token)
        traced.provider.shutdown()


def is_below(child: ReadableSpan, parent: ReadableSpan) -> bool:
    """Tell whether a span is the other's child."""
    return child.parent is not None and child.parent.span_id == _context(parent).span_id


def trace_of(span: ReadableSpan) -> int:
    return int(_context(span).trace_id)


def linked(span: ReadableSpan) -> set[int]:
    """Return the ids of the spans that a span is linked to."""
    return {link.context.span_id for link in span.links}


def span_id(span: ReadableSpan) -> int:
    return int(_context(span).span_id)


def _context(span: ReadableSpan) -> Any:
    assert span.context is not None
    return span.context
