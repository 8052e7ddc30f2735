"""taskiq on a quorum queue (its default): `taskiq worker benchmarks.peers.taskiq_app:broker --workers 2`."""

import asyncio
import sys

import asyncpg
from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker

from benchmarks.peers.work import ASYNC_INSERT, BODY, CONNECTIONS, broker_url, database_url

broker = AioPikaBroker(broker_url(), qos=100)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def connect(state: TaskiqState) -> None:
    """Open the connections that the rows are written over."""
    state.pool = await asyncpg.create_pool(database_url(), min_size=CONNECTIONS)


@broker.task(task_name="record")
async def record(body: str) -> None:
    """Write the row."""
    await broker.state.pool.execute(ASYNC_INSERT, body)


async def _enqueue(count: int) -> None:
    await broker.startup()
    for start in range(0, count, 100):
        await asyncio.gather(*(record.kiq(BODY) for _ in range(min(100, count - start))))
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_enqueue(int(sys.argv[1])))
