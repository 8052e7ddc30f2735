"""Start-up: how long until `make up` is ready on data that is there, and one service on engines that run."""

import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.observed import family, pss_kb
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import STOP_S_MAX, Stage, kept, start_process, until_it_says
from embedded.ports import free_ports

READY = b"ready: http://"


@asynccontextmanager
async def starting(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure both, and what the embedded product keeps in memory."""
    del effort  # a start is a start
    site = await stage.site("starting")
    folder = stage.folder / "embedded"
    folder.mkdir()
    cold_s, _ = await _embedded(folder)
    async with site.running("billing"):
        pass

    async def once() -> Samples:
        warm_s, memory_mb = await _embedded(folder)
        async with site.running("billing") as billing:
            one_s = billing.ready_s
        return {
            "starting/embedded_s": warm_s,
            "starting/embedded_cold_s": cold_s,
            "starting/service_s": one_s,
            "memory/embedded_mb": memory_mb,
        }

    yield once


async def _embedded(folder: Path) -> tuple[float, float]:
    """Start the embedded product and end it; return how long it took to be ready, and its memory then."""
    began_at = time.perf_counter()
    child = start_process(
        [sys.executable, "-m", "embedded"],
        log=folder / "embedded.log",
        env={**kept(), "PORT": str(free_ports(1)[0]), "DATA_DIR": str(folder)},
    )
    try:
        await until_it_says(child, READY)
        ready_s = time.perf_counter() - began_at
        return ready_s, sum(map(pss_kb, family(child.pid))) / 1024
    finally:
        await child.stop(signal.SIGTERM, limit_s=STOP_S_MAX)
