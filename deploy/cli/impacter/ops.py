"""Operations: whether everything is well, and what became of the mails."""

from http import HTTPStatus
from typing import Annotated

import typer

from impacter import output
from impacter.api import Json, operator_api, public_api, refusal
from impacter.options import LIMIT, AsJson, Limit, Url
from impacter.output import Column, field, line, number, prose, time

NOT_READY = HTTPStatus.SERVICE_UNAVAILABLE

MESSAGES = [
    field("id"),
    field("template"),
    field("to_address", "to"),
    field("state"),
    number("attempts", "tries"),
    time("created_at", "created"),
    time("sent_at", "sent"),
    prose("error"),
]

State = Annotated[
    str | None,
    typer.Option("--state", metavar="STATE", help="Only these: queued, sending, sent or failed."),
]


def messages(
    *, state: State = None, limit: Limit = LIMIT, url: Url = None, as_json: AsJson = False
) -> None:
    """List the mails and how far each has come."""
    with operator_api(url) as api:
        page = api.pages("/api/admin/messages", "messages", limit=limit, state=state)
    if as_json:
        output.as_json(page)
    else:
        output.table(page["messages"], MESSAGES, none="There is no such message.")
    output.say_more_may_follow(page, limit)


def health(*, url: Url = None, as_json: AsJson = False) -> None:
    """Show what each service needs and what waits.

    The exit code is 1 when one of them is not ready.
    """
    with public_api(url) as api:
        ready = api.get("/health/ready", also=[NOT_READY])
    services = ready.get("services")
    if not isinstance(services, dict):
        raise refusal(NOT_READY, ready)
    if as_json:
        output.as_json(ready)
    else:
        _show(services)
    if ready.get("status") != "ready":
        raise typer.Exit(1)


def _show(services: dict[str, Json]) -> None:
    rows = [{**state, "service": name} for name, state in services.items()]
    needed = dict.fromkeys(name for row in rows for name in _dependencies(row))
    columns = [
        field("service"),
        field("status"),
        *(_dependency(name) for name in needed),
        Column(title="outbox", show=_outbox, is_number=True),
        Column(title="parked", show=_parked, is_number=True),
        number("queue"),
    ]
    output.table(rows, columns, none="No service is there.")


def _dependency(name: str) -> Column:
    return Column(
        title=line(name), show=lambda row: line(_dependencies(row).get(name)), is_prose=True
    )


def _dependencies(row: Json) -> Json:
    return row.get("dependencies") or {}


def _outbox(row: Json) -> str:
    age_s = row.get("outbox_age_s")
    waiting = output.grouped(row.get("outbox"))
    is_aging = row.get("outbox") and isinstance(age_s, int | float)
    return f"{waiting} ({age_s:,.0f} s)" if is_aging else waiting


def _parked(row: Json) -> str:
    counts = row.get("parked")
    if not isinstance(counts, dict):
        return ""
    return ", ".join(f"{count} {line(state)}" for state, count in counts.items()) or "0"
