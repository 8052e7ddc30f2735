"""Publishing a batch to RabbitMQ as one write, and waiting for all its confirms together.

It stands on the channel of aiormq, under aio-pika: `Channel.basic_publish` takes the channel's lock, a place in
the queue of writes and a timer for each message, which costs more than the broker's own work on it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any, cast

from aiormq.abc import ChannelFrame, FrameType
from aiormq.channel import Channel
from pamqp.body import ContentBody
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.events import CONTENT_TYPE, Message

Frame = FrameType | ContentBody


class ChannelClosed(Exception):
    """The channel was lost before anything was sent on it."""


async def publish_together(
    channel: Channel, exchange: str, messages: Sequence[Message], *, limit_s: float
) -> dict[int, str]:
    """Publish persistent, mandatory messages; return why the broker did not confirm some, by their position.

    What is not confirmed within `limit_s` seconds may have been stored all the same. Nothing is sent, and an
    error raised, where the channel is closed or the connection takes nothing.
    """
    confirms = _Confirms(channel, messages)
    try:
        async with asyncio.timeout(limit_s), channel.lock:
            if channel.is_closed:
                raise ChannelClosed
            await _send(channel, exchange, messages, confirms)
        return await confirms.wait(limit_s)
    finally:
        confirms.forget()


async def _send(
    channel: Channel, exchange: str, messages: Sequence[Message], confirms: "_Confirms"
) -> None:
    """Hand a batch to the connection; take its numbers back where that fails, or the count is lost."""
    last = channel.delivery_tag
    frames = chain.from_iterable(_frames(channel, exchange, message) for message in messages)
    write = ChannelFrame.marshall(channel.number, frames)
    confirms.expect()
    try:
        await channel.write_queue.put(write)
    except BaseException:
        for tag in range(last + 1, channel.delivery_tag + 1):
            channel.confirmations.pop(tag, None)
        channel.delivery_tag = last
        raise


class _Confirms:
    """The confirms of a batch, awaited together: a future for each would be most of the work of publishing."""

    def __init__(self, channel: Channel, messages: Sequence[Message]) -> None:
        self._channel = channel
        self._messages = messages
        self._missing = set(range(len(messages)))
        self._reasons: dict[int, str] = {}
        self._all_came = channel.loop.create_future()
        self.is_over = False

    def expect(self) -> None:
        """Take the next numbers of the channel for the messages; the broker counts the same way."""
        channel = self._channel
        for position, message in enumerate(self._messages):
            channel.delivery_tag += 1
            tag = channel.delivery_tag
            channel.confirmations[tag] = cast("Any", _Confirm(self, position))
            # how a returned message is known again
            channel.message_id_delivery_tag[message.headers["ce-id"]] = tag

    async def wait(self, limit_s: float) -> dict[int, str]:
        """Return, when all have come or none can come any more, why some messages were not confirmed."""
        closing = self._channel.closing
        await asyncio.wait(
            {self._all_came, closing}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED
        )
        reason = "the channel was lost" if closing.done() else f"no confirm within {limit_s} s"
        closing.cancel()
        return self._reasons | dict.fromkeys(self._missing, reason)

    def came(self, position: int, reason: str | None) -> None:
        """Take the broker's word for a message."""
        self._missing.discard(position)
        if reason is not None:
            self._reasons[position] = reason
        if not (self._missing or self._all_came.done()):
            self._all_came.set_result(None)

    def forget(self) -> None:
        """Wait for nothing any more: what still comes is nobody's."""
        self.is_over = True
        for message in self._messages:
            self._channel.message_id_delivery_tag.pop(message.headers["ce-id"], None)


class _Confirm:
    """What the channel takes for the future of one confirm."""

    __slots__ = ("_batch", "_position")

    def __init__(self, batch: _Confirms, position: int) -> None:
        self._batch = batch
        self._position = position

    def done(self) -> bool:
        """Tell whether nobody waits for it any more."""
        return self._batch.is_over

    cancelled = done

    def set_result(self, _: object) -> None:
        """The broker has stored the message."""
        self._batch.came(self._position, None)

    def set_exception(self, flaw: BaseException) -> None:
        """The broker has not."""
        self._batch.came(self._position, repr(flaw))


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
