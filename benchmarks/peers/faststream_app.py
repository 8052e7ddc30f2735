"""FastStream on a quorum queue: `faststream run benchmarks.peers.faststream_app:app --workers 2`."""

import asyncio
import sys
from typing import Any

import asyncpg
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue

from benchmarks.peers.work import ASYNC_INSERT, BODY, CONNECTIONS, broker_url, database_url

broker = RabbitBroker(broker_url(), default_channel=Channel(prefetch_count=100))
app = FastStream(broker)
queue = RabbitQueue("faststream", queue_type=QueueType.QUORUM, durable=True)
pools: list[Any] = []


@app.on_startup
async def connect() -> None:
    """Open the connections that the rows are written over."""
    pools.append(await asyncpg.create_pool(database_url(), min_size=CONNECTIONS))


@broker.subscriber(queue, ack_policy=AckPolicy.NACK_ON_ERROR)
async def record(body: str) -> None:
    """Write the row."""
    await pools[0].execute(ASYNC_INSERT, body)


async def _enqueue(count: int) -> None:
    async with broker:
        await broker.declare_queue(queue)
        for start in range(0, count, 100):
            sent = (
                broker.publish(BODY, queue, persist=True) for _ in range(min(100, count - start))
            )
            await asyncio.gather(*sent)


if __name__ == "__main__":
    asyncio.run(_enqueue(int(sys.argv[1])))
