"""Slow clients: a request's head is waited for so long and no longer, and so much of it is taken and no more.

uvicorn has no limit for either; behind nginx nobody is that slow.
"""

import asyncio
from typing import Final

from starlette.responses import Response
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from shared import problems

HEAD_S_MAX: Final = 10
HEAD_BYTES_MAX: Final = 128 * 1024
LINGER_S: Final = 1
UNREADABLE: Final = problems.document(400, "bad_request", "This is not HTTP as we understand it.")
TOO_LARGE: Final = problems.document(
    431, "headers_too_large", "The headers are larger than what is read of them."
)


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline and a limit for heads."""

    head_s_max: float = HEAD_S_MAX
    _deadline: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_refused = False

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
        if self._is_refused:  # thrown away: to close now would take the answer from them too
            return
        if self._deadline is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._deadline is not None and self._head_bytes > HEAD_BYTES_MAX:
            self._refuse_head()

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
        self._answer(UNREADABLE)
        self.transport.close()

    def _refuse_head(self) -> None:
        """Say so, unless something else is being answered, and read no more; the connection ends."""
        if self._is_answering():
            self.transport.close()
            return
        self._is_refused = True
        self._answer(TOO_LARGE)
        self._head_is_here()
        self._deadline = self.loop.call_later(LINGER_S, self.transport.close)

    def _answer(self, problem: Response) -> None:
        title = problems.title(problem.status_code)
        lines = [f"HTTP/1.1 {problem.status_code} {title}".encode(), b"connection: close"]
        lines += [b": ".join(header) for header in problem.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(problem.body)]))

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        self._head_bytes = 0
        self._deadline = self.loop.call_later(self.head_s_max, self._give_up)

    def _head_is_here(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        if self._is_answering():  # not to be cut off
            self._await_head()
        else:
            self.transport.close()
