"""The seam to whatever carries events between services: RabbitMQ, PostgreSQL, or memory.

Promised by each of the three, and held by one conformance suite (`tests/conformance/test_bus.py`):

- what `publish` returned for is kept, over a kill -9 of any process and of the bus, until it was received;
- an event goes to every queue that the declared topology names for it; one that goes to none raises;
- a delivery counts as received when `receive` returns; otherwise it comes again (at least once);
- no order; a slow queue does not hold up another.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.events import Message

BATCH_MAX = 200
DEAD = ".dead"


def dead_queue(queue: str) -> str:
    """Return the name of the queue that takes what the broker gave up delivering to `queue`."""
    return f"{queue}{DEAD}"


class PublishFailed(Exception):
    """Some messages of a batch were not confirmed: `reasons` by their index in the batch.

    An unconfirmed message may have been stored all the same: publish it again, consumers drop duplicates.
    """

    def __init__(self, reasons: Mapping[int, str]) -> None:
        super().__init__(f"{len(reasons)} not confirmed: {next(iter(reasons.values()), '')}")
        self.reasons = reasons


class BusUnavailable(Exception):
    """The bus does not answer, or a subscription is not being served."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message handed to a consumer; `is_redelivered` when it was handed out before."""

    message: Message
    is_redelivered: bool = False


Receive = Callable[[Sequence[Delivery]], Awaitable[None]]


class Bus(Protocol):
    """Carries messages from services to queues."""

    async def declare(self, topology: Mapping[str, Sequence[str]]) -> None:
        """Make sure that every queue exists and takes the named events; what is there already stays."""
        ...

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return once every message is stored in every queue that takes it; raise PublishFailed otherwise."""
        ...

    async def subscribe(self, queue: str, receive: Receive) -> None:
        """Hand what arrives in the queue to `receive` in batches, one batch at a time, until closed.

        A batch is what has arrived, at most BATCH_MAX; it never waits to fill. Where `receive` raises, the
        same batch is handed out again after a pause.
        """
        ...

    async def check(self) -> None:
        """Return when connected and every subscription is served; raise BusUnavailable otherwise."""
        ...

    async def depth(self, queue: str) -> int:
        """Return how many messages wait in a queue or are being received."""
        ...

    async def drain(self) -> None:
        """Stop handing out; return when the batches in hand are done."""
        ...

    async def close(self) -> None:
        """Drain and disconnect."""
        ...
