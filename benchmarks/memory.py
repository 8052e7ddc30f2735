"""Memory at idle: what each service's process and the engines keep, with their share of what they have in common."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from benchmarks.observed import family, pss_kb
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Stage
from embedded.defaults import SERVICES
from tests.processes import children_of

SETTLE_S = 2
ENGINES = ("postgres", "rabbitmq")


@asynccontextmanager
async def memory(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure all services at rest."""
    del effort  # rest is rest
    site = await stage.site("memory")

    async def once() -> Samples:
        async with AsyncExitStack() as ending:
            running = {
                name: await ending.enter_async_context(site.running(name)) for name in SERVICES
            }
            await asyncio.sleep(SETTLE_S)
            services = {name: _mb(one.pid) for name, one in running.items()}
            here = children_of(os.getpid())
            engines = {name: _mb(here[name]) for name in ENGINES if name in here}
        return {
            "memory/services_mb": sum(services.values()),
            **{f"memory/{name}_mb": size for name, size in {**services, **engines}.items()},
        }

    yield once


def _mb(pid: int) -> float:
    return sum(map(pss_kb, family(pid))) / 1024
