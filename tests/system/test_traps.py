"""The measured traps (E…) and promises (M…) of messaging, each on the real engines and on our own code."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import aio_pika
import pytest

import shared.contracts  # noqa: F401 - fills the catalog
from shared import bus_rabbitmq
from shared.bus import Bus, BusUnavailable
from shared.bus_rabbitmq import RabbitBus, dead_queue
from shared.db import BODY_BYTES_MAX, Database
from shared.events import topology
from shared.handlers import Handlers
from shared.outbox import Relay
from shared.run import open_bus, running
from shared.service import Service
from shared.testing import eventually
from tests.engines import running_engine
from tests.servers import PostgresServer, RabbitMQServer
from tests.system.pipe import QUEUE, TOPOLOGY, Pipe, child

OPEN = (
    "SELECT 1 FROM pg_stat_activity"
    " WHERE state = 'idle in transaction' AND datname = current_database()"
)
ADDRESSES = [f"{number}@example.com" for number in range(99)]


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody kills the broker here: its new queues need no pause."""
    monkeypatch.setattr(bus_rabbitmq, "SETTLE_S", 0)


@pytest.fixture
async def pipe(database_url: str) -> AsyncIterator[Pipe]:
    made = Pipe(database_url)
    await made.prepare()
    yield made
    await made.database.close()


@pytest.fixture
async def vhost(rabbitmq_url: str) -> AsyncIterator[str]:
    """The url of a RabbitMQ without our queues."""
    yield rabbitmq_url
    connection = await aio_pika.connect(rabbitmq_url)
    async with connection:
        channel = await connection.channel()
        for name in (QUEUE, dead_queue(QUEUE)):
            await channel.queue_delete(name)


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[str], Bus]]:
    """How to open a bus; all are closed at the end."""
    async with AsyncExitStack() as opened:

        def another(url: str) -> Bus:
            bus = open_bus(url)
            opened.push_async_callback(bus.close)
            return bus

        yield another


@pytest.fixture(params=["postgres", "rabbitmq"])
async def bus_url(
    request: pytest.FixtureRequest, postgres: PostgresServer, vhost: str
) -> AsyncIterator[str]:
    """The url of an empty bus, of each kind."""
    if request.param == "rabbitmq":
        yield vhost
        return
    url = await postgres.create_database()
    yield url
    await postgres.drop_database(url)


async def test_e1_an_event_that_no_queue_takes_waits_until_one_does(vhost, pipe, connect):
    bus = connect(vhost)
    await bus.declare({})
    await pipe.say("a@example.com")
    async with pipe.relaying(bus):
        await eventually(lambda: was_tried(pipe), what="a failed attempt")

        await bus.declare(TOPOLOGY)
        await bus.subscribe(QUEUE, pipe.consumer.receive)

        await eventually(lambda: pipe.did("a@example.com"), what="the effect")
        await eventually(pipe.is_at_rest, what="an empty outbox")


async def was_tried(pipe: Pipe) -> bool:
    return any(row.attempts for row in await pipe.rows("SELECT attempts FROM outbox"))


async def test_e2_a_cancelled_consumer_loses_nothing_and_leaves_no_transaction_open(
    bus_url, pipe, connect
):
    cancelled, other, entered = connect(bus_url), connect(bus_url), asyncio.Event()
    await cancelled.declare(TOPOLOGY)
    await pipe.say("a@example.com", "b@example.com")
    await Relay(pipe.database, cancelled).run_once()

    async def receive_for_ever(deliveries):
        async with pipe.database.transaction() as tx:
            await tx.now()
            entered.set()
            await asyncio.Event().wait()

    await cancelled.subscribe(QUEUE, receive_for_ever)
    await entered.wait()
    for task in tasks_of(cancelled):
        task.cancel()
    await asyncio.wait(tasks_of(cancelled))
    tasks_of(cancelled).clear()

    await other.subscribe(QUEUE, pipe.consumer.receive)
    await eventually(lambda: pipe.did("a@example.com", "b@example.com"), what="both effects")
    await eventually(lambda: nothing_is_left_open(pipe), what="an end of every transaction")


async def nothing_is_left_open(pipe: Pipe) -> bool:
    return await pipe.rows(OPEN) == []


async def test_a_consumer_cancelled_at_any_moment_of_its_start_ends(vhost, connect):
    await connect(vhost).declare(TOPOLOGY)
    for moment in range(40):
        bus = connect(vhost)
        await bus.subscribe(QUEUE, receive_nothing)
        await asyncio.sleep(moment * 0.002)
        for task in tasks_of(bus):
            task.cancel()
        _, hung = await asyncio.wait(tasks_of(bus), timeout=30)
        tasks_of(bus).clear()
        assert not hung


async def receive_nothing(deliveries):
    """Nothing is sent."""


def tasks_of(bus) -> list[asyncio.Task[None]]:
    return bus._tasks if isinstance(bus, RabbitBus) else bus._consumers


async def test_e3_of_a_hundred_messages_the_one_that_fails_is_parked_alone(bus_url, pipe, connect):
    bus = connect(bus_url)
    await bus.declare(TOPOLOGY)
    await pipe.say(*ADDRESSES[:50], "bad@example.com", *ADDRESSES[50:])
    await Relay(pipe.database, bus).run_once()

    await bus.subscribe(QUEUE, pipe.consumer.receive)

    await eventually(lambda: pipe.did(*ADDRESSES), what="99 effects")
    await eventually(lambda: is_empty(bus), what="an empty queue")
    [row] = await pipe.rows("SELECT reason, state FROM parked")
    assert (row.reason.split(":")[0], row.state) == ("Flaw", "retrying")


async def test_m5_of_a_hundred_messages_the_one_that_kills_its_process_is_parked_alone(
    vhost, pipe, connect
):
    bus, deaths = connect(vhost), 0
    await bus.declare(TOPOLOGY)
    await pipe.say(*ADDRESSES[:50], "killer@example.com", *ADDRESSES[50:])
    await Relay(pipe.database, bus).run_once()

    async def all_done() -> bool:
        return await pipe.did(*ADDRESSES) and await is_empty(bus)

    while not await all_done():
        async with child("consume", vhost, pipe) as process:
            await eventually(lambda: has_ended_or(process, all_done), what="a death, or the end")
            deaths += process.returncode is not None

    [row] = await pipe.rows("SELECT reason, state FROM parked")
    assert (row.state, deaths) == ("parked", 4), row.reason


async def has_ended_or(process, condition) -> bool:
    return process.returncode is not None or await condition()


async def is_empty(bus: Bus) -> bool:
    return await bus.depth(QUEUE) == 0


async def test_e5_during_a_disk_alarm_the_outbox_waits_and_consumers_go_on(
    rabbitmq, vhost, pipe, connect, monkeypatch
):
    monkeypatch.setattr(bus_rabbitmq, "CONFIRM_S_MAX", 1)
    publishing, consuming = connect(vhost), connect(vhost)
    before, meanwhile = ADDRESSES[:30], ADDRESSES[30:60]
    await publishing.declare(TOPOLOGY)
    await pipe.say(*before)
    await Relay(pipe.database, publishing).run_once()

    await rabbitmq.rabbitmqctl("set_disk_free_limit", "1000000GB")
    try:
        async with pipe.relaying(publishing):
            await pipe.say(*meanwhile)
            await eventually(lambda: was_tried(pipe), what="a failed attempt")
            await consuming.subscribe(QUEUE, pipe.consumer.receive)
            await eventually(lambda: pipe.did(*before), what="what was there before")
            assert len(await pipe.messages()) == len(meanwhile)

            await rabbitmq.rabbitmqctl("set_disk_free_limit", "50MB")

            await eventually(lambda: pipe.did(*before, *meanwhile), what="all effects, once each")
            await eventually(pipe.is_at_rest, what="an empty outbox")
    finally:
        await rabbitmq.rabbitmqctl("set_disk_free_limit", "50MB")


async def test_e9_the_largest_event_that_the_outbox_takes_arrives(bus_url, pipe, connect):
    bus, received = connect(bus_url), []
    await bus.declare(TOPOLOGY)
    await pipe.say("")
    [empty] = await pipe.messages()
    await pipe.say("x" * (BODY_BYTES_MAX - len(empty.body)))

    async def receive(deliveries):
        received.extend(len(delivery.message.body) for delivery in deliveries)

    async def both_arrived() -> bool:
        return sorted(received) == [len(empty.body), BODY_BYTES_MAX]

    await bus.subscribe(QUEUE, receive)

    await Relay(pipe.database, bus).run_once()

    await eventually(both_arrived, what="the largest event")


async def test_e10_every_queue_that_the_broker_has_has_a_dead_letter_target(rabbitmq, connect):
    vhost = await rabbitmq.create_vhost()
    await connect(vhost).declare(topology())

    queues = await listed(rabbitmq, vhost, "list_queues", "name", "durable", "arguments")

    names = set(topology())
    assert {queue["name"] for queue in queues} == names | {dead_queue(name) for name in names}
    bindings = await listed(rabbitmq, vhost, "list_bindings")
    ways = {(row["source_name"], row["routing_key"], row["destination_name"]) for row in bindings}
    for queue in queues:
        arguments = {name: value for name, _, value in map(tuple, queue["arguments"])}
        assert (queue["durable"], arguments["x-queue-type"]) == (True, "quorum")
        if queue["name"] in names:
            target = arguments["x-dead-letter-exchange"], arguments["x-dead-letter-routing-key"]
            assert (*target, dead_queue(queue["name"])) in ways
            assert arguments["x-overflow"] == "reject-publish"


async def listed(rabbitmq: RabbitMQServer, vhost: str, *command: str) -> list[dict]:
    name = vhost.rpartition("/")[2]
    return json.loads(await rabbitmq.rabbitmqctl(*command, "-p", name, "--formatter", "json"))


async def test_e10_a_queue_without_a_dead_letter_target_stops_the_start(vhost, connect):
    bus = connect(vhost)
    channel = await bus._publishing()
    await channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})

    with pytest.raises(Exception, match="x-dead-letter-exchange"):
        await bus.declare(TOPOLOGY)


async def test_a_relay_killed_between_publish_and_delete_publishes_twice_to_one_effect(
    bus_url, pipe, connect
):
    bus, received = connect(bus_url), []
    await bus.declare(TOPOLOGY)
    await pipe.say(*ADDRESSES[:10])
    async with child("relay", bus_url, pipe) as process:
        assert await process.stdout.readline() == b"10\n"

    async def receive(deliveries):
        await pipe.consumer.receive(deliveries)
        received.extend(deliveries)

    async def arrived_twice() -> bool:
        return len(received) == 20

    await bus.subscribe(QUEUE, receive)
    await eventually(lambda: pipe.did(*ADDRESSES[:10]), what="each effect")
    async with pipe.relaying(bus):
        await eventually(arrived_twice, what="each event again")
        await eventually(pipe.is_at_rest, what="an empty outbox")

    assert await pipe.did(*ADDRESSES[:10])


async def test_two_relays_publish_each_event_once(bus_url, pipe, connect):
    one, two, received = connect(bus_url), connect(bus_url), []
    await one.declare(TOPOLOGY)

    async def receive(deliveries):
        received.extend(delivery.message.headers["ce-id"] for delivery in deliveries)

    await one.subscribe(QUEUE, receive)
    async with pipe.relaying(one, two):
        for number in range(30):
            await pipe.say(*(f"{number}.{address}" for address in ADDRESSES[:10]))
        await eventually(pipe.is_at_rest, what="an empty outbox")

    await eventually(lambda: is_empty(one), what="an empty queue")
    assert len(received) == len(set(received)) == 300


async def test_trap_3_a_service_that_starts_late_loses_nothing(bus_url, postgres, pipe, connect):
    url = await postgres.create_database()
    auth = Service("auth", Database(url, source="auth"), "auth.migrations")
    speaking, died = Pipe(url), asyncio.Event()
    async with running([auth], open_bus(bus_url), give_up=died.set):
        await speaking.say(*ADDRESSES)
        await eventually(speaking.is_at_rest, what="an empty outbox")

    handlers: Handlers = pipe.consumer._handlers
    late = Service(
        QUEUE, Database(pipe.url, source=QUEUE), "notifier.migrations", handlers=handlers
    )
    async with running([late], open_bus(bus_url), give_up=died.set):
        await eventually(lambda: pipe.did(*ADDRESSES), what="99 effects")
    assert not died.is_set(), "a loop of a service ended"
    await speaking.database.close()
    await postgres.drop_database(url)


async def test_an_event_that_was_tried_for_days_is_published_when_the_bus_is_back(
    vhost, pipe, connect
):
    away, back = connect("amqp://nobody@127.0.0.1:1/"), connect(vhost)
    await back.declare(TOPOLOGY)
    await pipe.say("a@example.com")
    tried = "UPDATE outbox SET attempts = 100000, retry_at = NULL RETURNING 1"
    await pipe.rows(tried)

    assert await Relay(pipe.database, away).run_once() == 0

    assert await pipe.rows("SELECT attempts FROM outbox") == [(100_001,)]
    await pipe.rows(tried)
    assert await Relay(pipe.database, back).run_once() == 1


@pytest.mark.parametrize("kind", ["rabbitmq", "postgres"])
async def test_a_consumer_outlives_an_engine_that_is_away_for_days(
    kind, rabbitmq, postgres, connect, monkeypatch
):
    monkeypatch.setattr(f"shared.bus_{kind}.PAUSE_S_MAX", 0)
    away = {
        "rabbitmq": "amqp://nobody@127.0.0.1:1/",
        "postgres": "postgresql://nobody@127.0.0.1:1/x",
    }
    bus, tries = connect(away[kind]), 0

    async def counted(*arguments, **options):
        nonlocal tries
        tries += 1
        raise ConnectionRefusedError

    async def many() -> bool:
        return tries > 2500

    driver = {"rabbitmq": "aio_pika.Connection.connect", "postgres": "asyncpg.connect"}
    monkeypatch.setattr(driver[kind], counted)
    await bus.subscribe(QUEUE, counted)

    await eventually(many, what="2,500 attempts")

    assert not any(task.done() for task in tasks_of(bus))
    with pytest.raises(BusUnavailable):
        await bus.check()


async def test_postgresql_restarts_under_all_of_it_and_every_effect_happens_once(
    vhost, connect, tmp_path
):
    bus = connect(vhost)
    await bus.declare(TOPOLOGY)
    said: list[str] = []
    async with running_engine("postgres", tmp_path) as engine:
        pipe = Pipe(engine.url)
        await pipe.prepare()
        await bus.subscribe(QUEUE, pipe.consumer.receive)
        async with pipe.relaying(bus):
            for number in range(6):
                addresses = [f"{number}.{address}" for address in ADDRESSES]
                await eventually(lambda: answers(pipe), what="a database that answers")
                await pipe.say(*addresses)
                said += addresses
                await (restart if number % 2 else kill)(engine)

            await eventually(lambda: happened(pipe, said), within_s=60, what="every effect once")
            await eventually(pipe.is_at_rest, within_s=60, what="nothing left to do")
        await bus.drain()
        await pipe.database.close()


async def kill(engine) -> None:
    engine.kill()
    await engine.start()


async def restart(engine) -> None:
    await engine.server.stop()
    await engine.start()


async def answers(pipe: Pipe) -> bool:
    """Tell whether the database answers; of connections that are gone the first use tells it."""
    try:
        await pipe.database.check()
    except Exception:  # noqa: BLE001 - whatever it says, it does not answer
        return False
    return True


async def happened(pipe: Pipe, said: list[str]) -> bool:
    return await answers(pipe) and await pipe.did(*said)
