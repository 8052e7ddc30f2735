"""Events in: which function of a service answers which event.

handlers = Handlers("billing")

@handlers.on(TaskCreated)
async def admit_task(event: TaskCreated, tx: Tx) -> None: ...

@handlers.on_many(PaymentCompleted)
async def grant_payments(received: Sequence[Received[PaymentCompleted]], tx: Tx) -> None: ...
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared import metrics
from shared.db import Tx
from shared.events import Envelope, Event

EventT = TypeVar("EventT", bound=Event)


@dataclass(frozen=True, slots=True)
class Received(Generic[EventT]):
    """An event with the envelope it came in; publish answers under `tx.answering(envelope)`."""

    event: EventT
    envelope: Envelope


One = Callable[[EventT, Tx], Awaitable[None]]
Many = Callable[[Sequence[Received[EventT]], Tx], Awaitable[None]]


class Handlers:
    """The handlers of one service, by event name; each event has one."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._by_name: dict[str, Many[Any]] = {}

    @property
    def names(self) -> frozenset[str]:
        """The names of the events that are answered."""
        return frozenset(self._by_name)

    def copy(self) -> "Handlers":
        """Return these handlers, to be added to without changing them."""
        others = Handlers(self.service)
        others._by_name = dict(self._by_name)
        return others

    def on(self, kind: type[EventT]) -> Callable[[One[EventT]], One[EventT]]:
        """Let the function answer events of this kind, one at a time."""

        def register(function: One[EventT]) -> One[EventT]:
            async def each(received: Sequence[Received[EventT]], tx: Tx) -> None:
                for item in received:
                    with tx.answering(item.envelope):
                        await function(item.event, tx)

            self._enter(kind, each)
            return function

        return register

    def on_many(self, kind: type[EventT]) -> Callable[[Many[EventT]], Many[EventT]]:
        """Let the function answer a batch of events of this kind with set-based statements."""

        def register(function: Many[EventT]) -> Many[EventT]:
            self._enter(kind, function)
            return function

        return register

    async def answer(self, received: Sequence[Received[Any]], tx: Tx) -> None:
        """Have a batch answered in the order it came, runs of the same kind together."""
        for run in _runs(received):
            name = run[0].envelope.name
            with metrics.handling(self.service, name, len(run)):
                await self._by_name[name](run, tx)

    def _enter(self, kind: type[Event], function: Many[Any]) -> None:
        assert kind.name not in self._by_name, f"{self.service} answers {kind.name} twice"
        assert self.service in kind.consumers, f"{kind.name} does not name {self.service}"
        self._by_name[kind.name] = function


def _runs(received: Sequence[Received[Any]]) -> list[list[Received[Any]]]:
    runs: list[list[Received[Any]]] = []
    for item in received:
        if runs and runs[-1][0].envelope.name == item.envelope.name:
            runs[-1].append(item)
        else:
            runs.append([item])
    return runs
