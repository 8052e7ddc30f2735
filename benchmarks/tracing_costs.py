"""What tracing costs: CPU of this process for a POST /api/tasks, its client and the relay included.

    python -m benchmarks.tracing_costs

The ways take turns, block by block, so that what disturbs the machine disturbs all of them.
"""

import asyncio
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from typing_extensions import override

from shared import logs, tracing
from shared.bus_memory import MemoryBus
from shared.events import Message
from shared.outbox import Relay
from shared.testing import TokenIssuer
from shared.trace_export import Outgoing, sampler_of, traced_by
from shared.tracing import TRACING, Tracing
from tests.servers import postgres_server

sys.path.append(str(Path(__file__).parents[1] / "services/tasks/tests"))
from tasks_parts import Customer, opened  # type: ignore[import-not-found]

BLOCKS, REQUESTS = 25, 30
WAYS = {"off": None, "all": 1.0, "one in a hundred": 0.01}


class Encoded(SpanExporter):
    """Encodes spans as they would be sent."""

    def __init__(self) -> None:
        self.span_count = self.byte_count = 0

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.span_count += len(spans)
        self.byte_count += len(encode_spans(spans).SerializePartialToString())
        return SpanExportResult.SUCCESS


class Nowhere(MemoryBus):
    """Confirms everything."""

    @override
    async def publish(self, messages: Sequence[Message]) -> None:
        """Return."""


@dataclass
class Way:
    """The service, traced in one way, and who asks it."""

    tracing: Tracing | None
    customer: Customer
    relay: Relay

    async def block(self) -> float:
        """Return the CPU milliseconds of one request."""
        TRACING.set(self.tracing)
        began = time.process_time()
        for _ in range(REQUESTS):
            await self.customer.ask()
        await self.relay.run_once()
        if self.tracing is not None and isinstance(self.tracing.provider, TracerProvider):
            self.tracing.provider.force_flush()
        return (time.process_time() - began) / REQUESTS * 1000


@asynccontextmanager
async def way(url: str, sent: Encoded, share: float | None) -> AsyncIterator[Way]:
    traced = None
    if share is not None:
        provider = traced_by(Outgoing(sent), sampler_of("parentbased_traceidratio", share))
        traced = Tracing(provider, provider.get_tracer("costs"))
    TRACING.set(traced)
    with tempfile.TemporaryDirectory() as folder:
        async with opened(url, TokenIssuer(), Path(folder)) as tasks:
            customer = await tasks.customer(with_credits=10**7)
            yield Way(traced, customer, Relay(tasks.running.database, Nowhere()))


async def main() -> None:
    """Print a line for each way."""
    logs.configure(level="WARNING", is_json=True)
    say(f"a place that traces nothing: {nothing():.1f} us")
    sent = {name: Encoded() for name in WAYS}
    async with postgres_server() as server, AsyncExitStack() as stack:
        ways = {
            name: await stack.enter_async_context(
                way(await server.create_database(), sent[name], share)
            )
            for name, share in WAYS.items()
        }
        figures: dict[str, list[float]] = {name: [] for name in WAYS}
        for number in range(BLOCKS + 2):
            for name, one in ways.items():
                took = await one.block()
                figures[name] += [took] if number > 1 else []
    for name, ms in figures.items():
        low, middle, high = statistics.quantiles(ms, n=4)
        say(f"{name}: {middle:.2f} ms CPU a request ({low:.2f} to {high:.2f})")
    requests = (BLOCKS + 2) * REQUESTS
    spans, size = sent["all"].span_count / requests, sent["all"].byte_count / requests
    say(f"all: {spans:.1f} spans and {size:.0f} bytes a request")


def nothing() -> float:
    """Return the microseconds of a span where nobody traces."""

    def trace() -> None:
        with tracing.span("work", service="tasks"):
            pass

    return min(timeit.repeat(trace, number=500, repeat=400)) / 500 * 1e6


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    asyncio.run(main())
