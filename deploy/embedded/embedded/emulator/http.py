"""The API over HTTP: everything below a prefix goes to it, and comes back as Stripe would send it."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Request
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from embedded.emulator.api import Answered, Api, Asked

LATE_S = 90
METHODS = ["GET", "POST", "DELETE", "PUT", "PATCH"]


def routes(api: Api) -> APIRouter:
    """Return the API below `/stripe`."""
    router = APIRouter(include_in_schema=False)
    router.add_route("/stripe/{path:path}", _answering(api), METHODS, include_in_schema=False)
    return router


def app(api: Api, prefix: str) -> Starlette:
    """Return an app that is the API below `prefix/stripe` and nothing else."""
    return Starlette(
        routes=[Route(f"{prefix}/stripe/{{path:path}}", _answering(api), methods=METHODS)]
    )


def _answering(api: Api) -> Callable[[Request], Awaitable[Response]]:
    async def ask(request: Request) -> Response:
        body = await request.body()
        asked = Asked(
            request.method,
            f"/{request.path_params['path']}",
            request.url.query,
            {name.lower(): value for name, value in request.headers.items()},
            body.decode(errors="replace"),
        )
        return await _response(await api.answer(asked))

    return ask


async def _response(answered: Answered) -> Response:
    if answered.is_late:
        await asyncio.sleep(LATE_S)
    if answered.is_lost:
        return _Lost()
    return Response(
        json.dumps(answered.body, indent=2),
        answered.status,
        headers=answered.headers,
        media_type="application/json",
    )


class _Lost(Response):
    """An answer that breaks off before its first word, as when the network fails."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
