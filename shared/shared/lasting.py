"""Answers that last for hours: they go on outside of the layers that served their request.

Whoever waits inside of the layers keeps all of their frames and all that the request came with: of an open stream
that was more than half of its memory (`make bench ARGS=streams`).
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

LASTING: Final = "impacter.lasting"

Rest: TypeAlias = Callable[[Receive, Send], Awaitable[None]]


def afterwards(scope: Scope, rest: Rest) -> None:
    """Have the rest of an answer, of which the head is sent, sent once the request's layers are done."""
    scope[LASTING].append(rest)


class Lasting:
    """The outermost layer: it sends what is left to be sent `afterwards`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        lasting: list[Rest] = []
        scope[LASTING] = lasting
        await self._app(scope, receive, send)
        for rest in lasting:
            _forget(scope)
            await rest(receive, send)


def _forget(scope: Scope) -> None:
    """Keep nothing of what the request came with but what the server itself still asks for."""
    method = scope["method"]
    scope.clear()
    scope["method"] = method
