"""A broker in memory, and a bus to it for each life of a process.

It keeps what it stored. It delivers late, in any order and twice; it loses confirms and acknowledgements, and hangs up.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.bus import BATCH_MAX, BusUnavailable, Delivery, PublishFailed, Receive
from shared.events import Message
from tests.simulation.loop import LIFE, Life
from tests.simulation.world import World

PAUSE_S_MAX = 5.0


@dataclass(eq=False, slots=True)
class Entry:
    """A message in a queue; `holder` is the bus that handed it out, if any."""

    message: Message
    is_here: bool = False
    holder: "SimulatedBus | None" = None
    was_handed_out: bool = False

    def __str__(self) -> str:
        return f"{self.message.name} {self.message.headers.get('ce-id')}"


class Broker:
    """Queues that survive every process."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.queues: dict[str, list[Entry]] = {}
        self.stored: dict[str, str] = {}
        self._bindings: dict[str, list[str]] = {}
        self._hungry: dict[str, list[asyncio.Future[None]]] = {}
        self._buses: dict[Life | None, list[SimulatedBus]] = {}
        world.on_death.append(self.cut)

    @property
    def is_empty(self) -> bool:
        return not any(self.queues.values())

    def bind(self, topology: Mapping[str, Sequence[str]]) -> None:
        """Make queues and bindings; what is there already stays."""
        for queue, names in topology.items():
            self.queues.setdefault(queue, [])
            for name in names:
                if queue not in self._bindings.setdefault(name, []):
                    self._bindings[name].append(queue)

    def join(self, bus: "SimulatedBus") -> None:
        """Know a bus by the life that it belongs to."""
        self._buses.setdefault(bus.life, []).append(bus)

    def store(self, message: Message) -> bool:
        """Keep a message for every queue that takes it; tell whether one does."""
        queues = self._bindings.get(message.name, [])
        for queue in queues:
            copies = 2 if self.world.happens(self.world.faults.delivered_twice) else 1
            for _ in range(copies):
                self._put(queue, Entry(message))
        if queues:
            self.stored[str(message.headers.get("ce-id"))] = message.name
        return bool(queues)

    def hand_out(self, queue: str, bus: "SimulatedBus") -> list[Entry]:
        """Return some of what has arrived, in any order."""
        waiting = [entry for entry in self.queues[queue] if entry.is_here and not entry.holder]
        if not waiting:
            return []
        self.world.chance.shuffle(waiting)
        batch = waiting[: self.world.chance.randint(1, min(len(waiting), BATCH_MAX))]
        for entry in batch:
            entry.holder = bus
        return batch

    async def arrival(self, queue: str) -> None:
        """Return when it is worth looking again."""
        arrived = self.world.loop.create_future()
        self._hungry.setdefault(queue, []).append(arrived)
        await arrived

    def forget(self, queue: str, batch: Sequence[Entry], bus: "SimulatedBus") -> None:
        """Drop what was acknowledged, as far as it is still in these hands."""
        done = {id(entry) for entry in batch if entry.holder is bus}
        self.queues[queue] = [entry for entry in self.queues[queue] if id(entry) not in done]

    def cut(self, life: Life) -> None:
        """Hang up on a process: what it had in hand will be handed out again."""
        for bus in self._buses.get(life, []):
            self.take_back(bus)

    def take_back(self, bus: "SimulatedBus") -> None:
        """Take back what a bus has in hand."""
        for entries in self.queues.values():
            for entry in entries:
                if entry.holder is bus:
                    entry.holder, entry.was_handed_out = None, True
        self.feed()

    def feed(self) -> None:
        """Let everybody look who waits for something to arrive."""
        hungry, self._hungry = self._hungry, {}
        for arrivals in hungry.values():
            for arrived in arrivals:
                if not arrived.done():
                    arrived.set_result(None)

    def _put(self, queue: str, entry: Entry) -> None:
        def arrive() -> None:
            entry.is_here = True
            self.feed()

        self.queues[queue].append(entry)
        self.world.later(self.world.latency(), arrive)


class SimulatedBus:
    """The bus of one life of a process."""

    def __init__(self, broker: Broker) -> None:
        self.life = LIFE.get()
        self._broker = broker
        self._world = broker.world
        self._is_draining = False
        self._consumers: list[asyncio.Task[None]] = []
        broker.join(self)

    async def declare(self, topology: Mapping[str, Sequence[str]]) -> None:
        """Make sure that every queue exists and takes the named events."""
        self._broker.bind(topology)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return once every message is stored; raise PublishFailed for those that may not be."""
        await self._world.travel(self.life)
        if self._world.happens(self._world.faults.publish_refused):
            raise BusUnavailable
        failed = {}
        for index, message in enumerate(messages):
            self._world.say(self.life, "publishes", str(Entry(message)))
            if not self._broker.store(message):
                failed[index] = f"no queue takes {message.name}"
            elif self._world.happens(self._world.faults.confirm_lost):
                failed[index] = "its confirm was lost"
        await self._world.travel(self.life)
        if failed:
            raise PublishFailed(failed)

    async def subscribe(self, queue: str, receive: Receive) -> None:
        """Hand what arrives to `receive` in batches, until closed."""
        self._consumers.append(asyncio.create_task(self._consume(queue, receive)))

    async def check(self) -> None:
        """Return: it always answers."""

    async def depth(self, queue: str) -> int:
        """Return how many messages wait or are being received."""
        return len(self._broker.queues.get(queue, ()))

    async def drain(self) -> None:
        """Stop handing out; return when the batches in hand are done."""
        self._is_draining = True
        self._broker.feed()
        # A drain that was cut short has cancelled them: the next one finds that, and goes on.
        await asyncio.gather(*self._consumers, return_exceptions=True)

    async def close(self) -> None:
        """Drain."""
        await self.drain()

    async def _consume(self, queue: str, receive: Receive) -> None:
        while not self._is_draining:
            batch = self._broker.hand_out(queue, self)
            if not batch:
                await self._broker.arrival(queue)
            elif await self._is_received(batch, receive):
                self._acknowledge(queue, batch)
                await self._world.travel(self.life)

    def _acknowledge(self, queue: str, batch: Sequence[Entry]) -> None:
        if self._world.happens(self._world.faults.ack_lost):
            self._broker.take_back(self)
        else:
            self._broker.forget(queue, batch, self)

    async def _is_received(self, batch: Sequence[Entry], receive: Receive) -> bool:
        """Have a batch received, again and again for as long as it is in hand; tell whether it was."""
        names = ", ".join(map(str, batch))
        deliveries = [
            Delivery(entry.message, is_redelivered=entry.was_handed_out) for entry in batch
        ]
        failures = 0
        while all(entry.holder is self for entry in batch):
            self._world.say(self.life, "receives", names)
            try:
                await receive(deliveries)
            except Exception as flaw:  # noqa: BLE001 - a failed receive is tried again
                self._world.say(self.life, "receive failed", repr(flaw))
                failures += 1
            else:
                return True
            if self._is_draining:
                self._broker.take_back(self)
                return False
            await asyncio.sleep(min(0.1 * 2**failures, PAUSE_S_MAX))
        return False
