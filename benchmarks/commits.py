"""The limit of commits: pgbench's simple update on the same server, with 1, 8 and 32 clients, each commit on the disk.

It is what transactions that share nothing can reach; group commits pass it, because they share the disk's answer.
"""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import make_url

from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Missing, Site, Stage, run
from embedded.postgres_install import environment, find_bin_dir

CLIENTS = (1, 8, 32)
SCALE = 10
_RATE = re.compile(r"tps = ([\d.]+)")


@asynccontextmanager
async def commits(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure pgbench."""
    if not (find_bin_dir(None) / "pgbench").exists() and shutil.which("pgbench") is None:
        message = "pgbench is not installed (Debian: postgresql-contrib)"
        raise Missing(message)
    site = await stage.site("commits")
    await _pgbench(site, "--initialize", "--quiet", f"--scale={SCALE}")

    async def once() -> Samples:
        seconds = max(round(effort.seconds), 1)
        return {
            f"commits/{count}": await _measured(site, count, seconds=seconds) for count in CLIENTS
        }

    yield once


async def _measured(site: Site, clients: int, *, seconds: int) -> float:
    options = ("--skip-some-updates", "--no-vacuum", f"--time={seconds}", f"--client={clients}")
    found = _RATE.search(await _pgbench(site, *options))
    assert found is not None, "pgbench says how fast it was"
    return float(found[1])


async def _pgbench(site: Site, *options: str) -> str:
    bin_dir = find_bin_dir(None)
    program = bin_dir / "pgbench"
    url = make_url(site.databases["bench"])
    place = ("--host", str(url.query["host"]), "--port", str(url.query["port"]))
    who = ("--username", str(url.username), str(url.database))
    command = program if program.exists() else "pgbench"
    return await run([command, *options, *place, *who], environment(bin_dir))
