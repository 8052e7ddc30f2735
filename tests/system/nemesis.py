"""The nemesis: kills, freezes, alarms, and faults on the wire, dealt like cards by a seed."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from shared.testing import eventually
from tests.processes import command_of, family_of, send
from tests.system.books import Books
from tests.system.dialects import Moment
from tests.system.patience import in_time
from tests.system.proxy import Proxy, Strike
from tests.system.stack import HEARTBEAT_S, LEASE_S, PARTS, Stack

WIRES = ("postgres", "rabbitmq")
STRIKES = 3
STRIKE_S_MAX = 180
SUCCESSOR_S_MAX = 180
DISK_FREE = {"too little": "1000000GB", "enough": "50MB"}
MOMENTS = {
    "a commit's answer lost": Moment.COMMITTED,
    "a confirm lost": Moment.CONFIRMED,
    "an acknowledgement lost": Moment.ACKNOWLEDGED,
}


@dataclass(frozen=True)
class Card:
    """A fault, and what it is done to."""

    kind: str
    victim: str

    @property
    def engine(self) -> str:
        """What is not to be hurt twice at a time."""
        return self.victim.removesuffix(" backend")


def deck() -> list[Card]:
    """Return every fault once for each victim it can have."""
    return [
        *(Card("kill -9", part) for part in (*PARTS, "postgres backend")),
        *(Card("freeze", part) for part in PARTS),
        Card("disk alarm", "rabbitmq"),
        *(Card(kind, wire) for kind in ("delay", "cut", "reset", "black hole") for wire in WIRES),
        Card("a commit's answer lost", "postgres"),
        Card("a confirm lost", "rabbitmq"),
        Card("an acknowledgement lost", "rabbitmq"),
    ]


def shuffled(chance: random.Random) -> list[Card]:
    """Return all cards in an order of chance."""
    cards = deck()
    chance.shuffle(cards)
    return cards


def short(chance: random.Random) -> list[Card]:
    """Return one card of each kind, of kills one of each engine besides, and the freeze that outlasts a lease."""
    cards = {card.kind: card for card in shuffled(chance)}
    wanted = {
        *cards.values(),
        Card("kill -9", "rabbitmq"),
        Card("kill -9", "postgres"),
        Card("freeze", "agent_runner"),
    }
    return [card for card in shuffled(chance) if card in wanted]


class Nemesis:
    """Plays cards against a stack; each play ends when the harm is over, and leaves the rest to the product."""

    def __init__(self, stack: Stack, books: Books, chance: random.Random) -> None:
        self._stack = stack
        self._books = books
        self._chance = chance
        self._plays: dict[str, Callable[[str], Awaitable[None]]] = {
            "kill -9": self._kill,
            "freeze": self._freeze,
            "disk alarm": self._alarm,
            "delay": self._delay,
            "cut": self._cut,
            "reset": self._reset,
            "black hole": self._black_hole,
        }

    async def play(self, card: Card) -> float:
        """Do the harm; return the moment at which it was over (of the monotonic clock)."""
        if card.kind in MOMENTS:
            await self._strike(MOMENTS[card.kind], self._wires(card.victim, all_of_them=True))
            return time.monotonic()
        at = time.monotonic()
        await self._plays[card.kind](card.victim)
        return at if card.kind == "kill -9" else time.monotonic()

    async def _kill(self, victim: str) -> None:
        """Kill a process; return when its successor runs."""
        part = victim.removesuffix(" backend")
        killed = self._stack.parts[part]
        pid = killed if part == victim else self._backend_of(killed)
        send(signal.SIGKILL, [pid], of=self._stack.launcher)

        async def has_successor() -> bool:
            return self._stack.parts.get(part, killed) != killed

        if part == victim:
            await eventually(has_successor, within_s=SUCCESSOR_S_MAX, what=f"a new {part}")

    def _backend_of(self, postgres: int) -> int:
        """Return a server process that works for one of the services."""
        backends = [pid for pid in family_of(postgres) if " impacter " in " ".join(command_of(pid))]
        return self._chance.choice(backends)

    async def _freeze(self, victim: str) -> None:
        """Stop a part, for longer than a lease or even than two heartbeats, or for a moment."""
        lengths = {
            "agent_runner": [2 * LEASE_S, 2 * LEASE_S + 2 * HEARTBEAT_S],
            "rabbitmq": [2, 8],
            "postgres": [2, 8],
        }
        if victim == "agent_runner":
            await self._until_it_works(self._stack.parts[victim])
        frozen = list(family_of(self._stack.parts[victim]))
        send(signal.SIGSTOP, frozen, of=self._stack.launcher)
        try:
            await asyncio.sleep(self._chance.choice(lengths.get(victim, [2, 2 + 2 * HEARTBEAT_S])))
        finally:
            send(signal.SIGCONT, frozen, of=self._stack.launcher)

    async def _until_it_works(self, agent_runner: int) -> None:
        """Return when an agent works in this process, so that there is an attempt to come too late."""
        owner = f"split_part(lease_owner, chr(58), 2) = '{agent_runner}'"
        held = f"SELECT 1 FROM runs WHERE state = 'running' AND {owner}"

        async def is_at_work() -> bool:
            try:
                return bool(await self._books.rows("agent_runner", held))
            except (OSError, DBAPIError):  # another fault's doing
                return False

        await in_time(is_at_work, what="a run")

    async def _alarm(self, _: str) -> None:
        """Have the broker find its disk full."""
        await self._stack.rabbitmqctl("set_disk_free_limit", DISK_FREE["too little"])
        try:
            await asyncio.sleep(self._chance.uniform(3, 8))
        finally:
            await self._stack.rabbitmqctl("set_disk_free_limit", DISK_FREE["enough"])

    async def _delay(self, victim: str) -> None:
        wires = self._wires(victim)
        for wire in wires:
            wire.delay_s = self._chance.uniform(0.05, 0.4)
        await asyncio.sleep(self._chance.uniform(3, 6))
        for wire in wires:
            wire.delay_s = 0

    async def _cut(self, victim: str) -> None:
        for wire in self._wires(victim):
            wire.cut()

    async def _reset(self, victim: str) -> None:
        for wire in self._wires(victim):
            wire.reset()

    async def _black_hole(self, victim: str) -> None:
        """Let nothing through for a while; then all that was held, or nothing of it ever."""
        wires, is_forgotten = self._wires(victim), self._chance.random() < 0.5
        moment, beyond_heartbeats = self._chance.uniform(3, 9), 5 * HEARTBEAT_S
        for wire in wires:
            wire.hold()
        await asyncio.sleep(self._chance.choice([moment, moment, beyond_heartbeats]))
        for wire in wires:
            if is_forgotten:
                wire.reset()
            wire.release()

    async def _strike(self, moment: Moment, wires: Iterable[Proxy]) -> None:
        """Strike some times at a moment that comes under load."""
        strikes = [Strike(moment, after=self._chance.randint(0, 12)) for _ in range(STRIKES)]
        for wire in wires:
            wire.strikes = strikes
        try:
            async with asyncio.timeout(STRIKE_S_MAX):
                await asyncio.gather(*(strike.struck.wait() for strike in strikes))
        finally:
            for wire in wires:
                wire.strikes = []

    def _wires(self, victim: str, *, all_of_them: bool = False) -> list[Proxy]:
        """Return the way to the broker; to a database, those of all services, or of one."""
        if victim == "rabbitmq":
            return [self._stack.broker]
        databases = list(self._stack.databases.values())
        is_for_all = all_of_them or self._chance.random() < 0.5
        return databases if is_for_all else [self._chance.choice(databases)]
