"""A bus in this process's memory, for tests: nothing survives the process."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

from shared.bus import BATCH_MAX, Delivery, PublishFailed, Receive
from shared.events import Message

RETRY_S = 0.05


class MemoryBus:
    """Queues in memory, with the same promises as the other buses as long as the process lives."""

    def __init__(self) -> None:
        self._bindings: dict[str, set[str]] = {}
        self._queues: dict[str, deque[Delivery]] = {}
        self._arrived: dict[str, asyncio.Event] = {}
        self._in_hand: dict[str, int] = {}
        self._consumers: list[asyncio.Task[None]] = []
        self._is_draining = False

    async def declare(self, topology: Mapping[str, Sequence[str]]) -> None:
        """Make sure that every queue exists and takes the named events."""
        for queue, names in topology.items():
            self._queues.setdefault(queue, deque())
            self._arrived.setdefault(queue, asyncio.Event())
            for name in names:
                self._bindings.setdefault(name, set()).add(queue)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Store the messages; raise PublishFailed for those that no queue takes."""
        failed: dict[int, str] = {}
        for index, message in enumerate(messages):
            queues = self._bindings.get(message.name)
            if not queues:
                failed[index] = f"no queue takes {message.name}"
                continue
            for queue in queues:
                self._queues[queue].append(Delivery(message))
                self._arrived[queue].set()
        if failed:
            raise PublishFailed(failed)

    async def subscribe(self, queue: str, receive: Receive) -> None:
        """Hand what arrives to `receive` in batches, until closed."""
        self._consumers.append(asyncio.create_task(self._consume(queue, receive)))

    async def check(self) -> None:
        """Return: memory always answers."""

    async def depth(self, queue: str) -> int:
        """Return how many messages wait or are being received."""
        return len(self._queues.get(queue, ())) + self._in_hand.get(queue, 0)

    async def drain(self) -> None:
        """Stop handing out; return when the batches in hand are done."""
        self._is_draining = True
        for arrived in self._arrived.values():
            arrived.set()
        # A drain that was cut short has cancelled them: the next one finds that, and goes on.
        await asyncio.gather(*self._consumers, return_exceptions=True)

    async def close(self) -> None:
        """Drain."""
        await self.drain()

    async def _consume(self, queue: str, receive: Receive) -> None:
        waiting, arrived = self._queues[queue], self._arrived[queue]
        while not self._is_draining:
            if not waiting:
                arrived.clear()
                await arrived.wait()
                continue
            batch = [waiting.popleft() for _ in range(min(len(waiting), BATCH_MAX))]
            self._in_hand[queue] = len(batch)
            try:
                await receive(batch)
            except Exception:  # noqa: BLE001 - a failed receive is delivered again
                waiting.extendleft(
                    Delivery(d.message, is_redelivered=True) for d in reversed(batch)
                )
                await asyncio.sleep(RETRY_S)
            finally:
                self._in_hand[queue] = 0
