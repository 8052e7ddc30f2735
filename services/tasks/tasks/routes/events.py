"""The live stream: every change of a user's tasks and credits, from where the reader left off."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

import jwt
from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from shared.db import Database
from shared.http import Bearer, CurrentUser, resource
from shared.lasting import afterwards
from shared.tokens import LEEWAY_S
from tasks import hints, stream
from tasks.hub import Hub, Listener
from tasks.models import StreamEvent
from tasks.routes.documented import refusals
from tasks.schemas import Hello

SEQUENCE_MAX = 2**63 - 1
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

router = APIRouter()


class EventStream(StreamingResponse):
    """Server-sent events to one listener, who is told to leave when the reader has gone.

    FastAPI's own costs more memory, logs an error for every reader that goes in the middle of an event, and
    cancels a read in the middle of its transaction. Only the head is sent by the request's own layers.
    """

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[bytes], listener: Listener) -> None:
        super().__init__(content, headers=UNBUFFERED)
        self._listener = listener

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin; the events follow when the request's layers are done."""
        head = {"type": "http.response.start", "status": self.status_code}
        await send({**head, "headers": self.raw_headers})
        afterwards(scope, self._follow)

    async def _follow(self, receive: Receive, send: Send) -> None:
        """Send the events, and watch for the reader's going meanwhile."""
        watching = asyncio.create_task(_watch(receive, self._listener))
        try:
            async for piece in self.body_iterator:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            watching.cancel()


async def _watch(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.leave()


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream about to start, with a greeting where it starts now."""

    listener: Listener
    hello: Hello | None


async def _open(
    user: CurrentUser,
    database: Annotated[Database, resource(Database)],
    hub: Annotated[Hub, resource(Hub)],
    bearer: Bearer,
    last_event_id: Annotated[int | None, Header(ge=0, le=SEQUENCE_MAX)] = None,
    last_seen: Annotated[int | None, Query(alias="last_event_id", ge=0, le=SEQUENCE_MAX)] = None,
) -> Opening:
    """Find where to start, in a transaction that has ended before the stream begins."""
    hub.admit(user.id)
    after = last_event_id if last_event_id is not None else last_seen
    async with database.transaction() as tx:
        head = await stream.head_of(tx, user.id)
        known = await hints.credits_of(tx, user.id)
        goes_on = after is not None and await stream.can_go_on(tx, user.id, after=after, head=head)
    until = time.monotonic() + _seconds_left(bearer)
    if after is not None and goes_on:
        return Opening(Listener(user_id=user.id, after=after, until=until), None)
    hello = Hello.model_validate({"sequence": head, "credits": known})
    return Opening(Listener(user_id=user.id, after=head, until=until), hello)


@router.get(
    "/api/events",
    status_code=200,
    response_class=EventStream,
    operation_id="follow_events",
    responses=refusals(401, 429),
)
async def follow_events(
    opening: Annotated[Opening, Depends(_open)], hub: Annotated[Hub, resource(Hub)]
) -> EventStream:
    """Every change of the user's tasks and credits as server-sent events, until the access token expires.

    `task` has a task's summary, `progress` an agent's sign of life, `credits` the user's credits; the id of each
    is the user's sequence number. `Last-Event-ID` goes on after that number without a gap; without it (or after
    a number that never was, or is older than a week) the stream starts now, with a `hello` that says where that is.
    """
    return EventStream(_written(opening, hub), opening.listener)


async def _written(opening: Opening, hub: Hub) -> AsyncIterator[bytes]:
    if opening.hello is not None:
        sequence, hello = str(opening.hello.sequence), opening.hello.model_dump_json()
        yield format_sse_event(event="hello", id=sequence, data_str=hello)
    async with aclosing(hub.follow(opening.listener)) as changes:
        async for events in changes:
            yield b"".join(_encoded(event) for event in events) or KEEPALIVE_COMMENT


def _encoded(event: StreamEvent) -> bytes:
    return format_sse_event(event=event.kind, id=str(event.seq), data_str=json.dumps(event.data))


def _seconds_left(bearer: Bearer) -> float:
    """Return for how long the token would still be accepted."""
    assert bearer is not None, "the token was verified before"
    claims = jwt.decode(bearer.credentials.strip(), options={"verify_signature": False})
    return float(claims["exp"]) + LEEWAY_S - time.time()
