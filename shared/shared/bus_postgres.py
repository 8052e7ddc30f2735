"""A bus in a PostgreSQL database, for one machine without a broker.

A published batch is one INSERT, committed to disk. A consumer claims rows (`SKIP LOCKED`), receives them and
deletes them. Claims and deletions commit without waiting for the disk: losing one only delivers again. A
claim belongs to a database session, shown by an advisory lock that ends with it; the claims of the dead are
void, so what a killed consumer had in hand comes again within seconds.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from secrets import randbelow
from typing import Any

import asyncpg
import structlog

from shared.bus import BATCH_MAX, BusUnavailable, Delivery, PublishFailed, Receive
from shared.events import Message

log = structlog.get_logger()

POLL_S = 0.2
SWEEP_S = 2.0
PAUSE_S_MAX = 5.0
LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a query between the server's last word and its end
)
CLAIMS = 7_251  # the advisory lock class of claims

SCHEMA = """
SELECT pg_advisory_xact_lock(7251);
CREATE TABLE IF NOT EXISTS bus_bindings (
    name text NOT NULL, queue text NOT NULL, PRIMARY KEY (name, queue));
CREATE TABLE IF NOT EXISTS bus_messages (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue text NOT NULL, name text NOT NULL, headers jsonb NOT NULL, body bytea NOT NULL,
    claimed_by integer, deliveries integer NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS bus_messages_free ON bus_messages (queue, id) WHERE claimed_by IS NULL;
CREATE INDEX IF NOT EXISTS bus_messages_claimed ON bus_messages (claimed_by)
    WHERE claimed_by IS NOT NULL;
"""

PUBLISH = """
WITH message AS (
    SELECT * FROM unnest($1::int[], $2::text[], $3::text[], $4::bytea[])
        AS message(position, name, headers, body)
), stored AS (
    INSERT INTO bus_messages (queue, name, headers, body)
    SELECT queue, message.name, headers::jsonb, body
    FROM message JOIN bus_bindings USING (name) ORDER BY position, queue
)
SELECT position FROM message WHERE name NOT IN (SELECT name FROM bus_bindings)
"""

# As a subquery the batch would be asked once for each row by some plans, and each time be other rows.
CLAIM = """
WITH batch AS MATERIALIZED (
    SELECT id FROM bus_messages WHERE queue = $1 AND claimed_by IS NULL
    ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
UPDATE bus_messages AS message SET claimed_by = $2, deliveries = deliveries + 1
FROM batch WHERE message.id = batch.id
RETURNING message.id, name, headers, body, deliveries
"""

VOID = """
UPDATE bus_messages SET claimed_by = NULL
WHERE claimed_by IS NOT NULL AND queue = $1 AND claimed_by NOT IN (
    SELECT objid::bigint FROM pg_locks
    WHERE locktype = 'advisory' AND classid = $2 AND granted)
"""


class PostgresBus:
    """Queues in the tables `bus_bindings` and `bus_messages` of the database at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+asyncpg://", "postgresql://")
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._arrived: dict[str, asyncio.Event] = {}
        self._consumers: list[asyncio.Task[None]] = []
        self._troubles: dict[str, str] = {}
        self._is_draining = False
        self._opening = asyncio.Lock()

    async def declare(self, topology: Mapping[str, Sequence[str]]) -> None:
        """Make sure that every queue exists and takes the named events."""
        pairs = [(name, queue) for queue, names in topology.items() for name in names]
        pool = await self._connected()
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(SCHEMA)
            await connection.executemany(
                "INSERT INTO bus_bindings (name, queue) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                pairs,
            )

    async def publish(self, messages: Sequence[Message]) -> None:
        """Store the messages in one committed statement; raise PublishFailed for what no queue takes."""
        columns = (
            list(range(len(messages))),
            [message.name for message in messages],
            [json.dumps(dict(message.headers)) for message in messages],
            [message.body for message in messages],
        )
        try:
            pool = await self._connected()
            unroutable = await pool.fetch(PUBLISH, *columns, timeout=30)
        except LOST as flaw:
            raise PublishFailed(dict.fromkeys(columns[0], f"not stored: {flaw}")) from flaw
        for arrived in self._arrived.values():
            arrived.set()
        if unroutable:
            raise PublishFailed(
                {
                    row["position"]: f"no queue takes {messages[row['position']].name}"
                    for row in unroutable
                }
            )

    async def subscribe(self, queue: str, receive: Receive) -> None:
        """Hand what arrives to `receive` in batches, until closed."""
        self._arrived[queue] = asyncio.Event()
        self._troubles[queue] = f"the queue {queue} is not being served yet"
        self._consumers.append(asyncio.create_task(self._consume(queue, receive)))

    async def check(self) -> None:
        """Return when the database answers and every subscription is served."""
        if self._troubles:
            raise BusUnavailable("; ".join(self._troubles.values()))
        try:
            await (await self._connected()).fetchval("SELECT 1", timeout=5)
        except LOST as flaw:
            message = f"the bus database does not answer: {flaw}"
            raise BusUnavailable(message) from flaw

    async def depth(self, queue: str) -> int:
        """Return how many messages wait or are being received."""
        pool = await self._connected()
        return int(await pool.fetchval("SELECT count(*) FROM bus_messages WHERE queue = $1", queue))

    async def drain(self) -> None:
        """Stop handing out; return when the batches in hand are done."""
        self._is_draining = True
        for arrived in self._arrived.values():
            arrived.set()
        # A drain that was cut short has cancelled them: the next one finds that, and goes on.
        await asyncio.gather(*self._consumers, return_exceptions=True)

    async def close(self) -> None:
        """Drain and disconnect."""
        await self.drain()
        if self._pool is not None:
            await self._pool.close()

    async def _connected(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=10,
                    timeout=10,
                    command_timeout=60,
                    server_settings={"application_name": "bus"},
                )
        return self._pool

    async def _consume(self, queue: str, receive: Receive) -> None:
        """Serve the queue on one session after another, whatever happens to each."""
        failures = 0
        while not self._is_draining:
            try:
                await self._serve_one_session(queue, receive)
            except Exception as flaw:  # noqa: BLE001 - whatever ended it, the next one may serve
                failures = failures + 1 if queue in self._troubles else 1
                self._troubles[queue] = f"the queue {queue} is not being served: {flaw!r}"
                log.warning("bus_session_lost", queue=queue, reason=repr(flaw))
            if not self._is_draining:
                await asyncio.sleep(min(0.1 * 2 ** min(failures, 10), PAUSE_S_MAX))

    async def _serve_one_session(self, queue: str, receive: Receive) -> None:
        session = await asyncpg.connect(
            self._url,
            timeout=10,
            command_timeout=60,
            server_settings={"application_name": f"bus/{queue}", "synchronous_commit": "off"},
        )
        try:
            await self._serve(session, queue, receive)
        finally:
            session.terminate()

    async def _serve(
        self, session: "asyncpg.Connection[Any]", queue: str, receive: Receive
    ) -> None:
        claim = randbelow(2**31)
        await session.execute("SELECT pg_advisory_lock($1, $2)", CLAIMS, claim)
        arrived, loop = self._arrived[queue], asyncio.get_running_loop()
        swept_at = float("-inf")
        while not self._is_draining:
            if loop.time() - swept_at > SWEEP_S:
                await session.execute(VOID, queue, CLAIMS)
                swept_at = loop.time()
            arrived.clear()
            rows = await session.fetch(CLAIM, queue, claim, BATCH_MAX)
            self._troubles.pop(queue, None)
            if rows:
                await self._hand_out(session, rows, receive)
            else:
                await _first(arrived, POLL_S)

    async def _hand_out(
        self, session: "asyncpg.Connection[Any]", rows: Sequence[asyncpg.Record], receive: Receive
    ) -> None:
        batch = [
            Delivery(
                Message(row["name"], json.loads(row["headers"]), row["body"]),
                is_redelivered=row["deliveries"] > 1,
            )
            for row in rows
        ]
        ids = [row["id"] for row in rows]
        try:
            await receive(batch)
        except Exception as flaw:  # noqa: BLE001 - a failed receive is delivered again
            log.warning("receive_failed", reason=str(flaw))
            await asyncio.sleep(1)
            await session.execute(
                "UPDATE bus_messages SET claimed_by = NULL WHERE id = ANY($1)", ids
            )
        else:
            await session.execute("DELETE FROM bus_messages WHERE id = ANY($1)", ids)


async def _first(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
