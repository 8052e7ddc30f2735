"""The doctor at databases and buses that are really broken: each link one by one, and its words."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import aio_pika
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

import shared.contracts  # noqa: F401 - fills the catalog
from impacter.doctor import engines
from impacter.doctor.findings import Broken, State, look
from shared.bus import dead_queue
from shared.bus_postgres import PostgresBus
from shared.bus_rabbitmq import RabbitBus
from shared.events import topology
from shared.migrate import migrate

NOWHERE = "postgresql+asyncpg://billing:hunter2@127.0.0.1:1/billing"


@asynccontextmanager
async def engine_at(url):
    engine = create_async_engine(url, poolclass=NullPool)
    yield engine
    await engine.dispose()


async def execute(url, statement):
    async with engine_at(url) as engine, engine.begin() as connection:
        await connection.execute(text(statement))


@pytest.fixture(scope="module")
async def migrated(postgres):
    url = await postgres.create_database()
    async with engine_at(url) as engine:
        await migrate(engine, "billing.migrations")
    yield url
    await postgres.drop_database(url)


@pytest.fixture
async def copy(postgres, migrated):
    """A migrated database of a test's own, to be broken."""
    url = await postgres.create_database(template=migrated)
    yield url
    await postgres.drop_database(url)


async def database(url):
    return await engines.check_database("billing", {"BILLING_DATABASE_URL": url})


async def test_a_migrated_database_that_answers_is_well(migrated):
    found = await database(migrated)

    assert [each.what for each in found] == ["database of billing", "migrations of billing"]
    assert {each.state for each in found} == {State.OK}


async def test_a_wrong_port_is_named_and_nothing_else_is_tried():
    reached, migrations = await database(NOWHERE)

    assert (reached.state, reached.why) == (State.BROKEN, "127.0.0.1:1: nothing listens there")
    assert reached.to_do == "start PostgreSQL at 127.0.0.1:1, or correct BILLING_DATABASE_URL"
    assert migrations.state is State.SKIPPED
    assert "hunter2" not in repr(reached)


async def test_a_host_that_does_not_exist_is_named():
    [reached, _] = await database("postgresql+asyncpg://x@no-such-host.invalid/billing")

    assert reached.why == "no-such-host.invalid: there is no host of that name"


async def test_a_database_that_was_never_made_is_named(migrated):
    [reached, _] = await database(other_database(migrated, "nobody_made_it"))

    assert reached.why.startswith("there is no database nobody_made_it")
    assert reached.to_do == "create it"


async def test_a_role_that_is_refused_is_named(migrated):
    stranger = migrated.replace("//impacter", "//stranger")
    if stranger == migrated:
        pytest.skip("this server knows its roles by password")
    [reached, _] = await database(stranger)

    assert reached.why.startswith("PostgreSQL at ")
    assert reached.why.endswith(" refuses the user or the password")
    assert reached.to_do == "correct BILLING_DATABASE_URL, or the role in PostgreSQL"


def other_database(url, name):
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{name}"))


@pytest.mark.parametrize(
    ("statement", "why", "to_do"),
    [
        (
            "DELETE FROM alembic_version",
            "billing.migrations is at nothing and should be at 0006",
            "start billing: it migrates its database before anything else",
        ),
        (
            "UPDATE alembic_version SET version_num = '0001'",
            "billing.migrations is at 0001 and should be at 0006",
            "start billing: it migrates its database before anything else",
        ),
        (
            "UPDATE alembic_version_shared SET version_num = '9999'",
            "shared.migrations is at 9999, which this code does not know",
            "the database is newer: run the newer version of the product",
        ),
    ],
)
async def test_a_missing_migration_is_named(copy, statement, why, to_do):
    await execute(copy, statement)

    reached, migrations = await database(copy)

    assert reached.state is State.OK
    assert (migrations.state, migrations.why, migrations.to_do) == (State.BROKEN, why, to_do)


async def test_the_clock_is_compared_with_the_first_database_that_answers(migrated):
    urls = {f"{name.upper()}_DATABASE_URL": NOWHERE for name in engines.SERVICES}

    assert (await engines.check_clock(urls)).state is State.SKIPPED
    urls["TASKS_DATABASE_URL"] = migrated
    assert (await engines.check_clock(urls)).state is State.OK


def test_clocks_that_differ_are_told_apart():
    behind = engines.clock_finding(-timedelta(minutes=5).total_seconds())

    assert behind.state is State.BROKEN
    assert behind.why == "the database's is 300 s behind this machine's"
    assert engines.clock_finding(9).state is State.OK


@pytest.fixture
async def broker(rabbitmq):
    """The URL of a virtual host of a test's own, with all queues."""
    url = await rabbitmq.create_vhost()
    bus = RabbitBus(url)
    await bus.declare(topology())
    await bus.close()
    yield url
    await rabbitmq.delete_vhost(url)


@asynccontextmanager
async def channel_of(url):
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()


async def test_a_broker_with_all_queues_is_well(broker):
    reached, queues = await engines.check_bus(broker)

    assert (reached.state, queues.state) == (State.OK, State.OK), (reached, queues)
    assert queues.why == f"{len(topology())} queues, each with its dead-letter target"


async def test_a_broker_that_is_not_there_is_named():
    reached, queues = await engines.check_bus("amqp://impacter:hunter2@127.0.0.1:1/")

    assert (reached.state, reached.why) == (State.BROKEN, "127.0.0.1:1: nothing listens there")
    assert reached.to_do == "start RabbitMQ at 127.0.0.1:1, or correct BUS_URL"
    assert queues.state is State.SKIPPED
    assert "hunter2" not in repr(reached)


async def test_a_broker_that_refuses_us_is_named(broker):
    parts = urlsplit(broker)
    reached, _ = await engines.check_bus(
        urlunsplit(parts._replace(netloc=f"impacter:wrong@127.0.0.1:{parts.port}"))
    )

    assert "refuses the user, the password or the virtual host" in reached.why
    assert reached.to_do == "correct BUS_URL, or the user in RabbitMQ"


@pytest.mark.parametrize("queue", ["billing", "tasks.dead"])
async def test_a_queue_that_is_missing_is_named_and_not_made(broker, queue):
    async with channel_of(broker) as channel:
        await channel.queue_delete(queue)

    for _ in range(2):
        reached, queues = await engines.check_bus(broker)
        assert reached.state is State.OK
        assert (queues.state, queues.why) == (State.BROKEN, f"there is no queue {queue}")
        assert queues.to_do.startswith("start the service that owns it")


async def test_an_exchange_that_is_missing_is_named(broker):
    async with channel_of(broker) as channel:
        await channel.exchange_delete("events.dead")

    _, queues = await engines.check_bus(broker)

    assert queues.why == "there is no exchange events.dead"


async def test_a_queue_without_a_dead_letter_target_is_named(broker):
    async with channel_of(broker) as channel:
        await channel.queue_delete("billing")
        await channel.declare_queue("billing", durable=True, arguments={"x-queue-type": "quorum"})

    _, queues = await engines.check_bus(broker)

    assert queues.state is State.BROKEN
    assert queues.why.startswith("the queue billing was made with other arguments")
    assert "rabbitmqctl delete_queue billing" in queues.to_do


async def test_dead_letters_are_counted(broker):
    async with channel_of(broker) as channel:
        for _ in range(3):
            await channel.default_exchange.publish(
                aio_pika.Message(b"x", delivery_mode=2), dead_queue("auth")
            )

    _, queues = await engines.check_bus(broker)

    assert queues.why == "the broker gave up delivering events to auth (3)"


async def test_a_bus_in_postgresql_needs_its_bindings(copy):
    before = await engines.check_bus(copy)
    bus = PostgresBus(copy)
    await bus.declare(topology())
    await bus.close()
    after = await engines.check_bus(copy)
    await execute(copy, "DELETE FROM bus_bindings WHERE queue = 'notifier'")
    _, queues = await engines.check_bus(copy)

    assert [each.state for each in before] == [State.OK, State.BROKEN]
    assert [each.state for each in after] == [State.OK, State.OK]
    assert queues.why == "not every event reaches notifier"


async def test_what_does_not_answer_is_told_after_the_limit():
    async def listen_in_vain():
        await asyncio.Event().wait()

    found = await look("it", listen_in_vain, to_do="wait", limit_s=0.05)

    assert (found.state, found.why) == (State.BROKEN, "there is no answer within 0.05 seconds")


async def test_credentials_in_a_complaint_are_not_shown():
    async def complain():
        message = "cannot parse amqp://ana:hunter2@host/"
        raise ValueError(message)

    async def know():
        raise Broken("a reason", "a remedy")

    assert (await look("it", complain, to_do="")).why == "cannot parse amqp://host/"
    assert (await look("it", know, to_do="another")).to_do == "a remedy"
