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
from anyio import CancelScope
from sqlalchemy.exc import SQLAlchemyError

from shared.db import Database, Tx
from tasks import stream
from tasks.models import StreamEvent

log = structlog.get_logger()

PING_S = 15


@dataclass(eq=False, slots=True)
class Listener:
    """One open stream: whose it is and how far it has been read."""

    user_id: UUID
    after: int
    woken: asyncio.Event = field(default_factory=asyncio.Event)


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

    async def follow(
        self, user_id: UUID, *, after: int, until: float
    ) -> AsyncGenerator[Sequence[StreamEvent]]:
        """Yield the user's changes after this number as they come, and nothing where there are none for long.

        It ends at the time `until` by `time.monotonic`, when the hub is closed, and where the database does not
        answer: who follows comes back and goes on after the last number seen.
        """
        with self._listening(user_id, after) as listener:
            listener.woken.set()  # the past is there to be read at once
            while not self._is_closed and (left_s := until - time.monotonic()) > 0:
                if not await _is_woken(listener, within_s=min(left_s, self._ping_s)):
                    yield ()
                    continue
                try:
                    events = await self._read_on(listener)
                except (SQLAlchemyError, OSError) as flaw:
                    log.warning("stream_cut", reason=repr(flaw))
                    return
                if events:
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

    async def close(self) -> None:
        """End every open stream."""
        self._is_closed = True
        self._wake(list(self._listeners))

    def _wake(self, users: Iterable[UUID]) -> None:
        for user_id in users:
            for listener in self._listeners.get(user_id, ()):
                listener.woken.set()

    async def _read_on(self, listener: Listener) -> Sequence[StreamEvent]:
        listener.woken.clear()
        # A reader that goes away must not leave its connection in the middle of a transaction.
        with CancelScope(shield=True):
            async with self._database.transaction() as tx:
                events = await stream.read(tx, listener.user_id, after=listener.after)
        if events:
            listener.after = events[-1].seq
        if len(events) == stream.READ_MAX:
            listener.woken.set()
        return events

    @contextmanager
    def _listening(self, user_id: UUID, after: int) -> Iterator[Listener]:
        listener = Listener(user_id, after)
        self._listeners.setdefault(user_id, set()).add(listener)
        try:
            yield listener
        finally:
            others = self._listeners[user_id]
            others.discard(listener)
            if not others:
                del self._listeners[user_id]


async def _is_woken(listener: Listener, *, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            return await listener.woken.wait()
    except TimeoutError:
        return False
