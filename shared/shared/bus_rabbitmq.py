"""A bus on RabbitMQ (3.10 to 4.x), for any number of machines.

One durable topic exchange, `events`; one quorum queue a consumer; the routing key is the event's name.
Messages are persistent and published with confirms and `mandatory`. Publishing and consuming have a
connection each, because the broker stops reading a connection that publishes while it raises an alarm.
Each connection is plain, not "robust": a loop of ours opens the next one, so that nothing restores itself
behind our back and a consumer that the broker cancelled is consuming again or reported.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection
from aio_pika.connection import make_url
from aiormq.abc import AbstractChannel, DeliveredMessage
from aiormq.channel import Channel
from pamqp.common import FieldTable, FieldValue

from shared.bus import (
    BATCH_MAX,
    DEAD,
    BusUnavailable,
    Delivery,
    PublishFailed,
    Receive,
    dead_queue,
)
from shared.bus_rabbitmq_publish import publish_together
from shared.events import Message

log = structlog.get_logger()

EXCHANGE = "events"
DEAD_EXCHANGE = "events.dead"
CONFIRM_S_MAX = 30.0
CONNECT_S_MAX = 10.0
PAUSE_S_MAX = 5.0
PREFETCH = 2 * BATCH_MAX
# The broker writes a second later where a new quorum queue keeps its log (ra_directory's table saves itself at
# the second look, each half a second, that finds no new queue): one that is killed before has lost the queue
# with all that it confirmed, and never serves it again. Whoever publishes has declared all queues, and waits
# three times as long, for the broker may be busy.
SETTLE_S = 3.0

# Arguments of a queue are for ever (a changed one is refused), so there is nothing here to tune. The limit
# is the last net under a message that kills its consumers: `shared.consumer` parks it long before.
QUORUM: dict[str, FieldValue] = {
    "x-queue-type": "quorum",
    "x-delivery-limit": 1000,
    "x-dead-letter-exchange": DEAD_EXCHANGE,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}

DEAD_QUORUM: dict[str, FieldValue] = {"x-queue-type": "quorum"}


class RabbitBus:
    """Queues on the RabbitMQ broker at `url` (`amqp://…` or `amqps://…`)."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: AbstractConnection | None = None
        self._channel: Channel | None = None
        self._connecting = asyncio.Lock()
        self._settled_at = 0.0
        self._consumers: list[_Consumer] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def declare(self, topology: Mapping[str, Sequence[str]]) -> None:
        """Make sure that every queue exists, takes the named events, and has a dead-letter queue."""
        channel = await self._publishing()
        await channel.exchange_declare(exchange=EXCHANGE, exchange_type="topic", durable=True)
        await channel.exchange_declare(exchange=DEAD_EXCHANGE, exchange_type="topic", durable=True)
        for queue, names in topology.items():
            await _declare_queue(channel, queue, names)
        self._settled_at = asyncio.get_running_loop().time() + SETTLE_S

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return once the broker confirmed every message; raise PublishFailed for the others."""
        if not messages:
            return
        await asyncio.sleep(max(0.0, self._settled_at - asyncio.get_running_loop().time()))
        try:
            channel = await self._publishing()
            failed = await publish_together(channel, EXCHANGE, messages, limit_s=CONFIRM_S_MAX)
        except (Exception, asyncio.CancelledError) as flaw:
            _raise_if_cancelled()
            raise PublishFailed(dict.fromkeys(range(len(messages)), repr(flaw))) from flaw
        if failed:
            raise PublishFailed(failed)

    async def subscribe(self, queue: str, receive: Receive) -> None:
        """Hand what arrives, and what the broker gave up delivering, to `receive`, until closed."""
        for name in (queue, dead_queue(queue)):
            consumer = _Consumer(self._url, name, receive)
            self._consumers.append(consumer)
            self._tasks.append(asyncio.create_task(consumer.run()))

    async def check(self) -> None:
        """Return when connected and every subscription is served; raise BusUnavailable otherwise."""
        troubles = [consumer.trouble for consumer in self._consumers if consumer.trouble]
        if troubles:
            raise BusUnavailable("; ".join(troubles))
        await self._publishing()

    async def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue; those being received are not counted by the broker."""
        channel = await self._publishing()
        declared = await channel.queue_declare(queue=queue, passive=True, timeout=5)
        in_hand = sum(consumer.in_hand for consumer in self._consumers if consumer.queue == queue)
        return (declared.message_count or 0) + in_hand

    async def drain(self) -> None:
        """Stop handing out; return when the batches in hand are done."""
        for consumer in self._consumers:
            consumer.stop()
        # A drain that was cut short has cancelled them: the next one finds that, and goes on.
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Drain and disconnect."""
        await self.drain()
        if self._connection is not None:
            await self._connection.close()

    async def _publishing(self) -> Channel:
        """Return an open channel to publish on, of a new connection when the last one was lost."""
        async with self._connecting:
            if self._channel is None or self._channel.is_closed:
                try:
                    self._channel = await self._reopened()
                except (Exception, asyncio.CancelledError) as flaw:
                    _raise_if_cancelled()
                    message = f"the broker does not answer: {flaw!r}"
                    raise BusUnavailable(message) from flaw
            return self._channel

    async def _reopened(self) -> Channel:
        if self._connection is not None:
            await self._connection.close()
        self._connection = await connect(self._url, "publish")
        channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        underlay = await channel.get_underlay_channel()
        _raise_if_cancelled()
        assert isinstance(underlay, Channel)
        return underlay


class _Consumer:
    """Serves one queue on one connection after another."""

    def __init__(self, url: str, queue: str, receive: Receive) -> None:
        self.queue = queue
        self.trouble: str | None = f"the queue {queue} is not being served yet"
        self._url = url
        self._receive = receive
        self._waiting: deque[DeliveredMessage] = deque()
        self._arrived = asyncio.Event()
        self._is_lost = False
        self._is_stopping = False

    @property
    def in_hand(self) -> int:
        return len(self._waiting)

    def stop(self) -> None:
        self._is_stopping = True
        self._arrived.set()

    async def run(self) -> None:
        """Connect and consume for ever; say in `trouble` why the queue is not served while it is not."""
        failures = 0
        while not self._is_stopping:
            try:
                await self._serve_one_connection()
                failures = 0
            except (Exception, asyncio.CancelledError) as flaw:  # noqa: BLE001 - whatever a lost broker says
                _raise_if_cancelled()
                failures = failures + 1 if self.trouble else 1
                self._say(f"the queue {self.queue} is not being served: {flaw!r}")
            if not self._is_stopping:
                await asyncio.sleep(_pause_s(failures))

    async def _serve_one_connection(self) -> None:
        connection = await connect(self._url, f"consume {self.queue}")
        try:
            await self._consume(connection)
        finally:
            await connection.close()

    async def _consume(self, connection: AbstractConnection) -> None:
        """Consume until stopped or until the connection, the channel or the consumer is lost."""
        self._waiting.clear()
        self._is_lost = False
        opened = await connection.channel(publisher_confirms=False)
        channel = await opened.get_underlay_channel()
        channel.on_consumer_cancel_callbacks.add(self._lose)
        channel.closing.add_done_callback(self._lose)
        await channel.basic_qos(prefetch_count=PREFETCH, timeout=CONNECT_S_MAX)
        await channel.basic_consume(self.queue, self._take, timeout=CONNECT_S_MAX)
        self.trouble = None
        _raise_if_cancelled()  # the library may have swallowed it
        while not (self._is_stopping or self._is_lost):
            if not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await self._hand_out(channel)
        if self._is_lost and not self._is_stopping:
            self._say(f"the queue {self.queue} is not being served: the broker ended the consumer")

    async def _take(self, message: DeliveredMessage) -> None:
        self._waiting.append(message)
        self._arrived.set()

    def _lose(self, _: object) -> None:
        self._is_lost = True
        self._arrived.set()

    def _say(self, trouble: str) -> None:
        self.trouble = trouble
        log.warning("bus_consumer_lost", queue=self.queue, reason=trouble)

    async def _hand_out(self, channel: AbstractChannel) -> None:
        """Have one batch received and acknowledge it at once; keep it in hand for as long as that fails.

        A failed batch is not given back to the broker, which would count that against its messages.
        """
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
        is_dead = self.queue.endswith(DEAD)
        deliveries = [_delivery(message, was_dead=is_dead) for message in batch]
        failures = 0
        while not self._is_lost:
            try:
                await self._receive(deliveries)
                break
            except Exception as flaw:  # noqa: BLE001 - a failed receive is tried again
                failures += 1
                log.warning("receive_failed", queue=self.queue, reason=str(flaw))
                if self._is_stopping:
                    return
                await asyncio.sleep(_pause_s(failures))
        tag = batch[-1].delivery_tag
        if tag is not None and not self._is_lost:
            await channel.basic_ack(tag, multiple=True)


def _raise_if_cancelled() -> None:
    """Go on with a cancellation of this task.

    aiormq raises others to end what waits on a lost channel; and `asyncio.wait_for`, before Python 3.12, loses
    one that comes together with the answer.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _pause_s(failures: int) -> float:
    return min(0.1 * 2.0 ** min(failures, 10), PAUSE_S_MAX)


async def connect(url: str, purpose: str, *, limit_s: float = CONNECT_S_MAX) -> aio_pika.Connection:
    """Connect. What did not come about is closed: the library would do so when it is collected, in whatever loop."""
    properties: FieldTable = {"connection_name": f"impacter {purpose}"}
    connection = aio_pika.Connection(make_url(url), client_properties=properties)
    try:
        await connection.connect(timeout=limit_s)
    except BaseException:
        await connection.close()
        raise
    return connection


async def _declare_queue(channel: AbstractChannel, queue: str, names: Sequence[str]) -> None:
    dead = dead_queue(queue)
    await channel.queue_declare(queue=dead, durable=True, arguments=dict(DEAD_QUORUM))
    await channel.queue_bind(queue=dead, exchange=DEAD_EXCHANGE, routing_key=queue)
    arguments: dict[str, FieldValue] = {**QUORUM, "x-dead-letter-routing-key": queue}
    await channel.queue_declare(queue=queue, durable=True, arguments=arguments)
    for name in names:
        await channel.queue_bind(queue=queue, exchange=EXCHANGE, routing_key=name)


def _delivery(message: DeliveredMessage, *, was_dead: bool) -> Delivery:
    properties: Any = message.header.properties
    headers = {str(key): str(value) for key, value in (properties.headers or {}).items()}
    name = headers.get("ce-type") or message.routing_key or ""
    is_redelivered = was_dead or bool(message.redelivered)
    return Delivery(Message(name, headers, message.body), is_redelivered=is_redelivered)
