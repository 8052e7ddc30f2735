"""A collector of traces for tests: OpenTelemetry's own protocol, decoded, and every byte kept."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as SentSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from shared.testing import eventually

KINDS = {value: name.removeprefix("SPAN_KIND_") for name, value in SentSpan.SpanKind.items()}


@dataclass(frozen=True)
class Span:
    """A span as it arrived."""

    service: str
    name: str
    kind: str
    trace_id: str
    id: str
    parent_id: str
    links: tuple[tuple[str, str], ...]
    attributes: Mapping[str, Any]
    start: int
    end: int
    is_failed: bool

    def __str__(self) -> str:
        return f"{self.service}: {self.name} ({self.kind.lower()})"


class Collector:
    """What was sent, by whatever process."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.spans: list[Span] = []
        self.url = ""

    @property
    def variables(self) -> dict[str, str]:
        """What a product is told, so that its spans come here, and soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}

    def take(self, body: bytes) -> None:
        """Keep a request's bytes and its spans."""
        self.received.append(body)
        self.spans += _spans(ExportTraceServiceRequest.FromString(body))

    def trace(self, trace_id: str) -> "Trace":
        """Return what has arrived of a trace."""
        return Trace([span for span in self.spans if span.trace_id == trace_id])

    async def trace_with(self, trace_id: str, *names: str, within_s: float = 60) -> "Trace":
        """Return a trace once spans of these names have arrived and nothing in it misses its parent."""

        async def is_whole() -> bool:
            trace = self.trace(trace_id)
            return set(names) <= trace.names and not trace.orphans

        try:
            await eventually(is_whole, within_s=within_s, what="the whole trace")
        except AssertionError as flaw:
            flaw.add_note(f"{self.trace(trace_id)}")
            raise
        return self.trace(trace_id)


@dataclass(frozen=True)
class Trace:
    """The spans of one trace."""

    spans: list[Span]

    @property
    def names(self) -> set[str]:
        return {str(span) for span in self.spans}

    @property
    def services(self) -> set[str]:
        return {span.service for span in self.spans}

    @property
    def orphans(self) -> list[Span]:
        """Spans whose parent has not arrived."""
        ids = {span.id for span in self.spans} | {""}
        return [span for span in self.spans if span.parent_id not in ids]

    def one(self, name: str) -> Span:
        """Return the only span of this name."""
        [found] = self.all(name)
        return found

    def all(self, name: str) -> list[Span]:
        return [span for span in self.spans if str(span) == name]

    def path(self, span: Span) -> list[str]:
        """Return the names from the root down to a span."""
        above = [other for other in self.spans if other.id == span.parent_id]
        return [*(self.path(above[0]) if above else []), str(span)]

    def lines(self, parent_id: str = "", depth: int = 0) -> Iterator[str]:
        """Yield the tree as text: what began how many milliseconds after the first, and how many it took."""
        ids = {span.id for span in self.spans}
        began = min((span.start for span in self.spans), default=0)
        for span in sorted(self.spans, key=lambda span: span.start):
            if span.parent_id == parent_id or (not depth and span.parent_id not in ids):
                after, took = (span.start - began) / 1e6, (span.end - span.start) / 1e6
                yield f"{after:6.0f} {took:6.1f}  {'  ' * depth}{span}"
                yield from self.lines(span.id, depth + 1)

    def __str__(self) -> str:
        return "\n".join(self.lines())


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """Run a collector on a loopback port."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces"
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for group in request.resource_spans:
        service = _plain(group.resource.attributes)["service.name"]
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    service=service,
                    name=span.name,
                    kind=KINDS[span.kind],
                    trace_id=span.trace_id.hex(),
                    id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    attributes=_plain(span.attributes),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    is_failed=span.status.code == Status.STATUS_CODE_ERROR,
                )


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each) for each in attributes}


def _value(attribute: KeyValue) -> Any:
    kind = attribute.value.WhichOneof("value")
    return getattr(attribute.value, kind) if kind else None
