"""Open streams: what 5,000 pages that follow `GET /api/events` cost one tasks process in memory and at rest.

Each stream is a user of its own and has received its greeting; the memory is what the process keeps resident with
all of them open, less what it kept before, after a few streams had warmed it up. The readers are another process.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.asking import tokens_of
from benchmarks.load import request
from benchmarks.observed import processor_time, rss_kb
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import REPOSITORY, Running, Site, Stage
from shared.clock import Ids

WARM_UP = 100
OPEN_S_MAX = 400
READY = b"open\n"


@asynccontextmanager
async def streams(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure what open streams cost."""
    site = await stage.site("streams")

    async def once() -> Samples:
        async with site.running("tasks") as tasks:
            async with _reading(site, tasks, min(WARM_UP, effort.streams)):
                pass
            before_kb = rss_kb(tasks.pid)
            async with _reading(site, tasks, effort.streams):
                kept_kb = rss_kb(tasks.pid) - before_kb
                with processor_time(tasks.pid) as spent:
                    await asyncio.sleep(effort.seconds)
        return {
            "streams/kb": kept_kb / effort.streams,
            "streams/rest_cpu_percent": 100 * spent.seconds / effort.seconds,
        }

    yield once


@asynccontextmanager
async def _reading(site: Site, tasks: Running, count: int) -> AsyncIterator[None]:
    """Have so many streams open during the block."""
    ids = Ids()
    tokens = tokens_of(site, [ids.new() for _ in range(count)])
    readers = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.readers", str(tasks.port)),
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert readers.stdin is not None
    assert readers.stdout is not None
    try:
        readers.stdin.write("\n".join(tokens).encode() + b"\n\n")
        async with asyncio.timeout(OPEN_S_MAX):
            if await readers.stdout.readline() != READY:
                raise RuntimeError("the streams did not open")
        yield
    finally:
        readers.stdin.close()
        await readers.wait()


def follow(token: str) -> bytes:
    """Return the request that opens a stream."""
    return request("GET", "/api/events", authorization=f"Bearer {token}")
