"""The live stream: every change of a user's tasks and credits, from where the reader left off."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import APIRouter, Depends, Header, Query
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from shared.db import Database
from shared.http import CurrentUser, resource
from shared.tokens import LEEWAY_S
from tasks import hints, stream
from tasks.hub import Hub
from tasks.models import StreamEvent
from tasks.routes.documented import refusals
from tasks.schemas import Hello

SEQUENCE_MAX = 2**63 - 1
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

router = APIRouter()


# Not FastAPI's own event stream: that logs an error for every reader who leaves in the middle of an event.
class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Opening:
    """A stream about to start: whose, after which number, until when by the monotonic clock."""

    user_id: UUID
    after: int
    hello: Hello | None
    until: float


async def _open(
    user: CurrentUser,
    database: Annotated[Database, resource(Database)],
    authorization: Annotated[str, Header(include_in_schema=False)],
    last_event_id: Annotated[int | None, Header(ge=0, le=SEQUENCE_MAX)] = None,
    last_seen: Annotated[int | None, Query(alias="last_event_id", ge=0, le=SEQUENCE_MAX)] = None,
) -> Opening:
    """Find where to start, in a transaction that has ended before the stream begins."""
    after = last_event_id if last_event_id is not None else last_seen
    async with database.transaction() as tx:
        head = await stream.head_of(tx, user.id)
        known = await hints.credits_of(tx, user.id)
    until = time.monotonic() + _seconds_left(authorization)
    if after is None or after > head:
        hello = Hello.model_validate({"sequence": head, "credits": known})
        return Opening(user.id, head, hello, until)
    return Opening(user.id, after, None, until)


@router.get(
    "/api/events",
    response_class=EventStream,
    operation_id="follow_events",
    responses=refusals(401),
)
async def follow_events(
    opening: Annotated[Opening, Depends(_open)], hub: Annotated[Hub, resource(Hub)]
) -> EventStream:
    """Every change of the user's tasks and credits as server-sent events, until the access token expires.

    `task` has a task's summary, `progress` an agent's sign of life, `credits` the user's credits; the id of each
    is the user's sequence number. `Last-Event-ID` goes on after that number without a gap; without it (or after
    a number that never was) the stream starts now, with a `hello` that says where that is.
    """
    return EventStream(_written(opening, hub), headers=UNBUFFERED)


async def _written(opening: Opening, hub: Hub) -> AsyncIterator[bytes]:
    if opening.hello is not None:
        hello = opening.hello.model_dump_json()
        yield format_sse_event(event="hello", id=str(opening.after), data_str=hello)
    changes = hub.follow(opening.user_id, after=opening.after, until=opening.until)
    async with aclosing(changes):
        async for events in changes:
            yield b"".join(_encoded(event) for event in events) or KEEPALIVE_COMMENT


def _encoded(event: StreamEvent) -> bytes:
    return format_sse_event(event=event.kind, id=str(event.seq), data_str=json.dumps(event.data))


def _seconds_left(authorization: str) -> float:
    """Return for how long the token, verified before, would still be accepted."""
    token = authorization.partition(" ")[2].strip()
    claims = jwt.decode(token, options={"verify_signature": False})
    return float(claims["exp"]) + LEEWAY_S - time.time()
