"""Slow clients: a request's head is waited for so long and no longer, and so much of it is read and no more.

uvicorn has no limit for either; behind nginx nobody is that slow.
"""

import asyncio
from typing import Final

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared import problems

HEAD_S_MAX: Final = 10
HEAD_BYTES_MAX: Final = 128 * 1024
UNREADABLE: Final = problems.document(400, "bad_request", "This is not HTTP as we understand it.")


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline and a limit for heads."""

    head_s_max: float = HEAD_S_MAX
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        if self._deadline is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._deadline is not None and self._head_bytes > HEAD_BYTES_MAX:
            self.transport.close()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._deadline is None:
            self._await_head()

    @override
    def on_headers_complete(self) -> None:
        self._head_is_here()
        super().on_headers_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, as everything else is refused: with a problem document."""
        lines = [b"HTTP/1.1 400 Bad Request", b"connection: close"]
        lines += [b": ".join(header) for header in UNREADABLE.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(UNREADABLE.body)]))
        self.transport.close()

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(self.head_s_max, self._give_up)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        answering: RequestResponseCycle | None = self.cycle
        if answering is not None and not answering.response_complete:  # not to be cut off
            self._await_head()
        else:
            self.transport.close()
