"""The proxy does to real connections what a bad network does, and strikes at the moment that it was told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import aio_pika
import asyncpg
import pytest
from aio_pika.exceptions import AMQPError
from sqlalchemy import make_url

from shared.testing import eventually
from tests.engines import Engine, running_engine
from tests.system.dialects import Amqp, Moment, Postgres
from tests.system.proxy import Proxy, Strike

pytestmark = pytest.mark.system
LOST = (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError)


@pytest.fixture(scope="module")
async def postgres_engine(tmp_path_factory) -> AsyncIterator[Engine]:
    async with running_engine("postgres", tmp_path_factory.mktemp("postgres")) as engine:
        yield engine


@pytest.fixture(scope="module")
async def rabbitmq_engine(tmp_path_factory) -> AsyncIterator[Engine]:
    async with running_engine("rabbitmq", tmp_path_factory.mktemp("rabbitmq")) as engine:
        yield engine


@asynccontextmanager
async def connected(engine: Engine) -> AsyncIterator[tuple[Proxy, asyncpg.Connection]]:
    """A connection through a proxy to a database with an empty table of notes."""
    proxy = Proxy(lambda: engine.socket, Postgres)
    async with proxy.listening() as port:
        connection = await connect(engine, port)
        await connection.execute("CREATE TABLE IF NOT EXISTS notes (words text)")
        await connection.execute("TRUNCATE notes")
        try:
            yield proxy, connection
        finally:
            connection.terminate()


async def connect(engine: Engine, port: int) -> asyncpg.Connection:
    url = make_url(engine.url)
    return await asyncpg.connect(
        host="127.0.0.1", port=port, user=url.username, database=url.database, timeout=30
    )


async def write(connection: asyncpg.Connection, words: str) -> None:
    async with connection.transaction():
        await connection.execute("INSERT INTO notes VALUES ($1)", words)


async def notes(engine: Engine) -> list[str]:
    proxy = Proxy(lambda: engine.socket, Postgres)
    async with proxy.listening() as port:
        connection = await connect(engine, port)
        rows = await connection.fetch("SELECT words FROM notes ORDER BY words")
        await connection.close()
    return [row["words"] for row in rows]


async def test_the_answer_to_a_commit_is_lost_and_the_commit_is_not(postgres_engine):
    async with connected(postgres_engine) as (proxy, connection):
        strike = Strike(Moment.COMMITTED, after=1)
        proxy.strikes.append(strike)

        async with connection.transaction():
            await connection.fetch("SELECT 1")  # a commit of nothing is no moment
        await write(connection, "answered")
        with pytest.raises(LOST):
            await write(connection, "not answered")

        assert strike.struck.is_set()
        assert await notes(postgres_engine) == ["answered", "not answered"]


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_connection_ends_and_the_next_one_is_served(postgres_engine, how):
    async with connected(postgres_engine) as (proxy, connection):
        getattr(proxy, how)()

        with pytest.raises(LOST):
            await write(connection, "lost")
        assert await notes(postgres_engine) == []


async def test_what_is_held_arrives_when_it_is_released(postgres_engine):
    async with connected(postgres_engine) as (proxy, connection):
        proxy.hold()
        writing = asyncio.create_task(write(connection, "late"))
        assert await notes(postgres_engine) == []

        proxy.release()

        await writing
        assert await notes(postgres_engine) == ["late"]


async def test_a_delay_loses_nothing(postgres_engine):
    async with connected(postgres_engine) as (proxy, connection):
        proxy.delay_s = 0.05

        for number in range(3):
            await write(connection, str(number))

        assert await notes(postgres_engine) == ["0", "1", "2"]


async def test_a_server_that_is_away_refuses_connections():
    async with Proxy(lambda: 1, Postgres).listening() as port:
        with pytest.raises(OSError):  # noqa: PT011 - a reset or an end, as the kernel likes
            await asyncpg.connect(host="127.0.0.1", port=port, user="a", database="b", timeout=30)


async def test_a_confirm_is_lost_and_its_message_is_not(rabbitmq_engine):
    async with broker(rabbitmq_engine) as (proxy, url):
        connection = await aio_pika.connect(url)
        channel = await connection.channel()
        queue = await channel.declare_queue("confirms", durable=True)
        proxy.strikes.append(Strike(Moment.CONFIRMED))

        with pytest.raises((AMQPError, OSError, asyncio.CancelledError)):
            await channel.default_exchange.publish(aio_pika.Message(b"kept"), queue.name)

        await connection.close()
        assert await take(rabbitmq_engine.url, "confirms") == [b"kept"]


async def test_an_acknowledgement_is_lost_and_the_message_comes_again(rabbitmq_engine):
    async with broker(rabbitmq_engine) as (proxy, url):
        connection = await aio_pika.connect(url)
        channel = await connection.channel()
        queue = await channel.declare_queue("acks", durable=True)
        await channel.default_exchange.publish(aio_pika.Message(b"again"), queue.name)
        message = await queue.get()
        strike = Strike(Moment.ACKNOWLEDGED)
        proxy.strikes.append(strike)

        await message.ack()
        await eventually(strike.struck.wait, what="the strike")

        await connection.close()
        assert await take(rabbitmq_engine.url, "acks") == [b"again"]


@asynccontextmanager
async def broker(engine: Engine) -> AsyncIterator[tuple[Proxy, str]]:
    proxy = Proxy(lambda: engine.socket, Amqp)
    async with proxy.listening() as port:
        direct = urlsplit(engine.url)
        yield proxy, engine.url.replace(f":{direct.port}/", f":{port}/")


async def take(url: str, name: str) -> list[bytes]:
    """Return what waits in a queue, once something does."""
    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).get_queue(name)
        found = []

        async def has_one() -> bool:
            message = await queue.get(fail=False, no_ack=True)
            found.extend([message.body] if message else [])
            return bool(found)

        await eventually(has_one, what=f"a message in {name}")
        return found
