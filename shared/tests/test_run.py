"""What runs services notices when a part of them has ended."""

import asyncio
import signal
import sys

import pytest

from embedded.ports import free_ports
from shared.bus_memory import MemoryBus
from shared.db import Database
from shared.run import running
from shared.service import Service


class Dying:
    """A worker whose loop ends, which none should."""

    async def work_once(self) -> bool:
        return False

    async def run(self) -> None:
        raise RuntimeError("planted")


async def test_a_loop_that_ends_by_itself_is_told_to_who_runs_it(database_url):
    service = Service("auth", Database(database_url, source="auth"), None, workers=[Dying()])
    has_ended = asyncio.Event()

    async with running([service], MemoryBus(), give_up=has_ended.set):
        async with asyncio.timeout(30):
            await has_ended.wait()


WAITING = """
import asyncio, sys
from shared.db import Database
from shared.run import run
from shared.service import Service

run(Service("auth", Database(sys.argv[1], source="auth"), None))
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_that_waits_for_its_broker_ends_when_it_is_told_to(database_url, how):
    [port, nowhere] = free_ports(2)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WAITING, database_url),
        env={
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "BUS_URL": f"amqp://a:b@127.0.0.1:{nowhere}/",
        },
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        await process.stderr.readuntil(b"bus_not_ready")
        process.send_signal(how)
        await process.communicate()
    assert process.returncode == 0
