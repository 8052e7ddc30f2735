"""What runs services notices when a part of them has ended."""

import asyncio

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
    service = Service(
        "auth", Database(database_url, source="auth"), "auth.migrations", workers=[Dying()]
    )
    has_ended = asyncio.Event()

    async with running([service], MemoryBus(), give_up=has_ended.set):
        async with asyncio.timeout(30):
            await has_ended.wait()
