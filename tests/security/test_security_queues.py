"""Whatever arrives in a service's queue has its effect or is parked: nothing is raised, lost or taken for ever.

What `Consumer.receive` raises is delivered again, so a message that makes it raise would come back for ever and
hold up what is behind it.
"""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shared import parked
from shared.bus import Delivery
from shared.consumer import Consumer
from shared.events import CATALOG, Message
from shared.migrate import migrate
from shared.service import Service
from tests.security.product import Json, built, settings_of
from tests.security.strategies import values
from tests.servers import PostgresServer

SAMPLES = Path(__file__).parents[1] / "contracts" / "samples"
SERVICES = ["auth", "billing", "tasks", "notifier", "agent-runner"]
HEADERS = ["ce-id", "ce-type", "ce-source", "ce-time", "ce-correlationid", "ce-causationid"]
fuzz = settings(max_examples=50, deadline=None)

# Long and without repetition, so that no compression makes it small enough for an index.
LONG = "".join(uuid4().hex for _ in range(500))
texts = st.text(max_size=30) | st.sampled_from([LONG, "\0", "\ud800", "0001-01-01T00:00:00+14:00"])


@pytest.fixture(scope="module")
async def services(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mapping[str, Service]]:
    """The services with their own databases; nothing runs in them but what a test hands in."""
    folder: Path = tmp_path_factory.mktemp("queues")
    of_all = built(await settings_of(postgres, folder, port=1))
    for service in of_all:
        await migrate(service.database.engine, service.migrations)
    yield {service.name: service for service in of_all}
    for service in of_all:
        await service.database.close()


@pytest.fixture(params=SERVICES, scope="module")
def service(request: pytest.FixtureRequest, services: Mapping[str, Service]) -> Service:
    """Each service in its turn."""
    found: Service = services[request.param]
    return found


def sample(name: str) -> Json:
    body: Json = json.loads((SAMPLES / f"{name}.json").read_text())
    return body


def envelope(name: str) -> dict[str, str]:
    """The headers of a well-formed event that was never seen before."""
    return {
        "ce-id": str(uuid4()),
        "ce-type": name,
        "ce-source": CATALOG[name].publisher,
        "ce-specversion": "1.0",
        "ce-time": "2026-11-21T12:00:00+00:00",
        "ce-correlationid": str(uuid4()),
    }


def changed(body: Any, path: list[str], value: Any) -> Any:
    """Replace what a path leads to within a body."""
    if not path:
        return value
    return {**body, path[0]: changed(body[path[0]], path[1:], value)}


def paths(body: Any) -> list[list[str]]:
    """The ways to every part of a body, the whole among them."""
    if not isinstance(body, dict):
        return [[]]
    return [[]] + [[name, *rest] for name, part in body.items() for rest in paths(part)]


async def receive(service: Service, message: Message, *, is_redelivered: bool = False) -> str:
    """Hand a message to a service as its bus would; return what became of it."""
    consumer = Consumer(service.database, service.handlers)
    await consumer.receive([Delivery(message, is_redelivered=is_redelivered)])
    async with service.database.transaction() as tx:
        mark = {"fingerprint": parked.fingerprint(message)}
        row = (await tx.execute(PARKED, mark)).first()
        if row is not None:
            return str(row.state)
        row = (await tx.execute(SEEN, {"event_id": message.headers.get("ce-id")})).first()
    return "handled" if row else "lost"


PARKED = text("SELECT state FROM parked WHERE fingerprint = :fingerprint")
SEEN = text("SELECT 1 FROM inbox WHERE event_id::text = :event_id")


@fuzz
@given(
    name=st.sampled_from(sorted(CATALOG)) | texts,
    headers=st.dictionaries(st.sampled_from([*HEADERS, "traceparent"]) | texts, texts, max_size=7),
    body=st.binary(max_size=300),
    is_redelivered=st.booleans(),
)
async def test_what_is_no_event_is_parked_for_people(
    service: Service, name: str, headers: dict[str, str], body: bytes, is_redelivered: bool
):
    message = Message(name, headers, body)

    assert await receive(service, message, is_redelivered=is_redelivered) == "parked"


@fuzz
@given(data=st.data(), is_redelivered=st.booleans())
async def test_an_event_with_any_body_is_handled_or_parked(
    service: Service, data: st.DataObject, is_redelivered: bool
):
    name = data.draw(st.sampled_from(sorted(service.handlers.names)))
    body = sample(name)
    for _ in range(data.draw(st.integers(0, 3))):
        path = data.draw(st.sampled_from(paths(body)))
        body = changed(body, path, data.draw(values))
    message = Message(name, envelope(name), json.dumps(body).encode())

    became = await receive(service, message, is_redelivered=is_redelivered)

    assert became in ("handled", "parked", "retrying")


@fuzz
@given(data=st.data(), is_redelivered=st.booleans())
async def test_an_event_in_any_envelope_is_handled_or_parked(
    service: Service, data: st.DataObject, is_redelivered: bool
):
    name = data.draw(st.sampled_from(sorted(service.handlers.names)))
    odd = data.draw(st.dictionaries(st.sampled_from(HEADERS), texts, max_size=2))
    message = Message(name, {**envelope(name), **odd}, json.dumps(sample(name)).encode())

    became = await receive(service, message, is_redelivered=is_redelivered)

    assert became in ("handled", "parked", "retrying")


async def test_what_is_wrong_costs_its_neighbours_nothing(service: Service):
    """A batch of good events with a bad one between each: the good ones have their effect."""
    name = min(service.handlers.names)
    good = [Message(name, envelope(name), json.dumps(sample(name)).encode()) for _ in range(3)]
    bad = [Message(name, envelope(name), b"\xff") for _ in range(3)]
    consumer = Consumer(service.database, service.handlers)

    await consumer.receive(
        [Delivery(each) for pair in zip(good, bad, strict=True) for each in pair]
    )

    assert [await receive(service, each) for each in good + bad] == ["handled"] * 3 + ["parked"] * 3
