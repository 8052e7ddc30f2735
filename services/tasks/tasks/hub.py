"""The open streams of this process, and who wakes them: a commit here, a short poll for those elsewhere.

The rows are the truth: a wake-up only says that it is worth reading them now.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database, Tx
from shared.errors import TooManyRequests
from tasks import stream
from tasks.models import StreamEvent

log = structlog.get_logger()

PING_S = 15
STREAMS_OF_ONE_MAX = 20


@dataclass(eq=False, slots=True, kw_only=True)
class Listener:
    """One open stream: whose it is, how far it has been read, until when (by `time.monotonic`) it may last."""

    user_id: UUID
    after: int
    until: float
    has_left: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def leave(self) -> None:
        """End the stream before its time."""
        self.has_left = True
        self.woken.set()


class TooManyStreams(TooManyRequests):
    """Too many streams of yours are open; close one, and try again."""

    code = "too_many_streams"


class Hub:
    """Knows who listens in this process and wakes them when there is something to read."""

    def __init__(self, database: Database, *, ping_s: float = PING_S) -> None:
        self._database = database
        self._ping_s = ping_s
        self._listeners: dict[UUID, set[Listener]] = {}
        self._is_closed = False

    async def take_turn(self, tx: Tx, *users: UUID) -> None:
        """Take the users' turn in this transaction, and wake their streams once it has committed."""
        await stream.take_turn(tx, users)
        tx.after_commit(lambda: self._wake(users))

    def admit(self, user_id: UUID) -> None:
        """Raise TooManyStreams where a user has as many open as this process keeps for one."""
        if len(self._listeners.get(user_id, ())) >= STREAMS_OF_ONE_MAX:
            raise TooManyStreams(retry_after_s=5)

    async def follow(self, listener: Listener) -> AsyncGenerator[Sequence[StreamEvent]]:
        """Yield the user's changes as they come, and nothing where there are none for long.

        It ends when the listener's time is over or it has left, when the hub is closed, and where the database
        does not answer: who follows comes back and goes on after the last number seen.
        """
        with self._listening(listener):
            listener.woken.set()  # the past is there to be read at once
            while (left_s := listener.until - time.monotonic()) > 0:
                is_woken = await _is_woken(listener, within_s=min(left_s, self._ping_s))
                if listener.has_left or self._is_closed:
                    return
                try:
                    events = await self._read_on(listener) if is_woken else ()
                except (SQLAlchemyError, OSError) as flaw:
                    log.warning("stream_cut", reason=repr(flaw))
                    return
                if events or not is_woken:
                    yield events

    async def poll_once(self) -> bool:
        """Wake those who have not read what other processes committed; there is never more at once."""
        if self._listeners:
            async with self._database.transaction() as tx:
                heads = await stream.heads_of(tx, self._listeners)
            for user_id, last_seq in heads.items():
                for listener in self._listeners.get(user_id, ()):
                    if listener.after < last_seq:
                        listener.woken.set()
        return False

    def close(self) -> None:
        """End every open stream."""
        self._is_closed = True
        self._wake(self._listeners)

    def _wake(self, users: Iterable[UUID]) -> None:
        for user_id in users:
            for listener in self._listeners.get(user_id, ()):
                listener.woken.set()

    async def _read_on(self, listener: Listener) -> Sequence[StreamEvent]:
        listener.woken.clear()
        async with self._database.transaction() as tx:
            events = await stream.read(tx, listener.user_id, after=listener.after)
        if events:
            listener.after = events[-1].seq
        if len(events) == stream.READ_MAX:
            listener.woken.set()
        return events

    @contextmanager
    def _listening(self, listener: Listener) -> Iterator[None]:
        others = self._listeners.setdefault(listener.user_id, set())
        others.add(listener)
        try:
            yield
        finally:
            others.discard(listener)
            if not others:
                self._listeners.pop(listener.user_id, None)


async def _is_woken(listener: Listener, *, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await listener.woken.wait()
    except TimeoutError:
        return False
