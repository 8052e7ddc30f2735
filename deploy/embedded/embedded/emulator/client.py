"""The official library against an emulated account in the same process, without a socket."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe
from starlette.types import ASGIApp, Message
from typing_extensions import override

TIMEOUT_S = 80.0


class InProcessHTTPClient(stripe.HTTPClient):
    """Calls an ASGI app directly; what breaks off or takes too long is a failure of the network, as it is over HTTP."""

    name = "in-process"

    def __init__(self, app: ASGIApp, *, timeout_s: float = TIMEOUT_S) -> None:
        super().__init__()
        self._app = app
        self._timeout_s = timeout_s

    @override
    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Ask the app, and return its answer."""
        exchange = _Exchange(method, url, headers, post_data)
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._app(exchange.scope, exchange.receive, exchange.send)
        except TimeoutError:
            raise _failed("the answer did not come in time") from None
        if not exchange.is_whole:
            raise _failed("the answer broke off")
        return exchange.body, exchange.status, exchange.headers

    @override
    async def request_stream_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[Any, int, Mapping[str, str]]:
        """Ask the app, and return its answer as a stream."""
        body, status, answered = await self.request_async(method, url, headers, post_data)

        async def stream() -> AsyncIterator[bytes]:
            yield body

        return stream(), status, answered

    @override
    def sleep_async(self, secs: float) -> Awaitable[None]:
        """Wait before another try, by the loop's own time."""
        return asyncio.sleep(secs)

    @override
    async def close_async(self) -> None:
        """There is nothing to close."""


class _Exchange:
    """One request and its answer, as ASGI has them."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: Any) -> None:
        parts = urlsplit(url)
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method.upper(),
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [(name.lower().encode(), str(headers[name]).encode()) for name in headers],
            "server": (parts.hostname, parts.port or 80),
            "client": ("127.0.0.1", 1),
        }
        self._request = body.encode() if isinstance(body, str) else body or b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""
        self.is_whole = False

    async def receive(self) -> Message:
        """Give the request's body to the app."""
        return {"type": "http.request", "body": self._request, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a part of the answer from the app."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = _Headers(message["headers"])
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            self.is_whole = not message.get("more_body", False)


class _Headers(dict[str, str]):
    """Headers that are found however they are spelled, as the library expects."""

    def __init__(self, pairs: Any) -> None:
        super().__init__({name.decode().lower(): value.decode() for name, value in pairs})

    @override
    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    @override
    def __contains__(self, name: object) -> bool:
        return super().__contains__(str(name).lower())

    @override
    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)


def _failed(reason: str) -> stripe.APIConnectionError:
    message = f"Unexpected error communicating with Stripe: {reason}"
    return stripe.APIConnectionError(message, should_retry=True)  # type: ignore[no-untyped-call]
