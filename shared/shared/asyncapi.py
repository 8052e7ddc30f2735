"""The AsyncAPI 3.0 document of the catalog: channels, messages and operations, made from the event classes."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from typing_extensions import override

from shared.events import CATALOG, CONTENT_TYPE, SPEC_VERSION, Event

Json = dict[str, Any]

EXCHANGE: Json = {"name": "events", "type": "topic", "durable": True, "autoDelete": False}
BINDING = "0.3.0"
UUID: Json = {"type": "string", "format": "uuid"}

# What `Envelope.to_message` puts on every message.
HEADERS: Json = {
    "ce-id": {**UUID, "description": "with `ce-source`, tells duplicates"},
    "ce-type": {"type": "string", "description": "the event's name"},
    "ce-source": {"type": "string", "description": "the publisher"},
    "ce-specversion": {"type": "string", "const": SPEC_VERSION, "description": "of CloudEvents"},
    "ce-time": {"type": "string", "format": "date-time", "description": "when it was published"},
    "ce-correlationid": {**UUID, "description": "one per user action"},
    "ce-causationid": {**UUID, "description": "the event answered; absent at the beginning"},
    "traceparent": {
        "type": "string",
        "description": "W3C Trace Context; absent where none was given",
    },
}
OPTIONAL = ("ce-causationid", "traceparent")


class Plain(GenerateJsonSchema):
    """JSON Schema (2020-12) without titles that only repeat a field's name."""

    @override
    def field_title_should_be_set(self, schema: object) -> bool:
        return False


def document() -> Json:
    """Return the document for everything in the catalog."""
    kinds = [kind for _, kind in sorted(CATALOG.items())]
    operations = [_sent(kind) for kind in kinds]
    operations += [_received(kind, consumer) for kind in kinds for consumer in kind.consumers]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "ImpacterAGI events",
            "version": "1.0.0",
            "description": "Generated from the event classes. Delivered at least once, in no order.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {identifier(kind): _channel(kind) for kind in kinds},
        "operations": {name: body for operation in operations for name, body in operation.items()},
        "components": {
            "messages": {identifier(kind): _message(kind) for kind in kinds},
            "schemas": _schemas(kinds),
        },
    }


def identifier(kind: type[Event]) -> str:
    """Return an event's name as an identifier: `credits_held_v1`."""
    return kind.name.replace(".", "_")


def _channel(kind: type[Event]) -> Json:
    """A channel is a routing key of the one topic exchange."""
    binding = {"is": "routingKey", "exchange": EXCHANGE, "bindingVersion": BINDING}
    return {
        "address": kind.name,
        "messages": {identifier(kind): {"$ref": f"#/components/messages/{identifier(kind)}"}},
        "bindings": {"amqp": binding},
    }


def _message(kind: type[Event]) -> Json:
    return {
        "name": kind.name,
        "title": kind.__name__,
        "summary": summary(kind),
        "contentType": CONTENT_TYPE,
        "headers": headers(kind),
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "correlationId": {"location": "$message.header#/ce-correlationid"},
        "bindings": {"amqp": {"messageType": kind.name, "bindingVersion": BINDING}},
    }


def headers(kind: type[Event]) -> Json:
    """Return the schema of the headers that an envelope puts on this event's message."""
    own = {"ce-type": kind.name, "ce-source": kind.publisher}
    return {
        "type": "object",
        "properties": {
            name: {**schema, "const": own[name]} if name in own else schema
            for name, schema in HEADERS.items()
        },
        "required": [name for name in HEADERS if name not in OPTIONAL],
    }


def summary(kind: type[Event]) -> str:
    """Return the first paragraph of an event's docstring as one line."""
    assert kind.__doc__, f"{kind.__name__} has no docstring"
    return " ".join(kind.__doc__.split("\n\n")[0].split())


def _sent(kind: type[Event]) -> Json:
    delivery = {"deliveryMode": 2, "mandatory": True, "bindingVersion": BINDING}
    return {
        f"{_word(kind.publisher)}_sends_{identifier(kind)}": {
            "action": "send",
            "title": f"{kind.publisher} publishes {kind.name}",
            **_on(kind),
            "bindings": {"amqp": delivery},
        }
    }


def _received(kind: type[Event], consumer: str) -> Json:
    return {
        f"{_word(consumer)}_receives_{identifier(kind)}": {
            "action": "receive",
            "title": f"{consumer} consumes {kind.name} from its queue, {consumer}",
            **_on(kind),
            "bindings": {"amqp": {"ack": True, "bindingVersion": BINDING}},
        }
    }


def _on(kind: type[Event]) -> Json:
    channel = f"#/channels/{identifier(kind)}"
    return {
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{identifier(kind)}"}],
    }


def _word(service: str) -> str:
    return service.replace("-", "_")


def _schemas(kinds: list[type[Event]]) -> Json:
    _, found = models_json_schema(
        [(kind, "validation") for kind in kinds],
        ref_template="#/components/schemas/{model}",
        schema_generator=Plain,
    )
    schemas: Json = found["$defs"]
    return dict(sorted(schemas.items()))
