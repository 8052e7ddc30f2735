"""One id per user action, from the first request to the last event it caused."""

from uuid import UUID, uuid4

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.db import CORRELATION

HEADER = b"x-correlation-id"


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

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                marked = [*message.get("headers", []), (HEADER, str(correlation).encode())]
                message = {**message, "headers": marked}
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
