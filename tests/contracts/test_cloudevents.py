"""Our messages are CloudEvents: the specification's own library reads them from AMQP 0-9-1."""

import json
from pathlib import Path

import pytest
from cloudevents.core.bindings.rabbitmq import RabbitMQMessage, from_binary_event, from_rabbitmq
from cloudevents.core.formats.json import JSONFormat

from shared.clock import Ids, SystemClock
from shared.contracts.credits import CreditsHeld
from shared.events import CONTENT_TYPE, Envelope

SAMPLES = Path(__file__).with_name("samples")
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def envelope() -> Envelope:
    ids = Ids()
    return Envelope(
        id=ids.new(),
        name=CreditsHeld.name,
        source=CreditsHeld.publisher,
        time=SystemClock().now(),
        correlation_id=ids.new(),
        causation_id=ids.new(),
        body=(SAMPLES / f"{CreditsHeld.name}.json").read_bytes(),
        traceparent=TRACE,
    )


def on_the_wire(envelope: Envelope) -> RabbitMQMessage:
    message = envelope.to_message()
    return RabbitMQMessage(dict(message.headers), CONTENT_TYPE, message.body)


def test_the_cloudevents_library_reads_every_attribute(envelope: Envelope):
    event = from_binary_event(on_the_wire(envelope))

    assert event.get_attributes() == {
        "id": str(envelope.id),
        "type": "credits.held.v1",
        "source": "billing",
        "specversion": "1.0",
        "time": envelope.time,
        "datacontenttype": "application/json",
        "correlationid": str(envelope.correlation_id),
        "causationid": str(envelope.causation_id),
    }
    assert event.get_data() == json.loads(envelope.body)


def test_the_cloudevents_library_sees_the_binary_mode_by_itself(envelope: Envelope):
    event = from_rabbitmq(on_the_wire(envelope), JSONFormat())

    assert event.get_type() == "credits.held.v1"
    assert event.get_extension("correlationid") == str(envelope.correlation_id)
