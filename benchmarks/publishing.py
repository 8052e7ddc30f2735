"""The limit of publishing: how many persistent messages a second a quorum queue confirms, and nothing else done.

Batches of 500 messages of 500 bytes, each batch one write, its confirms awaited together: once over aio-pika's
connection with the frames written on the channel below it, as any user of that library could at best, and once
with a client of this file's own, which is about what the machine can do. Run in a process of its own on uvloop.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from urllib.parse import unquote, urlsplit

import aio_pika
import uvloop
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from pamqp import commands, frame, header
from pamqp.body import ContentBody
from pamqp.heartbeat import Heartbeat

from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Stage, run

QUEUE = "bare"
BATCH = 500
BODY = b"x" * 500
FRAME_HEAD_BYTES = 7
QUORUM = {"x-queue-type": "quorum"}
Frame = commands.Basic.Publish | header.ContentHeader | ContentBody
PROTOCOL = b"AMQP\x00\x00\x09\x01"
PUBLISH_S_MAX = 60


@asynccontextmanager
async def publishing(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure the limits of publishing."""
    site = await stage.site("publishing")
    count = max(effort.events // BATCH, 1) * BATCH

    async def once() -> Samples:
        command = [sys.executable, "-m", "benchmarks.publishing", site.bus_url, str(count)]
        rates: dict[str, float] = json.loads(await run(command, site.environment(1)))
        return rates

    yield once


async def _main(url: str, count: int) -> None:
    connection = await aio_pika.connect(url)
    channel = await (await connection.channel()).get_underlay_channel()
    assert isinstance(channel, Channel)
    await channel.queue_declare(QUEUE, durable=True, arguments=dict(QUORUM))
    batched = await _by_the_library(channel, count)
    await channel.queue_purge(QUEUE)
    bare = await _by_hand(url, count)
    await channel.queue_delete(QUEUE)
    await connection.close()
    sys.stdout.write(json.dumps({"publishing/batched": batched, "publishing/bare": bare}))


async def _by_the_library(channel: Channel, count: int) -> float:
    began_at = time.perf_counter()
    for _ in range(count // BATCH):
        frames = [part for _ in range(BATCH) for part in _frames()]
        confirms = []
        for _ in range(BATCH):
            channel.delivery_tag += 1
            confirms.append(channel.create_future())
            channel.confirmations[channel.delivery_tag] = confirms[-1]
        await channel.write_queue.put(ChannelFrame.marshall(channel.number, frames))
        async with asyncio.timeout(PUBLISH_S_MAX):
            await asyncio.gather(*confirms)
    return count / (time.perf_counter() - began_at)


async def _by_hand(url: str, count: int) -> float:
    batch = b"".join(frame.marshal(part, 1) for _ in range(BATCH) for part in _frames())
    reader, writer = await _opened(url)
    frames = _received(reader)
    began_at = time.perf_counter()
    last = 0
    for _ in range(count // BATCH):
        writer.write(batch)
        last += BATCH
        await _confirmed(frames, last)
    seconds = time.perf_counter() - began_at
    writer.close()
    return count / seconds


def _frames() -> Iterator[Frame]:
    yield commands.Basic.Publish(exchange="", routing_key=QUEUE, mandatory=True)
    properties = commands.Basic.Properties(delivery_mode=2, message_id="0" * 36)
    yield header.ContentHeader(body_size=len(BODY), properties=properties)
    yield ContentBody(BODY)


async def _opened(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection and a channel that confirms, the few frames that it takes."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    frames = _received(reader)
    writer.write(PROTOCOL)
    await anext(frames)
    login = f"\0{unquote(parts.username or '')}\0{unquote(parts.password or '')}"
    writer.write(frame.marshal(commands.Connection.StartOk(mechanism="PLAIN", response=login), 0))
    await anext(frames)
    tuned = commands.Connection.TuneOk(channel_max=1, frame_max=131_072, heartbeat=0)
    opening = commands.Connection.Open(virtual_host=unquote(parts.path[1:]) or "/")
    writer.write(frame.marshal(tuned, 0) + frame.marshal(opening, 0))
    await anext(frames)
    writer.write(frame.marshal(commands.Channel.Open(), 1))
    await anext(frames)
    writer.write(frame.marshal(commands.Confirm.Select(), 1))
    await anext(frames)
    return reader, writer


async def _received(reader: asyncio.StreamReader) -> AsyncIterator[object]:
    buffer = b""
    while piece := await reader.read(65_536):
        buffer += piece
        while len(buffer) > FRAME_HEAD_BYTES and len(buffer) >= 8 + int.from_bytes(
            buffer[3:7], "big"
        ):
            size, _, content = frame.unmarshal(buffer)
            buffer = buffer[size:]
            if not isinstance(content, Heartbeat):
                yield content


async def _confirmed(frames: AsyncIterator[object], last: int) -> None:
    """Return when everything up to this number is confirmed."""
    left = BATCH
    async with asyncio.timeout(PUBLISH_S_MAX):
        async for content in frames:
            assert isinstance(content, commands.Basic.Ack), content
            tag = content.delivery_tag
            assert tag is not None
            left = last - tag if content.multiple else left - 1
            if left <= 0:
                return


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1], int(sys.argv[2])))
