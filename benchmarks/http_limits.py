"""The limits of HTTP in one process: a route that does nothing, and a POST that shares a commit with whoever waits.

Both run on uvicorn with the product's settings: `GET /health/live` of billing's own process is the first; the
second is `benchmarks/group_commit.py`, FastAPI with one INSERT for all requests that came while the last committed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from benchmarks.load import fire, request
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Stage

CONNECTIONS = 32
BODY = b'{"text": "' + b"x" * 500 + b'"}'


@asynccontextmanager
async def http_limits(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure both."""
    site = await stage.site("http_limits")

    async def once() -> Samples:
        nothing = [request("GET", "/health/live")] * effort.requests
        write = [request("POST", "/", BODY, content_type="application/json")] * effort.requests
        async with site.running("billing") as billing:
            noop = await fire(
                billing.port, nothing, connections=CONNECTIONS, seconds=effort.seconds
            )
        async with site.running("benchmarks.group_commit") as grouped:
            shared = await fire(
                grouped.port, write, connections=CONNECTIONS, seconds=effort.seconds
            )
        return {"http/noop": noop.expect(200).rate, "http/group_commit": shared.expect(201).rate}

    yield once
