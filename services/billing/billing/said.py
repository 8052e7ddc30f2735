"""What Stripe says of an object: told by an event, or fetched because no event told of it."""

from collections.abc import Iterable
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar

from billing.shapes import Shape
from shared.db import Tx
from shared.events import Event
from shared.tracing import Origin

ShapeT = TypeVar("ShapeT", bound=Shape)

FETCHED: Final = "fetched"
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Said(Generic[ShapeT]):
    """What was said of an object, by which type of event, when, and in which circumstances.

    What was fetched was said by no event: it is as Stripe has it now.
    """

    object: ShapeT
    type: str = FETCHED
    at: datetime = LONG_AGO
    event_id: str = ""
    context: Context | None = None

    @property
    def is_fetched(self) -> bool:
        """Whether Stripe was asked, so that nothing it said before is later."""
        return self.type == FETCHED

    @property
    def moment(self) -> tuple[datetime, str]:
        """What orders two events of one object."""
        return (self.at, self.event_id)

    def publish(self, tx: Tx, event: Event) -> None:
        """Publish what comes of it as a part of the request that said it."""
        if self.context is None:
            tx.publish(event)
        else:
            self.context.run(tx.publish, event)

    def origin(self, tx: Tx) -> Origin:
        """Return the action that what comes of it belongs to."""
        return tx.origin if self.context is None else self.context.run(lambda: tx.origin)


@dataclass(frozen=True, slots=True)
class Came:
    """What came of it, in words for the record, and whether anything changed."""

    of_it: str
    is_news: bool = False


def in_order(said: Iterable[Said[ShapeT]]) -> list[Said[ShapeT]]:
    """Return what was said in the order of its events."""
    return sorted(said, key=lambda item: item.moment)
