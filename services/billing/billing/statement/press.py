"""The press: statements on paper are printed one at a time, beside the loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from billing.statement.document import Document
from shared.errors import TooManyRequests

QUEUE_MAX = 10
RETRY_AFTER_S = 10


class PressBusy(TooManyRequests):
    """Too many statements are being printed; try again in a few seconds."""

    code = "press_busy"


class Press:
    """Prints PDFs, a second's work each; the queue is short, and nobody is in it twice."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()
        self._queue: set[UUID] = set()

    @contextmanager
    def place(self, user_id: UUID) -> Iterator[None]:
        """Take a place in the queue, for as long as the block; raise PressBusy where there is none."""
        if user_id in self._queue or len(self._queue) >= QUEUE_MAX:
            raise PressBusy(retry_after_s=RETRY_AFTER_S)
        self._queue.add(user_id)
        try:
            yield
        finally:
            self._queue.remove(user_id)

    async def pdf(self, document: Document) -> bytes:
        """Return a signed statement as PDF."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(_print, document)


def _print(document: Document) -> bytes:
    from billing.statement.paper import as_pdf  # noqa: PLC0415 - seconds of import, for few

    return as_pdf(document)
