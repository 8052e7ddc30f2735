"""Parked events: those that a service could not handle, until a person replays or discards them."""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from impacter import output
from impacter.api import Api, Json, operator_api, segment
from impacter.failures import Failure, Misuse
from impacter.options import LIMIT, AsJson, Limit, ServiceName, Url
from impacter.output import field, line, number, prose, time, utc

REPLAYED_MAX = 10_000
NOT_THERE = (404, 500, 502, 503, 504)  # one service's state; anything else would meet all of them

COLUMNS = [
    field("service"),
    field("id"),
    field("name", "event"),
    field("state"),
    number("attempt", "tries"),
    time("last_failed_at", "last failed"),
    prose("reason"),
]


class State(StrEnum):
    """Where a failed event is."""

    RETRYING = "retrying"
    ATTEMPTING = "attempting"
    PARKED = "parked"
    DONE = "done"
    DISCARDED = "discarded"


OnlyService = Annotated[
    ServiceName | None,
    typer.Option(
        "--service", metavar="SERVICE", help=f"One of {', '.join(ServiceName)}; else all of them."
    ),
]
States = Annotated[
    list[State] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        help=f"Only these, given once each ({', '.join(State)}); else all that are unresolved.",
    ),
]
Service = Annotated[
    ServiceName, typer.Argument(metavar="SERVICE", help="The service that could not handle it.")
]
EventId = Annotated[str, typer.Argument(metavar="EVENT", help="An id like parked_….")]
MaybeEventId = Annotated[
    str | None, typer.Argument(metavar="EVENT", help="An id like parked_…, or --all.")
]
All = Annotated[bool, typer.Option("--all", help="Replay all that the service has parked.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why nobody will miss it; kept with it.")
]


def list_events(
    *,
    service: OnlyService = None,
    state: States = None,
    limit: Limit = LIMIT,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """List the events that failed, of one service or of all."""
    services = [service] if service else list(ServiceName)
    with operator_api(url) as api:
        pages = dict(_pages(api, services, state, limit))
    if as_json:
        output.as_json(pages[service] if service else pages)
    else:
        rows = [{**row, "service": name} for name, page in pages.items() for row in page["events"]]
        output.table(rows, COLUMNS, none="No event is parked.")
    for page in pages.values():
        output.say_more_may_follow(page, limit)
    if len(pages) < len(services):
        raise typer.Exit(1)


def show(service: Service, event_id: EventId, *, url: Url = None, as_json: AsJson = False) -> None:
    """Show one event with why it failed and what it carries."""
    with operator_api(url) as api:
        event = api.get(_path(service, event_id))
    if as_json:
        output.as_json(event)
        return
    _show(event)
    headers = event.get("headers")
    output.heading("Headers")
    output.details([*headers.items()] if isinstance(headers, dict) else [])
    output.heading("Body")
    output.paragraph(_indented(str(event.get("body") or "")))


def replay(
    service: Service,
    event_id: MaybeEventId = None,
    *,
    replay_all: All = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Have an event handled again now.

    What it already did is not done twice.
    """
    if replay_all == (event_id is not None):
        raise Misuse("Name one event, or give --all.")
    with operator_api(url) as api:
        if event_id is None:
            _replay_all(api, service, as_json=as_json)
        else:
            event = api.post(f"{_path(service, event_id)}/replay")
            _print(event, as_json=as_json)


def discard(
    service: Service,
    event_id: EventId,
    *,
    reason: Reason,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Give an event up for good."""
    with operator_api(url) as api:
        event = api.post(f"{_path(service, event_id)}/discard", {"reason": reason})
    _print(event, as_json=as_json)


def _pages(
    api: Api, services: list[ServiceName], states: list[State] | None, limit: int
) -> Iterator[tuple[str, Json]]:
    """Return the services' pages; of several services, one that does not answer is told of and left out."""
    for service in services:
        try:
            yield service, api.pages(_path(service), "events", limit=limit, state=states or None)
        except Failure as failure:
            if len(services) == 1 or failure.status not in NOT_THERE:
                raise
            output.say(f"error: {service}: {failure}")


def _replay_all(api: Api, service: ServiceName, *, as_json: bool) -> None:
    page = api.pages(_path(service), "events", limit=REPLAYED_MAX, state=[State.PARKED])
    replayed = []
    for event in page["events"]:
        try:
            replayed.append(api.post(f"{_path(service, str(event.get('id')))}/replay"))
        except Failure as failure:
            output.say(f"error: {event.get('id')}: {failure}")
    if as_json:
        output.as_json({**page, "events": replayed})
    else:
        rows = [{**event, "service": service} for event in replayed]
        output.table(rows, COLUMNS, none=f"No event was replayed in {service}.")
    if len(replayed) < len(page["events"]):
        raise typer.Exit(1)


def _path(service: ServiceName, event_id: str | None = None) -> str:
    path = f"/api/admin/events/{service}"
    return path if event_id is None else f"{path}/{segment(event_id)}"


def _print(event: Json, *, as_json: bool) -> None:
    if as_json:
        output.as_json(event)
    else:
        _show(event)


def _show(event: Json) -> None:
    output.details(
        [
            ("id", line(event.get("id"))),
            ("event", line(event.get("name"))),
            ("state", line(event.get("state"))),
            ("tries", event.get("attempt")),
            ("reason", event.get("reason")),
            ("first failed (UTC)", utc(event.get("first_failed_at"))),
            ("last failed (UTC)", utc(event.get("last_failed_at"))),
            ("next try (UTC)", utc(event.get("retry_at") or "")),
            ("resolved by", line(event.get("resolved_by"))),
            ("resolution", event.get("resolution")),
        ]
    )


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
