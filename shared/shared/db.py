"""One PostgreSQL database a service; one transaction is the only way to change anything in it.

    async with database.transaction() as tx:
        if await tx.insert_once(Task, id=task_id, ...):
            tx.publish(TaskCreated(...))

What `tx.publish` is given is committed with the change, in the outbox, and reaches the bus afterwards.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, TypeVar, overload
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Executable,
    LargeBinary,
    Result,
    Select,
    Text,
    bindparam,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.dml import UpdateBase

from shared import tracing
from shared.clock import Clock, Ids, SystemClock
from shared.events import Envelope, Event
from shared.tracing import Origin

BODY_BYTES_MAX = 256 * 1024
INTO_OUTBOX = text("""
    INSERT INTO outbox (name, headers, body, created_at)
    SELECT * FROM unnest(:names, :headers, :bodies, :times)
""").bindparams(
    bindparam("names", type_=ARRAY(Text)),
    bindparam("headers", type_=ARRAY(JSONB)),
    bindparam("bodies", type_=ARRAY(LargeBinary)),
    bindparam("times", type_=ARRAY(DateTime(timezone=True))),
)
CORRELATION: ContextVar[UUID | None] = ContextVar("correlation", default=None)

T = TypeVar("T")
ModelT = TypeVar("ModelT", bound=DeclarativeBase)


class EventTooLarge(Exception):
    """An event's body is over 256 KiB: large inputs travel by reference."""


class Tx:
    """A transaction in progress. Whoever is given one never commits it."""

    def __init__(self, session: AsyncSession, database: "Database", cause: Envelope | None) -> None:
        self._session = session
        self._database = database
        self._cause = cause
        self._now: datetime | None = None
        self._outgoing: list[Envelope] = []
        self._after_commit: list[Callable[[], None]] = []

    async def now(self) -> datetime:
        """Return the moment this transaction began, by the database's clock: the same for its whole length."""
        if self._now is None:
            self._now = await self._database.moment(self._session)
        return self._now

    @property
    def now_if_known(self) -> datetime | None:
        """`now`, or None while the server alone knows it: `coalesce(:now, now())` asks it in passing."""
        return self._now or self._database.now_if_known

    def learn_now(self, now: datetime) -> None:
        """Take over `now` from a statement that told it, so that no other has to ask."""
        self._now = now

    @property
    def origin(self) -> Origin:
        """The action that this transaction is a part of: keep it with work that is done later."""
        if self._cause is not None:
            return Origin(self._cause.correlation_id, self._cause.traceparent)
        return Origin(CORRELATION.get(), tracing.current())

    def new_id(self) -> UUID:
        """Return a new UUIDv7."""
        return self._database.ids.new()

    def new_secret(self) -> str:
        """Return 256 bits of chance as text."""
        return self._database.ids.secret()

    def publish(self, event: Event, *, cause: Envelope | None = None) -> None:
        """Publish a fact once this transaction has committed; not at all if it does not.

        `cause` is the event that is answered, where it is not the one the transaction was opened for.
        """
        envelope = self._database.envelope(event, cause or self._cause)
        if len(envelope.body) > BODY_BYTES_MAX:
            reason = f"{envelope.name} is {len(envelope.body)} bytes"
            raise EventTooLarge(reason)
        self._outgoing.append(envelope)

    @contextmanager
    def answering(self, cause: Envelope) -> Iterator[None]:
        """Name the event that what is published in this block answers."""
        previous, self._cause = self._cause, cause
        try:
            yield
        finally:
            self._cause = previous

    def after_commit(self, callback: Callable[[], None]) -> None:
        """Call back once the transaction has committed; the call must not fail or wait."""
        self._after_commit.append(callback)

    def add(self, row: DeclarativeBase) -> None:
        """Add a new row."""
        self._session.add(row)

    async def flush(self) -> None:
        """Write rows that were added or changed now, before the statements that follow."""
        await self._session.flush()

    async def insert_once(self, model: type[DeclarativeBase], **values: Any) -> bool:
        """Insert a row unless one of its unique keys is taken; tell whether it was inserted."""
        statement = postgresql.insert(model).values(**values).on_conflict_do_nothing()
        result = await self.execute(statement.returning(*inspect(model).primary_key))
        return result.first() is not None

    async def get(self, model: type[ModelT], key: object) -> ModelT | None:
        """Return the row of this primary key, or None."""
        return await self._session.get(model, key)

    async def lock(self, model: type[ModelT], key: object) -> ModelT | None:
        """Return the row of this primary key locked until the end and freshly read, or None."""
        return await self._session.get(
            model, key, with_for_update={"key_share": True}, populate_existing=True
        )

    @overload
    async def execute(
        self, statement: UpdateBase, rows: Sequence[Mapping[str, Any]] = ...
    ) -> Result[Any]: ...
    @overload
    async def execute(
        self, statement: Executable, rows: Mapping[str, Any] | None = ...
    ) -> Result[Any]: ...
    async def execute(self, statement: Executable, rows: Any = None) -> Result[Any]:
        """Execute a statement, once or for many rows of parameters."""
        return await self._session.execute(statement, rows)

    async def scalar(self, statement: Select[T]) -> T | None:
        """Return the first column of the first row, or None."""
        return (await self._session.execute(statement)).scalars().first()

    async def scalars(self, statement: Select[T]) -> Sequence[T]:
        """Return the first column of all rows."""
        return (await self._session.execute(statement)).scalars().all()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo the block alone, its events and callbacks too, where it raises."""
        published, called = len(self._outgoing), len(self._after_commit)
        try:
            async with self._session.begin_nested():
                yield
        except BaseException:
            del self._outgoing[published:]
            del self._after_commit[called:]
            raise

    async def _finish(self) -> None:
        if self._outgoing:
            await self._session.execute(INTO_OUTBOX, _columns(self._outgoing))
        await self._session.commit()
        for callback in self._after_commit:
            callback()
        if self._outgoing:
            self._database.published.set()


class Database:
    """A service's own database; opens transactions and knows who publishes from it.

    `published` is set after every local commit that published something: the relay waits for it.
    `clock` replaces the server's clock in tests; `ids` is the source of ids and secrets.
    """

    def __init__(
        self, url: str, *, source: str, clock: Clock | None = None, ids: Ids | None = None
    ) -> None:
        self.url = url
        self.source = source
        self.ids = ids or Ids(clock)
        self.published = asyncio.Event()
        self._clock = clock
        self._process_clock = clock or SystemClock()
        self.engine = create_async_engine(
            url,
            pool_size=10,
            max_overflow=10,
            pool_timeout=10,
            pool_pre_ping=False,
            hide_parameters=True,  # what fails is logged, and kept as the reason of a parked event
            connect_args={
                "timeout": 10,
                "command_timeout": 60,
                "server_settings": {
                    "application_name": source,
                    "statement_timeout": "30s",
                    "lock_timeout": "10s",
                    "idle_in_transaction_session_timeout": "60s",
                },
            },
        )
        listen(self.engine.sync_engine, "before_cursor_execute", tracing.count_statement)

    @asynccontextmanager
    async def transaction(self, *, cause: Envelope | None = None) -> AsyncIterator[Tx]:
        """Open a transaction that commits when the block ends and rolls back where it raises."""
        with tracing.transaction(self.source):
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                tx = Tx(session, self, cause)
                yield tx
                await tx._finish()  # noqa: SLF001 - the two are one thing in two classes

    @property
    def now_if_known(self) -> datetime | None:
        """The time by a clock of tests; None where it is the server's."""
        return self._clock.now() if self._clock is not None else None

    async def moment(self, session: AsyncSession) -> datetime:
        """Return the time by the clock that decides leases and deadlines: the server's."""
        if (now := self.now_if_known) is not None:
            return now
        with session.no_autoflush:  # rows in the middle of a change are not to be written for this
            return (await session.execute(select(func.now()))).scalar_one()

    def envelope(
        self, event: Event, cause: Envelope | None, *, source: str | None = None
    ) -> Envelope:
        """Put an event into a new envelope that says what led to it."""
        event_id = self.ids.new()
        return Envelope(
            id=event_id,
            name=event.name,
            source=source or self.source,
            time=self._process_clock.now(),
            correlation_id=cause.correlation_id if cause else CORRELATION.get() or event_id,
            causation_id=cause.id if cause else None,
            body=event.model_dump_json().encode(),
            traceparent=cause.traceparent if cause else tracing.current(),
        )

    async def check(self) -> None:
        """Return when the database answers; raise what it says otherwise."""
        async with asyncio.timeout(5), self.engine.connect() as connection:
            await connection.execute(select(1))

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _columns(envelopes: Sequence[Envelope]) -> dict[str, list[Any]]:
    """Return the rows of the outbox for these envelopes, column by column."""
    return {
        "names": [envelope.name for envelope in envelopes],
        "headers": [dict(envelope.to_message().headers) for envelope in envelopes],
        "bodies": [envelope.body for envelope in envelopes],
        "times": [envelope.time for envelope in envelopes],
    }
