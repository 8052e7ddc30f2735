"""Peers: how many waiting events a second other systems turn into one row each, two processes each.

Every queue is a quorum queue, every event waits there before its consumer starts, every row is committed to the
disk, and the rate is that of the database's clock between the first row and the last. Their effect is at least once.
Publishing is not in their figure, and is in ours of the money path.
"""

import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from benchmarks import effects
from benchmarks.observed import family, processor_time
from benchmarks.rounds import Bench, Effort, Once, Samples
from benchmarks.stage import REPOSITORY, Missing, Site, Stage, run, start_process

PROGRAMS = REPOSITORY / ".venv-bench" / "bin"
WORKERS: Mapping[str, Sequence[str]] = {
    "dramatiq": ("dramatiq", "benchmarks.peers.dramatiq_app", "--processes", "2"),
    "celery": (
        *("celery", "-A", "benchmarks.peers.celery_app", "worker", "-c", "2", "-l", "WARNING"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ),
    "taskiq": ("taskiq", "worker", "benchmarks.peers.taskiq_app:broker", "--workers", "2"),
    "faststream": ("faststream", "run", "benchmarks.peers.faststream_app:app", "--workers", "2"),
}
PEERS = tuple(WORKERS)


def peer(name: str) -> Bench:
    """Return the bench of a peer."""

    @asynccontextmanager
    async def bench(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
        if not (PROGRAMS / WORKERS[name][0]).exists():
            message = f"{name} is not installed in {PROGRAMS.parent.name}: `make bench` does that"
            raise Missing(message)
        site = await stage.site(name)

        async def once() -> Samples:
            await effects.forget(site)
            await _enqueue(site, name, effort.peer_events)
            async with _working(site, name) as worker:
                await effects.all_written(site, 1)
                with processor_time(*family(worker)) as spent:
                    written = await effects.count(site)
                    await effects.all_written(site, effort.peer_events)
            return {
                f"{name}/rate": await effects.rate(site),
                f"{name}/cpu_us": spent.seconds / (effort.peer_events - written) * 1e6,
            }

        yield once

    return bench


async def _enqueue(site: Site, name: str, count: int) -> None:
    module = f"benchmarks.peers.{name}_app"
    await run([PROGRAMS / "python", "-m", module, str(count)], _addresses(site))


@asynccontextmanager
async def _working(site: Site, name: str) -> AsyncIterator[int]:
    """Run the peer's worker during the block; its process id goes to the block."""
    worker = start_process(
        [PROGRAMS / WORKERS[name][0], *WORKERS[name][1:]],
        log=site.folder / "worker.log",
        env=_addresses(site),
    )
    try:
        yield worker.pid
    finally:
        await worker.stop(signal.SIGTERM, limit_s=10)
        worker.sweep()


def _addresses(site: Site) -> dict[str, str]:
    return {
        "PATH": f"{PROGRAMS}:/usr/bin:/bin",
        "HOME": str(site.folder),
        "PYTHONPATH": str(REPOSITORY),
        "PEER_BROKER_URL": site.bus_url,
        "PEER_DATABASE_URL": site.plain_url("bench"),
    }
