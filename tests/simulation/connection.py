"""What SQLAlchemy takes for an asyncpg connection: each call is an event of the simulated world."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg

from tests.simulation.loop import Life
from tests.simulation.postgres import Backend, Outcome
from tests.simulation.world import FOOTPRINT, World

LOCK_S_MAX = 10
TABLES = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE) (?!SKIP\b|SET\b|OF\b)(\w+)")
LOCKS = re.compile(r"\bFOR (?:NO KEY )?UPDATE|\bFOR (?:KEY )?SHARE")
MARKING = (
    "lock",
    "SAVEPOINT",
    "DO UPDATE",
)  # the last locks what it meets, also where it leaves it
WROTE = re.compile(r"(?:INSERT \d+|UPDATE|DELETE|MERGE) [1-9]")


class SimulatedConnection:
    """A connection of one life of a process; what it asks is done by a backend of the real server.

    `touched` are the tables where its transaction wrote or locked rows, which others could not see or have.
    """

    def __init__(self, world: World, life: Life, backend: Backend) -> None:
        self._world = world
        self.life = life
        self._backend = backend
        self._is_closed = False
        self._is_marked = False
        self._touched: set[str] = set()
        self._answered: asyncio.Future[Outcome] | None = None
        world.open_connections[self] = None

    async def prepare(self, sql: str, **_: object) -> "SimulatedStatement":
        self._require_open()
        return SimulatedStatement(self, sql, self._world.postgres.prepared(self._backend, sql))

    async def executemany(self, sql: str, rows: Sequence[Any], **_: object) -> None:
        real = self._backend.connection
        await self.do(sql, lambda: _counted(real.executemany(sql, rows)))

    async def execute(self, sql: str, *args: Any, **_: object) -> Any:
        real = self._backend.connection
        return (await self.do(sql, lambda: _counted(real.execute(sql, *args))))[0]

    async def fetch(self, sql: str, *args: Any, **_: object) -> Any:
        return await (await self.prepare(sql)).fetch(*args)

    async def fetchrow(self, sql: str, *args: Any, **_: object) -> Any:
        return next(iter(await self.fetch(sql, *args)), None)

    async def fetchval(self, sql: str, *args: Any, **_: object) -> Any:
        row = await self.fetchrow(sql, *args)
        return None if row is None else row[0]

    def transaction(self, **_: object) -> "SimulatedTransaction":
        return SimulatedTransaction(self)

    async def set_type_codec(self, name: str, **options: Any) -> None:
        self._world.postgres.set_codec(self._backend, name, options)

    async def reload_schema_state(self) -> None:
        """Nothing: no table changes while a world runs."""

    def is_closed(self) -> bool:
        return self._is_closed

    async def close(self, **_: object) -> None:
        self.terminate()

    def terminate(self) -> None:
        """Hang up; the server rolls back what was not committed."""
        if not self._is_closed:
            self._is_closed = True
            self.release()

    def die(self, linger_s: float) -> None:
        """Hang up as the kernel does for a killed process: the server may notice late."""
        self._is_closed = True
        self._world.later(linger_s, self.release)

    async def do(self, label: str, work: Callable[[], Awaitable[tuple[Any, str]]]) -> Any:
        """Have one statement done; its answer takes its time, or never comes."""
        self._require_open()
        self._world.say(self.life, "asks", brief(label))
        FOOTPRINT.get().update(TABLES.findall(label))
        self._lose_maybe(self._world.faults.statement_lost)
        outcome = self._perform(work)
        if outcome is None:
            outcome = await self._waited()
            self._is_marked = (
                True  # what it waited for is locked, also where it is not what was looked for
            )
        self._mark(label, outcome)
        self._world.say(self.life, "=", repr(outcome.flaw) if outcome.flaw else outcome.result[1])
        await self._world.travel(self.life)
        if self._is_closed:
            raise _lost()
        return outcome.get()

    async def commit(self) -> None:
        """Commit; of a lost answer nobody can tell whether it was before or after."""
        self._require_open()
        self._world.say(self.life, "commit", "")
        self._lose_maybe(self._world.faults.commit_lost)
        outcome = self._end("COMMIT")
        if outcome.flaw is None and self._touched:
            self._world.committed(self._backend.schema)
        self._let_others_look()
        self._lose_maybe(self._world.faults.commit_ambiguous)
        await self._world.travel(self.life)
        outcome.get()

    async def rollback(self) -> None:
        self._require_open()
        self._world.say(self.life, "rollback", "")
        self._end("ROLLBACK")
        self._let_others_look()
        await self._world.travel(self.life)

    def _perform(self, work: Callable[[], Awaitable[Any]]) -> Outcome | None:
        self._answered = self._world.loop.create_future()
        return self._world.postgres.perform(self._backend, work, self._answer)

    def _end(self, word: str) -> Outcome:
        """End the transaction and begin the next; one that left nothing behind is the next, which saves its way."""
        if not self._is_marked:
            return Outcome()
        self._is_marked = False
        real = self._backend.connection
        outcome = self._perform(lambda: real.execute(f"{word} AND CHAIN"))
        assert outcome is not None, "the end of a transaction waits for nobody"
        self._world.postgres.let_on()
        return outcome

    def _mark(self, label: str, outcome: Outcome) -> None:
        """Know whether the transaction left anything behind: a change, a lock, a failure."""
        if outcome.flaw is not None:
            self._is_marked = True
            return
        rows, status = outcome.result
        is_locking = bool(rows) and LOCKS.search(label) is not None
        if is_locking or WROTE.match(status):
            self._touched.update(TABLES.findall(label))
            self._is_marked = True
        self._is_marked |= any(word in label for word in MARKING)

    def _answer(self, outcome: Outcome) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(outcome)

    async def _waited(self) -> Outcome:
        assert self._answered is not None, "something was asked"
        self._world.say(self.life, "waits", "")
        give_up = self._world.postgres.give_up_waiting
        timer = self._world.later(LOCK_S_MAX, lambda: give_up(self._backend))
        try:
            return await self._answered
        finally:
            timer.cancel()

    def release(self) -> None:
        """Let the server notice that nobody is there any more, once."""
        if self in self._world.open_connections:
            del self._world.open_connections[self]
            self._world.postgres.release(self._backend)
            self._let_others_look()

    def _let_others_look(self) -> None:
        if self._touched:
            self._world.stations[self._backend.schema].touch(self._touched)
            self._touched = set()

    def _require_open(self) -> None:
        if self._is_closed:
            message = "connection is closed"
            raise asyncpg.InterfaceError(message)

    def _lose_maybe(self, probability: float) -> None:
        if self._world.happens(probability):
            self._world.say(self.life, "connection lost", "")
            self.terminate()
            raise _lost()


class SimulatedStatement:
    """A prepared statement."""

    def __init__(self, connection: SimulatedConnection, sql: str, prepared: Any) -> None:
        self._connection = connection
        self._sql = sql
        self._prepared = prepared
        self._status = ""

    def get_attributes(self) -> Any:
        return self._prepared.get_attributes()

    def get_statusmsg(self) -> str:
        return self._status

    async def fetch(self, *args: Any, **_: object) -> Any:
        async def both() -> tuple[Any, str]:
            rows = await self._prepared.fetch(*args)
            return rows, self._prepared.get_statusmsg()

        rows, self._status = await self._connection.do(self._sql, both)
        return rows


class SimulatedTransaction:
    """A transaction; it is begun with its first statement."""

    def __init__(self, connection: SimulatedConnection) -> None:
        self._connection = connection

    async def start(self) -> None:
        """Nothing yet."""

    async def commit(self) -> None:
        await self._connection.commit()

    async def rollback(self) -> None:
        await self._connection.rollback()


def brief(sql: str) -> str:
    """Return what a statement does to which table, for a trace."""
    words = TABLES.search(sql)
    return f"{sql.split(maxsplit=1)[0]} {words[1] if words else sql[:40]}"


async def _counted(work: Awaitable[Any]) -> tuple[Any, str]:
    """Return what a call without a row count returns, counted as a change."""
    return await work, "UPDATE 1"


def _lost() -> asyncpg.ConnectionDoesNotExistError:
    return asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
