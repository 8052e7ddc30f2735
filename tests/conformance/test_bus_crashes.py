"""Both real buses keep what they confirmed over kill -9 of their engine and of their consumers."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
import structlog
from sqlalchemy import text

from shared import bus_rabbitmq
from shared.bus import Bus, BusUnavailable, Delivery, PublishFailed
from shared.bus_rabbitmq import SETTLE_S
from shared.consumer import Consumer
from shared.contracts.users import UserVerificationRequested
from shared.db import Database
from shared.events import Message
from shared.handlers import Handlers
from shared.migrate import migrate
from shared.run import open_bus
from shared.testing import eventually
from tests.engines import Engine, running_engine
from tests.system.proxy import Proxy, through

log = structlog.get_logger()

KILLS = 2
PER_ROUND = 400
BATCH = 20
RECOVERY_S_MAX = 60

HOLDER = """
import asyncio, sys
from shared.run import open_bus

async def hold(deliveries):
    print(len(deliveries), flush=True)
    await asyncio.Event().wait()

async def main():
    await open_bus(sys.argv[1]).subscribe(sys.argv[2], hold)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(scope="module", params=["postgres", "rabbitmq"])
async def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Engine]:
    async with running_engine(request.param, tmp_path_factory.mktemp("engine")) as started:
        yield started


@pytest.fixture(autouse=True)
def patient(hasty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_rabbitmq, "SETTLE_S", SETTLE_S)


@pytest.fixture
def queue() -> str:
    return f"q{uuid4().hex[:8]}"


@asynccontextmanager
async def connected(*buses: Bus) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for bus in buses:
            await bus.close()


class Load:
    """Publishes batch after batch, what was not confirmed again, and remembers what was confirmed."""

    def __init__(self, bus: Bus, name: str) -> None:
        self.confirmed: set[str] = set()
        self.failures = 0
        self._bus = bus
        self._name = name
        self._is_ending = False

    async def run(self) -> None:
        batch: list[Message] = []
        while batch or not self._is_ending:
            batch = batch or messages(self._name, BATCH)
            failed = await self._publish(batch)
            self.confirmed |= set(ids(m for i, m in enumerate(batch) if i not in failed))
            batch = [message for i, message in enumerate(batch) if i in failed]
            await asyncio.sleep(0.1 if failed else 0.005)

    def end(self) -> None:
        self._is_ending = True

    async def confirms(self, count: int) -> None:
        """Return once so many more messages were confirmed."""
        goal = len(self.confirmed) + count

        async def reached() -> bool:
            return len(self.confirmed) >= goal

        await eventually(reached, within_s=RECOVERY_S_MAX, what=f"{goal} confirmed messages")

    async def _publish(self, batch: Sequence[Message]) -> set[int]:
        try:
            await self._bus.publish(batch)
        except PublishFailed as failure:
            self.failures += 1
            return set(failure.reasons)
        return set()


class Inbox:
    """Collects what a queue receives."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    async def receive(self, deliveries: Sequence[Delivery]) -> None:
        self.deliveries += deliveries

    async def holds(self, wanted: set[str]) -> None:
        async def has_all() -> bool:
            return wanted <= set(ids(delivery.message for delivery in self.deliveries))

        await eventually(has_all, within_s=RECOVERY_S_MAX, what=f"all of {len(wanted)} messages")


def messages(name: str, count: int) -> list[Message]:
    return [
        Message(name, {"ce-id": str(uuid4()), "ce-type": name, "ce-source": "test"}, b"{}")
        for _ in range(count)
    ]


def ids(sent) -> list[str]:
    return [message.headers["ce-id"] for message in sent]


async def healthy(bus: Bus) -> bool:
    try:
        await bus.check()
    except BusUnavailable:
        return False
    return True


async def unhealthy(bus: Bus) -> bool:
    return not await healthy(bus)


async def test_what_was_confirmed_survives_kills_of_the_engine_under_load(engine, queue):
    publishing, consuming = engine.connect(), engine.connect()
    load, inbox = Load(publishing, queue), Inbox()
    async with connected(publishing, consuming):
        await publishing.declare({queue: [queue]})
        await consuming.subscribe(queue, inbox.receive)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run())
            for _ in range(KILLS):
                await load.confirms(PER_ROUND)
                engine.kill()
                killed_at = time.monotonic()
                await engine.start()
                await load.confirms(1)
                log.info("recovered", within_s=round(time.monotonic() - killed_at, 2))
            await load.confirms(PER_ROUND)
            load.end()

        await inbox.holds(load.confirmed)

        received = ids(delivery.message for delivery in inbox.deliveries)
        twice = len(received) - len(set(received))
        log.info("survived", confirmed=len(load.confirmed), twice=twice)
        assert load.failures


async def test_what_was_published_right_after_its_queue_was_declared_survives_too(engine, queue):
    publishing, consuming, inbox = engine.connect(), engine.connect(), Inbox()
    async with connected(publishing, consuming):
        await publishing.declare({queue: [queue]})
        sent = messages(queue, 100)
        await publishing.publish(sent)

        engine.kill()
        await engine.start()

        await consuming.subscribe(queue, inbox.receive)
        await inbox.holds(set(ids(sent)))


async def test_a_bus_says_that_its_engine_is_gone_and_serves_again_by_itself(engine, queue):
    bus, inbox = engine.connect(), Inbox()
    async with connected(bus):
        await bus.declare({queue: [queue]})
        await bus.subscribe(queue, inbox.receive)
        await eventually(lambda: healthy(bus), what="a healthy bus")
        before = messages(queue, 1)
        await bus.publish(before)
        await inbox.holds(set(ids(before)))

        engine.kill()

        await eventually(lambda: unhealthy(bus), what="an unhealthy bus")
        with pytest.raises(PublishFailed):
            await bus.publish(messages(queue, 1))
        await engine.start()
        await eventually(lambda: healthy(bus), what="a healthy bus again")
        sent = messages(queue, 10)
        await bus.publish(sent)
        await inbox.holds(set(ids(before + sent)))


async def test_the_batch_of_a_killed_process_comes_again_and_says_so(engine, queue):
    bus, inbox = engine.connect(), Inbox()
    async with connected(bus):
        await bus.declare({queue: [queue]})
        sent = messages(queue, 5)
        await bus.publish(sent)
        holder = await asyncio.create_subprocess_exec(
            sys.executable, "-c", HOLDER, engine.url, queue, stdout=asyncio.subprocess.PIPE
        )
        assert holder.stdout is not None
        in_hand = int(await holder.stdout.readline())

        holder.kill()
        await holder.wait()

        await bus.subscribe(queue, inbox.receive)
        await inbox.holds(set(ids(sent)))
        assert sum(delivery.is_redelivered for delivery in inbox.deliveries) >= in_hand
        assert len(inbox.deliveries) == len(sent)


async def test_a_lost_confirm_is_a_failure_and_publishing_again_has_no_second_effect(
    engine, database_url
):
    proxy = Proxy(lambda: engine.socket)
    async with proxy.listening() as port, notified(database_url) as (database, consumer):
        direct, doubtful = engine.connect(), open_bus(through(engine.url, port))
        async with connected(direct, doubtful):
            once, twice = (database.envelope(fact(), None).to_message() for _ in range(2))
            received: list[Message] = []

            async def receive(deliveries: Sequence[Delivery]) -> None:
                await consumer.receive(deliveries)
                received.extend(delivery.message for delivery in deliveries)

            await direct.declare({"notifier": [once.name]})
            await direct.subscribe("notifier", receive)
            await doubtful.publish([once])
            await eventually(lambda: are(received, once), what="one message")

            proxy.lose_answers()
            publishing = asyncio.create_task(doubtful.publish([twice]))
            await eventually(lambda: are(received, once, twice), what="the other message")
            proxy.cut()
            with pytest.raises(PublishFailed):
                await publishing
            await doubtful.publish([twice])

            await eventually(lambda: are(received, once, twice, twice), what="it again")
            assert await effects(database) == 2


async def are(received: list[Message], *expected: Message) -> bool:
    return ids(received) == ids(expected)


def fact() -> UserVerificationRequested:
    return UserVerificationRequested(user_id=uuid4(), email="a@example.com", sealed_token="x")


@asynccontextmanager
async def notified(url: str) -> AsyncIterator[tuple[Database, Consumer]]:
    """A database that counts each event's effects, and the consumer that has them."""
    database, handlers = Database(url, source="auth"), Handlers("notifier")
    await migrate(database.engine)
    async with database.transaction() as tx:
        await tx.execute(text("CREATE TABLE IF NOT EXISTS effects (address text)"))
        await tx.execute(text("TRUNCATE effects, inbox"))

    @handlers.on(UserVerificationRequested)
    async def count(event: UserVerificationRequested, tx):
        await tx.execute(text("INSERT INTO effects VALUES (:email)"), {"email": event.email})

    yield database, Consumer(database, handlers)
    await database.close()


async def effects(database: Database) -> int:
    async with database.transaction() as tx:
        return (await tx.execute(text("SELECT count(*) FROM effects"))).scalar_one()
