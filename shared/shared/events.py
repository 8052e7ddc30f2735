"""Events: facts in the past tense, declared once, carried in an envelope.

An event class names itself, its publisher and its consumers; the catalog of all of them is what the buses
declare as topology, what `docs/events.md` is generated from, and what tests hold the services against.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from typing_extensions import override

CATALOG: dict[str, type["Event"]] = {}

CONTENT_TYPE = "application/json"
SPEC_VERSION = "1.0"
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Event(BaseModel):
    """A fact that one service publishes and others answer; unknown fields are ignored by readers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: ClassVar[str]
    publisher: ClassVar[str]
    consumers: ClassVar[tuple[str, ...]]

    @override
    def __init_subclass__(
        cls, *, name: str, publisher: str, consumers: tuple[str, ...], **options: Any
    ) -> None:
        """Enter the class into the catalog under its name, `noun.happened.vN`."""
        super().__init_subclass__(**options)
        assert name not in CATALOG, f"{name} is declared twice"
        cls.name, cls.publisher, cls.consumers = name, publisher, consumers
        CATALOG[name] = cls


class CannotDecode(Exception):
    """A message that is not one of our events; it is parked with its bytes."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a bus carries: a routing name, text headers and a body of bytes."""

    name: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event on its way: the CloudEvents attributes, and which action and event led to it.

    `correlation_id` is one per user action; `causation_id` is the id of the event that was answered, None
    for an action of a person or a clock; `(source, id)` tells duplicates.
    """

    id: UUID
    name: str
    source: str
    time: datetime
    correlation_id: UUID
    causation_id: UUID | None
    body: bytes
    traceparent: str | None = None

    def open(self) -> Event:
        """Return the event; raise CannotDecode for an unknown name or a body that does not fit."""
        kind = CATALOG.get(self.name)
        if kind is None:
            message = f"no event is called {self.name!r}"
            raise CannotDecode(message)
        try:
            return kind.model_validate_json(self.body)
        except (ValidationError, ValueError) as flaw:
            raise CannotDecode(_without_input(flaw)) from None

    def to_message(self) -> Message:
        """Return the message a bus carries, with the CloudEvents binding's `ce-` headers."""
        headers = {
            "ce-id": str(self.id),
            "ce-type": self.name,
            "ce-source": self.source,
            "ce-specversion": SPEC_VERSION,
            "ce-time": self.time.isoformat(),
            "ce-correlationid": str(self.correlation_id),
        }
        if self.causation_id is not None:
            headers["ce-causationid"] = str(self.causation_id)
        if self.traceparent is not None:
            headers["traceparent"] = self.traceparent
        return Message(name=self.name, headers=headers, body=self.body)

    @classmethod
    def from_message(cls, message: Message) -> "Envelope":
        """Return the envelope; raise CannotDecode where a header is missing or malformed."""
        headers = message.headers
        try:
            cause = headers.get("ce-causationid")
            return cls(
                id=UUID(headers["ce-id"]),
                name=headers["ce-type"],
                source=headers["ce-source"],
                time=datetime.fromisoformat(headers["ce-time"]),
                correlation_id=UUID(headers["ce-correlationid"]),
                causation_id=UUID(cause) if cause else None,
                body=message.body,
                traceparent=traceparent_of(headers.get("traceparent")),
            )
        except KeyError as missing:
            reason = f"the header {missing} is missing"
            raise CannotDecode(reason) from None
        except ValueError as flaw:
            reason = f"a header is malformed: {flaw}"
            raise CannotDecode(reason) from None


def traceparent_of(text: str | None) -> str | None:
    """Return the text if it is a W3C traceparent; one that is not counts as none, and is never an error."""
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def topology() -> dict[str, list[str]]:
    """Return which event names each consumer's queue takes, from the catalog."""
    queues: dict[str, list[str]] = {}
    for name, kind in sorted(CATALOG.items()):
        for consumer in kind.consumers:
            queues.setdefault(consumer, []).append(name)
    return queues


def _without_input(flaw: ValueError) -> str:
    """Say where a body does not fit without repeating what it holds."""
    if not isinstance(flaw, ValidationError):
        return "the body is not JSON"
    places = (
        ".".join(str(part) for part in error["loc"]) + ": " + error["msg"]
        for error in flaw.errors(include_input=False, include_url=False)
    )
    return "; ".join(places)
