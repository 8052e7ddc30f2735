"""What every service offers to ops: its parked events, to list, read, replay and discard."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Row

from shared import parked
from shared.http import CurrentOperator, Transaction
from shared.ids import ParkedId
from shared.pages import Cursor, Limit, cursor_of, id_of
from shared.problems import refusals
from shared.service import Service
from shared.text import Text

State = Literal["retrying", "attempting", "parked", "done", "discarded"]
OPEN: tuple[State, ...] = ("retrying", "attempting", "parked")


class ParkedEvent(BaseModel):
    """An event that failed in this service, and what became of it."""

    id: ParkedId
    name: str
    state: str
    attempt: int
    reason: str
    retry_at: datetime | None
    first_failed_at: datetime
    last_failed_at: datetime
    resolved_by: str | None
    resolution: str | None


class ParkedEventInFull(ParkedEvent):
    """A parked event with what it carries."""

    headers: Mapping[str, str]
    body: str


class ParkedEvents(BaseModel):
    """A page of parked events, newest first."""

    events: list[ParkedEvent]
    next_cursor: str | None


class Discard(BaseModel):
    """Why an event is given up for good."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[Text, Field(min_length=3, max_length=500)]


def routes(service: Service) -> APIRouter:
    """Return the admin routes for a service's parked events."""
    router = APIRouter(prefix=f"/api/admin/events/{service.name}", tags=["admin"])
    one = "/{parked_id}"
    for path, function, method, status, codes in (
        ("", list_parked, "GET", 200, (401, 403)),
        (one, show_parked, "GET", 200, (401, 403, 404)),
        (f"{one}/replay", replay_parked, "POST", 202, (401, 403, 404, 409)),
        (f"{one}/discard", discard_parked, "POST", 200, (401, 403, 404, 409)),
    ):
        router.add_api_route(
            path,
            function,
            methods=[method],
            status_code=status,
            operation_id=f"{function.__name__}_{service.name.replace('-', '_')}",
            responses=refusals(*codes),
        )
    return router


async def list_parked(
    _: CurrentOperator,
    tx: Transaction,
    state: Annotated[list[State] | None, Query(max_length=10)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> ParkedEvents:
    """Parked and retrying events, or those in the given states."""
    rows = await parked.listed(tx, states=state or OPEN, limit=limit, before=id_of(cursor))
    events = [ParkedEvent(**_fields(row)) for row in rows]
    return ParkedEvents(events=events, next_cursor=cursor_of(rows, limit))


async def show_parked(
    parked_id: ParkedId, _: CurrentOperator, tx: Transaction
) -> ParkedEventInFull:
    """One parked event with its headers and body."""
    row = await parked.find(tx, parked_id)
    body = bytes(row.body).decode(errors="backslashreplace")
    return ParkedEventInFull(**_fields(row), headers=row.headers, body=body)


async def replay_parked(parked_id: ParkedId, who: CurrentOperator, tx: Transaction) -> ParkedEvent:
    """Have the event handled again now; what it already did is not done twice."""
    await parked.replay(tx, parked_id, by=who.name)
    return ParkedEvent(**_fields(await parked.find(tx, parked_id)))


async def discard_parked(
    parked_id: ParkedId, body: Discard, who: CurrentOperator, tx: Transaction
) -> ParkedEvent:
    """Give the event up for good."""
    await parked.discard(tx, parked_id, by=who.name, reason=body.reason)
    return ParkedEvent(**_fields(await parked.find(tx, parked_id)))


def _fields(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ParkedEvent.model_fields}
