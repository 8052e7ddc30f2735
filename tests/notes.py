"""A durable message at a broker, to be found again after whatever happens to it."""

import asyncio

import aio_pika
from aio_pika import DeliveryMode, Message

from shared.bus_rabbitmq import SETTLE_S


async def publish(url: str, body: bytes) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("notes", durable=True)
        await asyncio.sleep(SETTLE_S)  # killed before, a busy broker may have lost the queue
        message = Message(body, delivery_mode=DeliveryMode.PERSISTENT)
        await channel.default_exchange.publish(message, "notes")


async def take(url: str) -> bytes:
    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).get_queue("notes")
        message = await queue.get()
        await message.ack()
        return message.body
