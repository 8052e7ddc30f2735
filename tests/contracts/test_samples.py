"""One sample of every event, as it was first published, is readable for ever."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import shared.contracts  # noqa: F401 - fills the catalog
from shared.catalog import REPOSITORY, SCHEMAS
from shared.clock import Ids, SystemClock
from shared.events import CATALOG, CannotDecode, Envelope

SAMPLES = Path(__file__).with_name("samples")
NAMES = sorted(CATALOG)


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def schema_of(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((REPOSITORY / SCHEMAS / f"{name}.json").read_text())
    return schema


def envelope(name: str, body: bytes) -> Envelope:
    ids = Ids()
    return Envelope(
        id=ids.new(),
        name=name,
        source=CATALOG[name].publisher if name in CATALOG else "nobody",
        time=SystemClock().now(),
        correlation_id=ids.new(),
        causation_id=ids.new(),
        body=body,
    )


def test_every_event_has_a_sample_and_every_sample_an_event():
    assert sorted(file.name.removesuffix(".json") for file in SAMPLES.iterdir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_survives_a_round_trip_over_the_wire(name: str):
    event = envelope(name, sample(name)).open()
    message = envelope(name, event.model_dump_json().encode()).to_message()

    assert Envelope.from_message(message).open() == event
    assert json.loads(event.model_dump_json(exclude_unset=True)) == json.loads(sample(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_satisfies_the_committed_schema(name: str):
    schema = schema_of(name)

    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.validate(schema, json.loads(sample(name)))


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_ignores_fields_that_a_later_publisher_adds(name: str):
    later = with_strangers(json.loads(sample(name)))

    event = envelope(name, json.dumps(later).encode()).open()

    assert event == envelope(name, sample(name)).open()


def with_strangers(value: Any) -> Any:
    if isinstance(value, dict):
        known = {key: with_strangers(part) for key, part in value.items()}
        return {"added_later": {"by": "a newer publisher"}, **known}
    if isinstance(value, list):
        return [with_strangers(part) for part in value]
    return value


@pytest.mark.parametrize("name", NAMES)
def test_an_event_without_a_required_field_cannot_be_decoded(name: str):
    whole = json.loads(sample(name))

    for field in schema_of(name)["required"]:
        body = json.dumps({key: part for key, part in whole.items() if key != field})
        with pytest.raises(CannotDecode, match=field):
            envelope(name, body.encode()).open()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"task_id": "\xff"}',
        b'{"task_id": "task_\\ud800"}',
        b"[" * 100_000,
        b"\x00",
        json.dumps({"task_id": "task_1", "user_id": "the secret"}).encode(),
    ],
    ids=["nothing", "null", "list", "torn", "bytes", "surrogate", "deep", "nul", "ids"],
)
def test_what_is_not_the_event_cannot_be_decoded_and_is_not_repeated(body: bytes):
    with pytest.raises(CannotDecode) as refused:
        envelope("task.cancel_requested.v1", body).open()

    assert "the secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "task.created", "task.created.v999", "TASK.CREATED.V1"])
def test_an_event_that_nobody_declared_cannot_be_decoded(name: str):
    with pytest.raises(CannotDecode, match="no event is called"):
        envelope(name, sample("task.created.v1")).open()


@pytest.mark.parametrize("header", ["ce-id", "ce-type", "ce-source", "ce-time", "ce-correlationid"])
def test_a_message_without_one_of_its_headers_cannot_be_decoded(header: str):
    message = envelope("task.created.v1", sample("task.created.v1")).to_message()
    headers = {name: text for name, text in message.headers.items() if name != header}

    with pytest.raises(CannotDecode, match=header):
        Envelope.from_message(type(message)(message.name, headers, message.body))


@pytest.mark.parametrize("header", ["ce-id", "ce-time", "ce-correlationid", "ce-causationid"])
def test_a_message_with_a_malformed_header_cannot_be_decoded(header: str):
    message = envelope("task.created.v1", sample("task.created.v1")).to_message()
    headers = {**message.headers, header: "yesterday"}

    with pytest.raises(CannotDecode, match="malformed"):
        Envelope.from_message(type(message)(message.name, headers, message.body))
