"""A pipe from one service's outbox through a real bus to another's inbox, which counts effects.

python -m tests.system.pipe consume <bus> <database>     # until it is killed, at the latest by a "killer"
python -m tests.system.pipe relay <bus> <database>       # publishes a batch, says so, and never deletes it
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, text
from typing_extensions import override

from shared.bus import Bus
from shared.bus_postgres import PostgresBus
from shared.bus_rabbitmq import RabbitBus
from shared.consumer import Consumer
from shared.contracts.users import UserVerificationRequested
from shared.db import Database, Tx
from shared.events import Message
from shared.handlers import Handlers
from shared.migrate import migrate
from shared.outbox import Relay
from shared.workers import Loop

REPOSITORY = Path(__file__).parents[2]
QUEUE = "notifier"
TOPOLOGY = {QUEUE: [UserVerificationRequested.name]}
COUNT = "INSERT INTO effects VALUES (:address, 1) ON CONFLICT (address) DO UPDATE SET count = effects.count + 1"


class Flaw(Exception):
    """What the handler fails with for a "bad" address."""


def counting() -> Handlers:
    """Handlers that count an effect for each address."""
    handlers = Handlers(QUEUE)

    @handlers.on(UserVerificationRequested)
    async def count(event: UserVerificationRequested, tx: Tx) -> None:
        await tx.execute(text(COUNT), {"address": event.email})
        if event.email.startswith("bad"):
            raise Flaw
        if event.email.startswith("killer") and __name__ == "__main__":  # never a test's own
            os.kill(os.getpid(), signal.SIGKILL)

    return handlers


class Pipe:
    """Outbox and inbox in one database, and what is to be seen of them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url, source="auth")
        self.consumer = Consumer(self.database, counting())

    async def prepare(self) -> None:
        """Make the tables, empty."""
        await migrate(self.database.engine)
        async with self.database.transaction() as tx:
            await tx.execute(
                text("CREATE TABLE IF NOT EXISTS effects (address text PRIMARY KEY, count int)")
            )
            await tx.execute(text("TRUNCATE effects, outbox, inbox, parked"))

    async def say(self, *addresses: str) -> None:
        """Publish an event for each address, in one transaction."""
        async with self.database.transaction() as tx:
            for address in addresses:
                tx.publish(
                    UserVerificationRequested(user_id=uuid4(), email=address, sealed_token="x")
                )

    async def messages(self) -> list[Message]:
        """Return what waits in the outbox, as the relay would publish it."""
        rows = await self.rows("SELECT * FROM outbox ORDER BY id")
        return [Message(row.name, row.headers, bytes(row.body)) for row in rows]

    async def rows(self, statement: str) -> Sequence[Row[Any]]:
        """Return what a query finds."""
        async with self.database.transaction() as tx:
            return (await tx.execute(text(statement))).all()

    async def effects(self) -> dict[str, int]:
        """Return how often each address had its effect."""
        return {row.address: row.count for row in await self.rows("SELECT * FROM effects")}

    async def did(self, *addresses: str) -> bool:
        """Tell whether these addresses, and nobody else, had their effect, each once."""
        return await self.effects() == dict.fromkeys(addresses, 1)

    async def is_at_rest(self) -> bool:
        """Tell whether the outbox is empty and nothing is parked."""
        statement = (
            "SELECT 1 FROM outbox UNION ALL SELECT 1 FROM parked"
            " WHERE state NOT IN ('done', 'discarded')"
        )
        return not await self.rows(statement)

    @asynccontextmanager
    async def relaying(self, *buses: Bus) -> AsyncIterator[None]:
        """Run a relay on each bus, and the retries of parked events."""
        loops = [Relay(self.database, bus).run for bus in buses]
        loops.append(Loop("retries", self.consumer.retry_once).run)
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def child(
    command: str, bus_url: str, pipe: Pipe
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run one of this module's commands in a process of its own; kill it at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", __name__, command, bus_url, pipe.url),
        cwd=REPOSITORY,
        env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class _Stopped(Bus):
    """A bus after whose publish the process does nothing any more."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    @override
    async def publish(self, messages: Sequence[Message]) -> None:
        await self._bus.publish(messages)
        print(len(messages), flush=True)  # noqa: T201
        await asyncio.Event().wait()


async def _main(command: str, bus_url: str, database_url: str) -> None:
    kind = (
        RabbitBus if bus_url.startswith("amqp") else PostgresBus
    )  # shared.run takes seconds to load
    bus, pipe = kind(bus_url), Pipe(database_url)
    if command == "consume":
        await bus.subscribe(QUEUE, pipe.consumer.receive)
        await asyncio.Event().wait()
    await Relay(pipe.database, _Stopped(bus)).run_once()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
