"""Where traces go: over OTLP to a collector, in the background; one that is away costs nobody anything.

Only the attributes named here leave the process, and no events: what a library adds to a span tomorrow, a path
with an id in it or the text of an exception, stays here.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from logging import CRITICAL, getLogger
from typing import Any

import structlog
from opentelemetry import propagate
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagators.textmap import (
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import Status
from opentelemetry.util.re import parse_env_headers
from typing_extensions import override

from shared.outbox import BATCH_MAX
from shared.settings import ProcessSettings
from shared.tracing import SERVICE, TRACING, Tracing

log = structlog.get_logger()

NAMESPACE = "impacter"
FLUSH_S_MAX = 3

KEPT = frozenset(
    {
        "correlation.id",
        "db.namespace",
        "db.statements",
        "db.system.name",
        "error.type",
        "file.size",
        "gen_ai.agent.id",
        "gen_ai.conversation.id",
        "gen_ai.operation.name",
        "gen_ai.response.id",
        "gen_ai.response.model",
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "mail.attempt",
        "mail.id",
        "mail.template",
        "messaging.batch.message_count",
        "messaging.destination.name",
        "messaging.message.body.size",
        "messaging.message.id",
        "messaging.operation.type",
        "network.protocol.version",
        "run.agent_type",
        "run.attempt",
        "run.executor",
        "run.turn",
        "stripe.event.type",
        "task.id",
        "url.scheme",
    }
)


@contextmanager
def exporting(
    settings: ProcessSettings, names: Sequence[str], owners: Mapping[str, str]
) -> Iterator[None]:
    """Trace within the block what these services do, and send it; at the end send what is left, within seconds.

    `owners` says whose route a template is.
    """
    getLogger("opentelemetry").setLevel(CRITICAL)  # it says every failure, several times
    inner = OTLPSpanExporter(
        endpoint=f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}/v1/traces",
        headers=parse_env_headers(
            settings.otel_exporter_otlp_headers.get_secret_value(), liberal=True
        ),
    )
    provider = traced_by(
        Outgoing(inner, name=settings.otel_service_name, names=names, owners=owners),
        sampler_of(settings.otel_traces_sampler, settings.otel_traces_sampler_arg),
    )
    TRACING.set(Tracing(provider, provider.get_tracer(NAMESPACE)))
    try:
        yield
    finally:
        flushing = threading.Thread(target=provider.shutdown, daemon=True)
        flushing.start()
        flushing.join(FLUSH_S_MAX)


def traced_by(exporter: SpanExporter, sampler: Sampler) -> TracerProvider:
    """Return what makes spans and hands them to the exporter in the background."""
    propagate.set_global_textmap(Closed())
    provider = TracerProvider(
        sampler,
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_links=BATCH_MAX),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def sampler_of(name: str, ratio: float) -> Sampler:
    """Return the sampler that has this name in OpenTelemetry's settings."""
    plain = name.removeprefix("parentbased_")
    root = {
        "always_on": ALWAYS_ON,
        "always_off": ALWAYS_OFF,
        "traceidratio": TraceIdRatioBased(ratio),
    }[plain]
    return ParentBased(root) if name.startswith("parentbased_") else root


class Closed(TextMapPropagator):
    """Reads no `traceparent` of a request from outside, and writes none.

    A stranger who names a trace could join his requests to other people's, and decide what is recorded. Who asks
    from outside finds his request again by the X-Correlation-Id that he sent.
    """

    @override
    def extract(
        self, carrier: Any, context: Context | None = None, getter: Any = default_getter
    ) -> Context:
        """Return the context as it was."""
        return context or Context()

    @override
    def inject(
        self, carrier: Any, context: Context | None = None, setter: Any = default_setter
    ) -> None:
        """Write nothing."""

    @property
    @override
    def fields(self) -> set[str]:
        """No header is touched."""
        return set()


class Outgoing(SpanExporter):
    """Sends spans without what is nobody's business, each under its service's name, and says when it cannot."""

    def __init__(
        self,
        inner: SpanExporter,
        *,
        name: str = "",
        names: Sequence[str] = (),
        owners: Mapping[str, str] | None = None,
    ) -> None:
        self._inner = inner
        self._name = name
        self._default = names[0] if len(names) == 1 else NAMESPACE
        self._owners = owners or {}
        self._is_away = False
        self._resource = cache(self._resource_of)

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; one log line when the collector has gone away, and one when it is back."""
        result = self._inner.export([self._fit(span) for span in spans])
        is_away = result is not SpanExportResult.SUCCESS
        if is_away and not self._is_away:
            log.warning("traces_not_delivered", lost=len(spans))
        elif self._is_away and not is_away:
            log.warning("traces_delivered_again")
        self._is_away = is_away
        return result

    @override
    def shutdown(self) -> None:
        """Let go of the collector."""
        self._inner.shutdown()

    @override
    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Return: nothing waits here."""
        return True

    def _fit(self, span: ReadableSpan) -> ReadableSpan:
        said = span.attributes or {}
        owner = said.get(SERVICE) or self._owners.get(str(said.get("http.route")), self._default)
        return ReadableSpan(
            name=span.name,
            context=span.context,
            parent=span.parent,
            resource=self._resource(str(owner)),
            attributes={key: value for key, value in said.items() if key in KEPT},
            links=span.links,
            kind=span.kind,
            instrumentation_scope=span.instrumentation_scope,
            status=Status(span.status.status_code),
            start_time=span.start_time,
            end_time=span.end_time,
        )

    def _resource_of(self, service: str) -> Resource:
        return Resource.create(
            {
                "service.name": self._name or service,
                "service.namespace": NAMESPACE,
                "service.version": version("impacter-shared"),
                "impacter.service": service,
            }
        )
