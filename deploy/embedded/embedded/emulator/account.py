"""One emulated account: its store, its time, and the transactions in which everything about it changes."""

import asyncio
import os
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from embedded.emulator import deliveries
from embedded.emulator.deliveries import Courier, Http, Network
from embedded.emulator.store import Store, Tables
from embedded.emulator.tx import ALPHABET, Cause, Rules, Surroundings, Tx
from shared.clock import Clock, Entropy, SystemClock
from shared.workers import Loop

T = TypeVar("T")

OFFSET = "clock.offset"
POLL_S = 1.0


class Account:
    """`clock` is the true time; the account's own is ahead of it by an offset that is kept in the store."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        *,
        secret_key: str,
        origin: str,
        clock: Clock | None = None,
        entropy: Entropy = os.urandom,
        network: Network | None = None,
    ) -> None:
        self.store = store
        self.secret_key = secret_key
        self.origin = origin
        self._rules = rules
        self._clock = clock or SystemClock()
        self._draw = entropy
        self._network = network or Http()
        chance = random.Random(entropy(8))  # noqa: S311 - it spreads retries
        self.courier = Courier(self.do, self._network, self.real, chance)
        self.webhooks = Loop("stripe webhooks", self.courier.work_once, poll_s=POLL_S)
        self.time = Loop("stripe time", self.work_once, poll_s=POLL_S)

    def real(self) -> float:
        """Return the true time."""
        return self._clock.now().timestamp()

    def request_id(self) -> str:
        """Return the id of a request."""
        return "req_" + "".join(ALPHABET[byte % len(ALPHABET)] for byte in self._draw(14))

    async def do(self, work: Callable[[Tx], T], cause: Cause | None = None) -> T:
        """Do this in one transaction, with a delivery for each event that it emits."""
        told = 0

        def whole(tables: Tables) -> T:
            nonlocal told
            tx = self._begin(tables, cause or Cause())
            result = work(tx)
            told = deliveries.enqueue(tx)
            return result

        result = await self.store.run(whole)
        if told:
            self.webhooks.wake()
        return result

    async def now(self) -> int:
        """Return the account's time."""
        return await self.do(lambda tx: tx.now)

    async def work_once(self) -> bool:
        """Do the first thing whose time has come; tell whether there was one."""
        return await self.do(lambda tx: _do_due(tx, tx.now, pin=False)) is not None

    async def advance_to(self, moment: int) -> int:
        """Let the account's time go on to this moment, with all that comes due on the way; return how much did."""
        count = 0
        while await self.do(lambda tx: _do_due(tx, moment, pin=True)) is not None:
            count += 1
            await asyncio.sleep(0)
        await self.do(lambda tx: _set_time(tx, moment))
        return count

    async def run(self) -> None:
        """Deliver webhooks and do what comes due, for ever."""
        async with asyncio.TaskGroup() as group:
            loops: list[Callable[[], Awaitable[None]]] = [self.webhooks.run, self.time.run]
            for loop in loops:
                group.create_task(_forever(loop))

    async def close(self) -> None:
        """Let go of the store and of the network."""
        if isinstance(self._network, Http):
            await self._network.close()
        await self.store.close()

    def _begin(self, tables: Tables, cause: Cause) -> Tx:
        around = Surroundings(
            tables.fact("account"), self.origin, self._rules, self.real, self._draw
        )
        now = int(self.real()) + int(tables.fact(OFFSET, "0"))
        return Tx(tables, around, now, cause)


async def _forever(loop: Callable[[], Awaitable[None]]) -> None:
    await loop()


def _do_due(tx: Tx, until: int, *, pin: bool) -> int | None:
    """Do the first thing that is due until then; pinned, at its own time, which is the account's from then on."""
    row = tx.tables.execute(
        "SELECT * FROM due WHERE at <= ? ORDER BY at, seq LIMIT 1", (until,)
    ).fetchone()
    if row is None:
        return None
    tx.tables.execute("DELETE FROM due WHERE seq = ?", (row["seq"],))
    if pin and row["at"] > tx.now:
        _set_time(tx, row["at"])
    tx.around.rules.jobs[row["job"]](tx, row["subject"])
    return int(row["at"])


def _set_time(tx: Tx, moment: int) -> None:
    """Set the account's time; it never goes back."""
    if moment > tx.now:
        tx.tables.know(OFFSET, str(int(tx.tables.fact(OFFSET, "0")) + moment - tx.now))
        tx.now = moment
