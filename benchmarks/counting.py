"""Our simplest consumer: how many waiting events a second one process turns into one row each, each once.

As with the peers every event waits in a quorum queue before the process starts, and the rate is the database's; but
here the effect is once: each event's id is written into the inbox in the same transaction (`benchmarks/counter.py`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks import effects
from benchmarks.counter import Counted, queue_of
from benchmarks.observed import processor_time, profiled
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Site, Stage
from shared.db import Database
from shared.run import open_bus

BATCH = 500


@asynccontextmanager
async def counter(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure our simplest consumer."""
    site = await stage.site("counter")

    async def once() -> Samples:
        await effects.forget(site)
        await _publish(site, effort.events)
        async with site.running("benchmarks.counter") as counting:
            with processor_time(counting.pid) as spent:
                async with profiled(counting.pid, "counter", effort.profiles):
                    await effects.all_written(site, effort.events)
        return {
            "counter/rate": await effects.rate(site),
            "counter/cpu_us": spent.seconds / effort.events * 1e6,
        }

    yield once


async def _publish(site: Site, count: int) -> None:
    bus, database = open_bus(site.bus_url), Database(site.databases["bench"], source="bench")
    try:
        await bus.declare(queue_of())
        for _ in range(0, count, BATCH):
            events = [Counted(body="x" * 400) for _ in range(min(BATCH, count))]
            await bus.publish([database.envelope(event, None).to_message() for event in events])
    finally:
        await bus.close()
        await database.close()
