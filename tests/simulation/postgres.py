"""A real PostgreSQL, driven one statement at a time as its own isolation tester does.

A statement is sent and waited for in real time until it is done or waits for a lock; no other statement is sent
meanwhile. What waits stands still, as a process too, until it is let on when somebody's transaction ends: the server would
wake several at once, and let them race. So the order of everything is the simulation's choice.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from embedded.postgres import EmbeddedPostgres
from shared.migrate import migrate
from tests.folders import temporary_folder
from tests.simulation.loop import RealLoop

SCHEMAS = {
    "auth": "auth",
    "billing": "billing",
    "tasks": "tasks",
    "notifier": "notifier",
    "agent-runner": "agent_runner",
}
SETTINGS = {
    "fsync": "off",
    "autovacuum": "off",
    "deadlock_timeout": "1h",  # who gives way is the simulation's choice
    "plan_cache_mode": "force_generic_plan",  # a plan must not depend on earlier seeds
    "idle_in_transaction_session_timeout": "0",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "jit": "off",
}
GLANCE_S = 0.003
TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname = ANY($1) AND tablename NOT LIKE 'alembic%' ORDER BY 1
"""
USED = "SELECT name FROM unnest($1::text[]) AS name WHERE pg_relation_size(name::regclass) > 0"
# What can be written of a table: the rest follows from it.
COLUMNS = """
    SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::text::regclass
      AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
OTHERS = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
CLIENTS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
UNGUARDED = "SET session_replication_role = replica"  # triggers keep the ledger from being emptied


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a statement: its result, or what it raised."""

    result: Any = None
    flaw: Exception | None = None

    def get(self) -> Any:
        if self.flaw is not None:
            raise self.flaw
        return self.result


@dataclass(eq=False, slots=True)
class Backend:
    """One connection to the server, and the statement that waits for a lock in it, if any."""

    connection: Any
    schema: str
    pid: int
    statements: dict[str, Any] = field(default_factory=dict)
    codecs: set[str] = field(default_factory=set)
    waiting: "asyncio.Task[Any] | None" = None
    answer: Callable[[Outcome], None] | None = None


class Postgres:
    """The databases of one world after another, a schema for each service."""

    def __init__(self, url: str) -> None:
        self._dsn = make_url(url).set(drivername="postgresql", username="postgres")
        self._real = RealLoop()
        self._idle: dict[str, list[Backend]] = {}
        self._waiting: list[Backend] = []
        self._usual_s = 0.0
        self._monitors: dict[str, Any] = {}
        self._begin_anew()
        self._tables = [str(row[0]) for row in self.look(TABLES, list(SCHEMAS.values()))]
        self.clean()

    def backend(self, schema: str) -> Backend:
        """Return a connection that nobody uses."""
        idle = self._idle.setdefault(schema, [])
        if idle:
            return idle.pop()
        connection = self._real.run(self._connect(schema))
        self._real.run(connection.execute("BEGIN"))
        return Backend(connection, schema, connection.get_server_pid())

    def prepared(self, backend: Backend, sql: str) -> Any:
        """Return the statement, prepared."""
        if sql not in backend.statements:
            backend.statements[sql] = self._real.run(backend.connection.prepare(sql))
        return backend.statements[sql]

    def set_codec(self, backend: Backend, name: str, options: Mapping[str, Any]) -> None:
        """Have a type read and written in the client's way."""
        if name not in backend.codecs:
            backend.codecs.add(name)
            self._real.run(backend.connection.set_type_codec(name, **options))

    def perform(
        self,
        backend: Backend,
        work: Callable[[], Awaitable[Any]],
        answer: Callable[[Outcome], None],
    ) -> Outcome | None:
        """Do one thing; return what became of it, or None where it waits and will be answered."""
        task = self._real.start(_outcome(work))
        if self._is_done(task, backend):
            outcome: Outcome = task.result()
            return outcome
        backend.waiting, backend.answer = task, answer
        self._waiting.append(backend)
        os.kill(backend.pid, signal.SIGSTOP)
        if self._is_deadlock(backend):
            self._cancel(backend, asyncpg.DeadlockDetectedError("deadlock detected"))
        return None

    def give_up_waiting(self, backend: Backend) -> None:
        """End a wait for a lock that was too long."""
        if backend.waiting is not None:
            self._cancel(backend, asyncpg.LockNotAvailableError("canceling due to lock timeout"))

    def let_on(self) -> None:
        """Let those go on who waited for what was just freed, in the order in which they came."""
        for backend in list(self._waiting):
            task = backend.waiting
            if task is None or self._blockers(backend):
                continue
            os.kill(backend.pid, signal.SIGCONT)
            if self._is_done(task, backend):
                self._answer(backend, task.result())
            else:
                os.kill(backend.pid, signal.SIGSTOP)

    def release(self, backend: Backend) -> None:
        """End whatever a connection was doing, as when its client is gone; it may be used anew."""
        if backend.waiting is not None:
            backend.answer = None
            self._cancel(backend, None)
        self._real.run(backend.connection.execute("ROLLBACK AND CHAIN"))
        self._idle.setdefault(backend.schema, []).append(backend)
        self.let_on()

    def look(self, sql: str, *args: Any, schema: str = "public") -> Sequence[Any]:
        """Return what a query finds of all that is committed."""
        if schema not in self._monitors:
            self._monitors[schema] = self._real.run(self._connect(schema))
        rows: Sequence[Any] = self._real.run(self._monitors[schema].fetch(sql, *args))
        return rows

    def clean(self) -> None:
        """Empty every table that was written to, for the next world."""
        assert not self._waiting, "a world leaves nobody waiting"
        if used := ", ".join(row["name"] for row in self.look(USED, self._tables)):
            self._run(f"{UNGUARDED}; TRUNCATE {used} RESTART IDENTITY CASCADE")

    def keep(self, name: str) -> str:
        """Keep what is in the tables under a name; return the statements that put it back into empty ones."""
        full = [table for table in self._tables if self.look(f"SELECT 1 FROM {table} LIMIT 1")]
        schema = f"kept_{name}"
        self._run(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
        pairs = [(table, f"{schema}.{table.replace('.', '_')}") for table in full]
        for table, kept in pairs:
            self._run(f"CREATE TABLE {kept} AS TABLE {table}")
        put_back = []
        for table, kept in pairs:
            columns = ", ".join(row[0] for row in self.look(COLUMNS, table))
            put_back.append(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {kept}")
        return "; ".join([UNGUARDED, *put_back])

    def put_back(self, statements: str) -> None:
        """Fill the empty tables with what was kept."""
        self._run(statements)

    def _run(self, statements: str) -> None:
        self._real.run(self._monitors["public"].execute(statements))

    def _begin_anew(self) -> None:
        """End what a worker before us left behind when it was killed."""
        while left := self.look(OTHERS):
            let_all_on(row["pid"] for row in left)

    def _is_done(self, task: "asyncio.Task[Any]", backend: Backend) -> bool:
        """Wait until a statement is done or waits for a lock; tell which."""
        glance_s, began_at = GLANCE_S + 4 * self._usual_s, perf_counter()
        while not self._real.wait(task, glance_s):
            if self._blockers(backend):
                return False
            glance_s *= 2
        self._usual_s += 0.1 * (perf_counter() - began_at - self._usual_s)
        return True

    def _blockers(self, backend: Backend) -> Sequence[int]:
        pids: Sequence[int] = self.look("SELECT pg_blocking_pids($1)", backend.pid)[0][0]
        return pids

    def _is_deadlock(self, backend: Backend) -> bool:
        """Tell whether somebody whom it waits for waits for it."""
        by_pid = {waiting.pid: waiting for waiting in self._waiting}
        seen, ahead = set(), [backend]
        while ahead:
            for pid in self._blockers(ahead.pop()):
                if pid == backend.pid:
                    return True
                if pid in by_pid and pid not in seen:
                    seen.add(pid)
                    ahead.append(by_pid[pid])
        return False

    def _cancel(self, backend: Backend, flaw: Exception | None) -> None:
        task = backend.waiting
        assert task is not None, "it waits"
        os.kill(backend.pid, signal.SIGCONT)
        self.look("SELECT pg_cancel_backend($1)", backend.pid)
        while not self._real.wait(task, GLANCE_S):
            pass
        self._answer(backend, Outcome(flaw=flaw) if flaw else task.result())

    def _answer(self, backend: Backend, outcome: Outcome) -> None:
        answer, backend.waiting, backend.answer = backend.answer, None, None
        self._waiting.remove(backend)
        if answer is not None:
            answer(outcome)

    async def _connect(self, schema: str) -> Any:
        settings = {"search_path": schema, "timezone": "UTC"}
        return await asyncpg.connect(
            dsn=self._dsn.render_as_string(hide_password=False), server_settings=settings
        )


def let_all_on(pids: Iterable[int]) -> None:
    """Let processes of the server go on that stand still, or are gone."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def _outcome(work: Callable[[], Awaitable[Any]]) -> Outcome:
    try:
        return Outcome(await work())
    except Exception as flaw:  # noqa: BLE001 - whoever asked shall have it
        return Outcome(flaw=flaw)


@asynccontextmanager
async def running_postgres() -> AsyncIterator[str]:
    """Run a server with the tables of every service; its url goes to the block."""
    with temporary_folder("simulation") as folder:
        server = EmbeddedPostgres(folder, settings=SETTINGS)
        await server.start()
        try:
            await server.ensure_databases(["world"])
            url = server.url("world")
            for schema in SCHEMAS.values():
                await _create(url, schema)
            yield url
        finally:
            let_all_on(await _clients(url))
            await server.stop()


async def copies(url: str, count: int) -> Sequence[str]:
    """Return the urls of as many databases like this one."""
    async with _administering(url) as connection:
        return [await _copy(connection, url, number) for number in range(count)]


async def _clients(url: str) -> Sequence[int]:
    async with _administering(url) as connection:
        return [row["pid"] for row in await connection.fetch(CLIENTS)]


@asynccontextmanager
async def _administering(url: str) -> AsyncIterator[Any]:
    admin = make_url(url).set(drivername="postgresql", username="postgres", database="postgres")
    connection = await asyncpg.connect(dsn=admin.render_as_string(hide_password=False))
    try:
        yield connection
    finally:
        await connection.close()


async def _copy(connection: Any, url: str, number: int) -> str:
    name = f"world_{number}"
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE world")
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def _create(url: str, schema: str) -> None:
    owner = make_url(url).set(username="postgres")
    engine = create_async_engine(owner, poolclass=NullPool)
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
        await connection.exec_driver_sql(f"ALTER ROLE postgres SET search_path = {schema}")
    await migrate(engine, f"{schema}.migrations")
    async with engine.begin() as connection:
        await connection.exec_driver_sql("ALTER ROLE postgres RESET search_path")
    await engine.dispose()
