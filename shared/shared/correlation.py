"""One id per user action, from the first request to the last event it caused."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from opentelemetry import trace
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import tracing
from shared.db import CORRELATION
from shared.tracing import Origin

HEADER = b"x-correlation-id"
TRACE_HEADER = b"traceresponse"


@contextmanager
def taking_up(origin: Origin) -> Iterator[None]:
    """Go on with the action that work of a row belongs to: what is published, logged and traced is a part of it."""
    token = CORRELATION.set(origin.correlation_id)
    try:
        with tracing.following(origin.traceparent):
            yield
    finally:
        CORRELATION.reset(token)


class Correlation:
    """Gives each request a correlation id, the caller's own where it sent a UUID, and answers with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        correlation = _from_caller(scope) or uuid4()
        token = CORRELATION.set(correlation)
        trace.get_current_span().set_attribute("correlation.id", str(correlation))
        marks = [(HEADER, str(correlation).encode())]
        if place := tracing.current():
            marks.append((TRACE_HEADER, place.encode()))

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *marks]}
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        finally:
            CORRELATION.reset(token)


def _from_caller(scope: Scope) -> UUID | None:
    for name, value in scope["headers"]:
        if name == HEADER:
            try:
                return UUID(value.decode("ascii"))
            except ValueError:
                return None
    return None
