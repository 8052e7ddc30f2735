"""Publishing a batch to RabbitMQ as one write, and waiting for all its confirms together.

It stands on the channel of aiormq, under aio-pika: `Channel.basic_publish` takes the channel's lock, a place in
the queue of writes and a timer for each message, which costs more than the broker's own work on it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, TypeAlias

from aiormq.abc import ChannelFrame, FrameType
from aiormq.channel import Channel
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.events import CONTENT_TYPE, Message

Frame = FrameType | ContentBody
Confirm: TypeAlias = "asyncio.Future[Any]"


class ChannelClosed(Exception):
    """The channel was lost before anything was sent on it."""


async def publish_together(
    channel: Channel, exchange: str, messages: Sequence[Message], *, limit_s: float
) -> dict[int, str]:
    """Publish persistent, mandatory messages; return why the broker did not confirm some, by their position.

    What is not confirmed within `limit_s` seconds may have been stored all the same. Nothing is sent, and an
    error raised, where the channel is closed or the connection takes nothing.
    """
    async with asyncio.timeout(limit_s), channel.lock:
        if channel.is_closed:
            raise ChannelClosed
        confirms = await _send(channel, exchange, messages)
    if not channel.is_closed:  # closing it fails those that wait at that moment only
        await asyncio.wait(confirms, timeout=limit_s)
    return {
        position: reason
        for position, confirm in enumerate(confirms)
        if (reason := _reason(confirm, limit_s))
    }


async def _send(channel: Channel, exchange: str, messages: Sequence[Message]) -> list[Confirm]:
    """Hand a batch to the connection; take its numbers back where that fails, or the count is lost."""
    last = channel.delivery_tag
    frames = chain.from_iterable(_frames(channel, exchange, message) for message in messages)
    write = ChannelFrame.marshall(channel.number, frames)
    confirms = [_expect_confirm(channel, message) for message in messages]
    try:
        await channel.write_queue.put(write)
    except BaseException:
        for tag, confirm in enumerate(confirms, last + 1):
            channel.confirmations.pop(tag, None)
            confirm.cancel()
        channel.delivery_tag = last
        raise
    return confirms


def _expect_confirm(channel: Channel, message: Message) -> Confirm:
    """Take the next number of the channel for a message; the broker counts the same way."""
    channel.delivery_tag += 1
    tag, message_id = channel.delivery_tag, message.headers["ce-id"]
    confirm: Confirm = channel.create_future()
    channel.confirmations[tag] = confirm
    channel.message_id_delivery_tag[message_id] = tag  # how a returned message is known again

    def forget(_: object) -> None:
        if channel.message_id_delivery_tag.get(message_id) == tag:
            del channel.message_id_delivery_tag[message_id]

    confirm.add_done_callback(forget)
    return confirm


def _frames(channel: Channel, exchange: str, message: Message) -> Iterator[Frame]:
    yield Basic.Publish(exchange=exchange, routing_key=message.name, mandatory=True)
    properties = Basic.Properties(
        content_type=CONTENT_TYPE,
        delivery_mode=2,
        message_id=message.headers["ce-id"],
        message_type=message.name,
        headers=dict(message.headers),
    )
    yield ContentHeader(properties=properties, body_size=len(message.body))
    size = channel.max_content_size
    for start in range(0, len(message.body), size):
        yield ContentBody(message.body[start : start + size])


def _reason(confirm: Confirm, limit_s: float) -> str | None:
    if not confirm.done():
        confirm.cancel()
        return f"no confirm within {limit_s} s"
    if confirm.cancelled():
        return "the channel was lost"
    flaw = confirm.exception()
    return repr(flaw) if flaw else None
