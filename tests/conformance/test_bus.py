"""One suite for every bus: what `shared.bus` promises, held against memory, PostgreSQL and RabbitMQ."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

import aio_pika
import pytest
from sqlalchemy import make_url

from shared.bus import BATCH_MAX, Bus, BusUnavailable, Delivery, PublishFailed
from shared.bus_memory import MemoryBus
from shared.bus_postgres import PostgresBus
from shared.bus_rabbitmq import RabbitBus, dead_queue
from shared.events import Message
from shared.testing import eventually

NAME = "thing.happened.v1"


@dataclass
class Rig:
    """A bus and how to open another connection to the same one, as another process would."""

    bus: Bus
    another: Callable[[], Bus]
    queue: str
    other_queue: str

    @property
    def topology(self) -> dict[str, list[str]]:
        return {self.queue: [self.name, self.only], self.other_queue: [self.name]}

    @property
    def name(self) -> str:
        return f"{self.queue}.{NAME}"

    @property
    def only(self) -> str:
        return f"{self.queue}.only.v1"


@pytest.fixture(params=["memory", "postgres", "rabbitmq"])
def connect(request: pytest.FixtureRequest) -> Callable[[], Bus]:
    """How to open another connection to the bus; memory has one for all."""
    if request.param == "memory":
        bus = MemoryBus()
        return lambda: bus
    if request.param == "postgres":
        url = request.getfixturevalue("database_url")
        return lambda: PostgresBus(url)
    url = request.getfixturevalue("rabbitmq_url")
    return lambda: RabbitBus(url)


@pytest.fixture
async def rig(connect: Callable[[], Bus]) -> AsyncIterator[Rig]:
    opened: list[Bus] = []

    def another() -> Bus:
        opened.append(connect())
        return opened[-1]

    mark = uuid4().hex[:8]
    built = Rig(another(), another, f"q{mark}", f"other{mark}")
    await built.bus.declare(built.topology)
    yield built
    for bus in reversed(opened):
        await bus.close()


class Inbox:
    """Collects what a queue receives; fails as often as it is told to."""

    def __init__(self, *, failures: int = 0) -> None:
        self.deliveries: list[Delivery] = []
        self.batches: list[int] = []
        self.failures = failures

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        if self.failures:
            self.failures -= 1
            raise RuntimeError("not now")
        self.batches.append(len(deliveries))
        self.deliveries += deliveries

    @property
    def ids(self) -> Counter[str]:
        return Counter(delivery.message.headers["ce-id"] for delivery in self.deliveries)

    async def has(self, messages: Sequence[Message]) -> bool:
        return {message.headers["ce-id"] for message in messages} <= set(self.ids)

    async def holds(self, messages: Sequence[Message]) -> None:
        await eventually(lambda: self.has(messages), what=f"{len(messages)} messages")


def messages(name: str, count: int = 1, body: bytes = b"{}") -> list[Message]:
    return [
        Message(name, {"ce-id": str(uuid4()), "ce-type": name, "ce-source": "test"}, body)
        for _ in range(count)
    ]


async def test_what_is_published_reaches_every_queue_that_takes_it(rig):
    one, other, sent = Inbox(), Inbox(), messages(rig.name, 3, b'{"a": 1}')
    await rig.bus.subscribe(rig.queue, one.receive)
    await rig.bus.subscribe(rig.other_queue, other.receive)

    await rig.bus.publish(sent)

    await one.holds(sent)
    await other.holds(sent)
    received = one.deliveries[0].message
    assert (received.name, received.body) == (rig.name, b'{"a": 1}')
    assert received.headers["ce-source"] == "test"


async def test_a_queue_receives_only_what_it_takes(rig):
    other, sent = Inbox(), messages(rig.name)
    await rig.bus.subscribe(rig.other_queue, other.receive)

    await rig.bus.publish(messages(rig.only))
    await rig.bus.publish(sent)

    await other.holds(sent)
    assert set(other.ids) == {sent[0].headers["ce-id"]}


async def test_what_no_queue_takes_raises_and_names_it_alone(rig):
    inbox, good = Inbox(), messages(rig.name, 2)
    await rig.bus.subscribe(rig.queue, inbox.receive)

    with pytest.raises(PublishFailed) as failure:
        await rig.bus.publish([good[0], *messages("nobody.listens.v1"), good[1]])

    assert set(failure.value.reasons) == {1}
    await inbox.holds(good)


async def test_what_was_published_before_anybody_listened_waits(rig):
    inbox, sent = Inbox(), messages(rig.name, 5)
    await rig.bus.publish(sent)

    await rig.bus.subscribe(rig.queue, inbox.receive)

    await inbox.holds(sent)


async def test_a_failed_receive_is_delivered_again(rig):
    inbox, sent = Inbox(failures=2), messages(rig.name, 3)
    await rig.bus.subscribe(rig.queue, inbox.receive)

    await rig.bus.publish(sent)

    await inbox.holds(sent)


async def test_a_batch_has_an_upper_bound_and_never_waits_to_fill(rig):
    inbox, sent = Inbox(), messages(rig.name, 3 * BATCH_MAX)
    await rig.bus.publish(sent)

    await rig.bus.subscribe(rig.queue, inbox.receive)

    await inbox.holds(sent)
    assert max(inbox.batches) <= BATCH_MAX
    last = messages(rig.name)
    await rig.bus.publish(last)
    await inbox.holds(last)
    assert inbox.batches[-1] == 1


async def test_postgresql_a_batch_has_an_upper_bound_whatever_its_planner_thinks(database_url):
    others = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize")
    url = make_url(database_url).update_query_dict({f"enable_{way}": "off" for way in others})
    bus = PostgresBus(url.render_as_string(hide_password=False))
    inbox, sent = Inbox(), messages(NAME, 3 * BATCH_MAX)
    await bus.declare({"planned": [NAME]})
    await bus.publish(sent)

    await bus.subscribe("planned", inbox.receive)

    await inbox.holds(sent)
    await bus.close()
    assert max(inbox.batches) <= BATCH_MAX


async def test_nothing_is_received_twice_while_nothing_fails(rig):
    inbox, sent = Inbox(), messages(rig.name, 500)
    await rig.bus.subscribe(rig.queue, inbox.receive)

    await rig.bus.publish(sent)

    await inbox.holds(sent)
    assert set(inbox.ids.values()) == {1}
    await eventually(lambda: _is_empty(rig), what="an empty queue")


async def test_a_slow_queue_does_not_hold_up_another(rig):
    stuck, inbox, sent = asyncio.Event(), Inbox(), messages(rig.name, 10)

    async def hang(_: Sequence[Delivery]) -> None:
        await stuck.wait()

    await rig.bus.subscribe(rig.queue, hang)
    await rig.bus.subscribe(rig.other_queue, inbox.receive)

    await rig.bus.publish(sent)

    await inbox.holds(sent)
    stuck.set()


async def test_two_consumers_share_a_queue(rig):
    one, two, sent = Inbox(), Inbox(), messages(rig.name, 50)
    peer = rig.another()
    await rig.bus.subscribe(rig.queue, one.receive)
    await peer.subscribe(rig.queue, two.receive)

    await rig.bus.publish(sent)

    async def all_arrived() -> bool:
        return len(one.ids | two.ids) == len(sent)

    await eventually(all_arrived)
    assert not set(one.ids) & set(two.ids)


async def test_drain_waits_for_the_batch_in_hand_and_takes_no_more(rig):
    entered, release, done = asyncio.Event(), asyncio.Event(), []
    consumer = rig.another()

    async def slowly(deliveries: Sequence[Delivery]) -> None:
        entered.set()
        await release.wait()
        done.extend(deliveries)

    await consumer.subscribe(rig.queue, slowly)
    await rig.bus.publish(messages(rig.name))
    await entered.wait()

    draining = asyncio.create_task(consumer.drain())
    await asyncio.sleep(0)
    assert not draining.done()
    release.set()
    await draining

    assert len(done) == 1


async def test_after_a_drain_that_was_cut_short_the_bus_can_be_closed(rig):
    entered, consumer = asyncio.Event(), rig.another()

    async def never_return(_: Sequence[Delivery]) -> None:
        entered.set()
        await asyncio.Event().wait()

    await consumer.subscribe(rig.queue, never_return)
    await rig.bus.publish(messages(rig.name))
    await entered.wait()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await consumer.drain()

    await consumer.close()


async def test_declaring_again_and_more_changes_nothing_that_is_there(rig):
    inbox, sent = Inbox(), messages(rig.name)
    await rig.bus.publish(sent)

    await rig.bus.declare({**rig.topology, f"third{rig.queue}": [rig.name]})

    await rig.bus.subscribe(rig.queue, inbox.receive)
    await inbox.holds(sent)


async def test_a_served_bus_is_healthy(rig):
    await rig.bus.subscribe(rig.queue, Inbox().receive)

    async def healthy() -> bool:
        try:
            await rig.bus.check()
        except BusUnavailable:
            return False
        return True

    await eventually(healthy, what="a healthy bus")


async def test_concurrent_publishers_lose_nothing(rig):
    inbox = Inbox()
    batches = [messages(rig.name, 40) for _ in range(20)]
    await rig.bus.subscribe(rig.queue, inbox.receive)

    await asyncio.gather(*(rig.bus.publish(batch) for batch in batches))

    await inbox.holds([message for batch in batches for message in batch])


async def _is_empty(rig: Rig) -> bool:
    return await rig.bus.depth(rig.queue) == 0


# What only RabbitMQ can show.


async def test_rabbitmq_messages_are_persistent_and_are_cloudevents(rabbitmq_url):
    queue = f"q{uuid4().hex[:8]}"
    bus = RabbitBus(rabbitmq_url)
    await bus.declare({queue: [f"{queue}.{NAME}"]})
    await bus.publish(messages(f"{queue}.{NAME}"))

    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        channel = await connection.channel()
        stored = await (await channel.get_queue(queue)).get()
        assert stored.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
        assert stored.content_type == "application/json"
        assert stored.headers["ce-type"] == f"{queue}.{NAME}"
        await stored.ack()
    await bus.close()


async def test_rabbitmq_publishing_and_consuming_use_two_connections(rabbitmq_url):
    queue, inbox = f"q{uuid4().hex[:8]}", Inbox()
    bus = RabbitBus(rabbitmq_url)
    await bus.declare({queue: [f"{queue}.{NAME}"]})
    await bus.subscribe(queue, inbox.receive)
    sent = messages(f"{queue}.{NAME}")
    await bus.publish(sent)
    await inbox.holds(sent)

    publishing = bus._connection
    await publishing.close()
    again = messages(f"{queue}.{NAME}")
    await bus.publish(again)

    await inbox.holds(again)
    await bus.close()


async def test_rabbitmq_a_consumer_that_the_broker_cancelled_comes_back(rabbitmq_url):
    queue, inbox = f"q{uuid4().hex[:8]}", Inbox()
    topology = {queue: [f"{queue}.{NAME}"]}
    bus = RabbitBus(rabbitmq_url)
    await bus.declare(topology)
    await bus.subscribe(queue, inbox.receive)
    sent = messages(f"{queue}.{NAME}")
    await bus.publish(sent)
    await inbox.holds(sent)

    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        await (await connection.channel()).queue_delete(queue)

    async def is_unhealthy() -> bool:
        try:
            await bus.check()
        except BusUnavailable:
            return True
        return False

    await eventually(is_unhealthy, what="an unhealthy bus")
    await bus.declare(topology)
    again = messages(f"{queue}.{NAME}")
    await bus.publish(again)
    await inbox.holds(again)
    await bus.close()


async def test_rabbitmq_what_the_broker_gave_up_is_still_received(rabbitmq_url):
    queue, inbox = f"q{uuid4().hex[:8]}", Inbox()
    bus = RabbitBus(rabbitmq_url)
    await bus.declare({queue: [f"{queue}.{NAME}"]})
    sent = messages(f"{queue}.{NAME}")
    await bus.publish(sent)
    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        channel = await connection.channel()
        message = await (await channel.get_queue(queue)).get()
        await message.reject(requeue=False)

    assert dead_queue(queue) != queue
    await bus.subscribe(queue, inbox.receive)

    await inbox.holds(sent)
    assert inbox.deliveries[0].is_redelivered
    await bus.close()


async def test_rabbitmq_a_message_of_a_stranger_without_headers_is_delivered_as_it_is(rabbitmq_url):
    queue, inbox = f"q{uuid4().hex[:8]}", Inbox()
    bus = RabbitBus(rabbitmq_url)
    await bus.declare({queue: [f"{queue}.{NAME}"]})
    await bus.subscribe(queue, inbox.receive)
    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange("events")
        await exchange.publish(aio_pika.Message(b"\xff\x00"), routing_key=f"{queue}.{NAME}")

    async def arrived() -> bool:
        return bool(inbox.deliveries)

    await eventually(arrived)
    assert inbox.deliveries[0].message == Message(f"{queue}.{NAME}", {}, b"\xff\x00")
    await bus.close()
