"""What nginx does before the services, for the process that has no nginx before it: pages, limits, headers.

One test suite, `tests/gateway`, holds the two against each other.
"""

import asyncio
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.headers import securing
from gateway.limits import RETRY_AFTER_S, Limits
from gateway.pages import Pages
from shared.patience import TOO_LARGE
from shared.problems import document

BODY_S_MAX: Final = 15
LINE_BYTES_MAX: Final = 16 * 1024
HEADERS_BYTES_MAX: Final = 4 * LINE_BYTES_MAX


class Front:
    """Stands before an app."""

    def __init__(self, app: ASGIApp, *, pages: Pages | None, limits: Limits) -> None:
        self._app = app
        self._pages = pages
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = self._answer(scope)
        if answer is None:
            await self._app(scope, in_time(receive), securing(scope, send))
        else:
            await answer(scope, receive, securing(scope, send))

    def _answer(self, scope: Scope) -> Response | None:
        """Return the answer to a request that no service needs to see."""
        refusal = _oversized(scope) or self._too_many(scope)
        if refusal is not None or self._pages is None:
            return refusal
        return self._pages.answer(scope)

    def _too_many(self, scope: Scope) -> Response | None:
        client = scope["client"][0] if scope["client"] else ""
        if self._limits.admit(scope["method"], scope["path"], client):
            return None
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        detail = "Too many requests; wait a little."
        return document(429, "too_many_requests", detail, headers=headers)


def in_time(receive: Receive) -> Receive:
    """Return a `receive` that waits so long for the next piece of a body, and for its end as long as it takes."""
    is_whole = False

    async def receive_in_time() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout(BODY_S_MAX):
                message = await receive()
        except TimeoutError:
            detail = "The body came too slowly."
            raise HTTPException(408, detail, headers={"Connection": "close"}) from None
        is_whole = not message.get("more_body", False)
        return message

    return receive_in_time


def _oversized(scope: Scope) -> Response | None:
    if len(scope["raw_path"]) + len(scope["query_string"]) > LINE_BYTES_MAX:
        return document(414, "uri_too_long", "The address is longer than any of ours.")
    sizes = [len(name) + len(value) for name, value in scope["headers"]]
    if max(sizes, default=0) > LINE_BYTES_MAX or sum(sizes) > HEADERS_BYTES_MAX:
        return TOO_LARGE
    return None
