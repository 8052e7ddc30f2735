"""The generated documents are fresh, whole and valid."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from shared import catalog
from shared.asyncapi import HEADERS, OPTIONAL, document, identifier
from shared.clock import Ids, SystemClock
from shared.events import CATALOG, Envelope, topology

Json = dict[str, Any]

IDENTIFIER = re.compile(r"[a-z_0-9]+")
NAME = re.compile(r"\b[a-z]+\.[a-z_]+\.v\d+\b")
EVENT_NAME = re.compile(r"[a-z]+\.[a-z_]+\.v[1-9]\d*")


@pytest.fixture(scope="module")
def asyncapi() -> Json:
    read: Json = json.loads((catalog.REPOSITORY / "docs/asyncapi.json").read_text())
    return read


def test_the_committed_documents_are_fresh():
    assert catalog.stale(catalog.REPOSITORY) == [], "run python -m shared.catalog"


def test_a_stale_document_is_named_and_written_anew(tmp_path: Path):
    catalog.main([], root=tmp_path)
    stale = tmp_path / catalog.SCHEMAS / "credits.held.v1.json"
    strange = tmp_path / catalog.SCHEMAS / "nothing.happened.v1.json"
    stale.write_text("{}")
    strange.write_text("{}")

    with pytest.raises(SystemExit) as refused:
        catalog.main(["--check"], root=tmp_path)
    catalog.main([], root=tmp_path)

    assert str(refused.value).splitlines()[1:] == [
        f"  {catalog.SCHEMAS}/{stale.name}",
        f"  {catalog.SCHEMAS}/{strange.name}",
    ]
    catalog.main(["--check"], root=tmp_path)
    assert not strange.exists()


def test_every_event_is_named_as_a_noun_and_what_happened():
    assert [name for name in CATALOG if not EVENT_NAME.fullmatch(name)] == []


def test_the_choreography_tells_of_every_event_and_of_no_other():
    told = catalog.CHOREOGRAPHY.read_text()

    assert set(NAME.findall(told)) == set(CATALOG)


def test_every_reference_in_the_asyncapi_document_leads_somewhere(asyncapi: Json):
    references = list(found_under("$ref", asyncapi))

    assert references
    for reference in references:
        target: Any = asyncapi
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target, reference


def found_under(key: str, value: Any) -> list[Any]:
    if isinstance(value, list):
        return [found for part in value for found in found_under(key, part)]
    if not isinstance(value, dict):
        return []
    inside = [found for part in value.values() for found in found_under(key, part)]
    return [value[key], *inside] if key in value else inside


def test_the_asyncapi_document_has_a_channel_and_a_message_for_every_event(asyncapi: Json):
    assert asyncapi["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(asyncapi["info"])
    assert {body["address"] for body in asyncapi["channels"].values()} == set(CATALOG)
    for name, kind in CATALOG.items():
        channel = asyncapi["channels"][identifier(kind)]
        assert channel["bindings"]["amqp"]["exchange"]["name"] == "events"
        assert list(channel["messages"]) == [identifier(kind)]
        assert asyncapi["components"]["messages"][identifier(kind)]["name"] == name


def test_the_asyncapi_document_has_an_operation_for_every_publisher_and_consumer(asyncapi: Json):
    operations = asyncapi["operations"]
    taken = {(queue, name) for queue, names in topology().items() for name in names}
    sent = {(kind.publisher, name) for name, kind in CATALOG.items()}

    assert ends_of(operations, "receive") == {marked("receives", *pair) for pair in taken}
    assert ends_of(operations, "send") == {marked("sends", *pair) for pair in sent}
    assert all(IDENTIFIER.fullmatch(name) for name in operations)
    for name, operation in operations.items():
        [message] = operation["messages"]
        assert message["$ref"].startswith(operation["channel"]["$ref"] + "/messages/"), name


def ends_of(operations: Json, action: str) -> set[str]:
    return {name for name, operation in operations.items() if operation["action"] == action}


def marked(verb: str, service: str, name: str) -> str:
    return f"{service.replace('-', '_')}_{verb}_{identifier(CATALOG[name])}"


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_a_payload_in_the_asyncapi_document_describes_the_sample(asyncapi: Json, name: str):
    sample = catalog.REPOSITORY / "tests/contracts/samples" / f"{name}.json"
    message = asyncapi["components"]["messages"][identifier(CATALOG[name])]
    payload = {"components": asyncapi["components"], **message["payload"]}

    jsonschema_rs.meta.validate(asyncapi["components"]["schemas"][CATALOG[name].__name__])
    jsonschema_rs.validate(payload, json.loads(sample.read_text()))


def test_the_documented_headers_are_those_of_the_envelope():
    ids = Ids()
    kind = CATALOG["credits.held.v1"]
    envelope = Envelope(
        id=ids.new(),
        name=kind.name,
        source=kind.publisher,
        time=SystemClock().now(),
        correlation_id=ids.new(),
        causation_id=ids.new(),
        body=b"{}",
        traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    )
    message = document()["components"]["messages"][identifier(kind)]

    headers = dict(envelope.to_message().headers)

    assert set(headers) == set(HEADERS)
    jsonschema_rs.validate(message["headers"], headers)
    jsonschema_rs.validate(
        message["headers"], {name: text for name, text in headers.items() if name not in OPTIONAL}
    )
