"""Time and chance, so that a test can own both."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol
from uuid import UUID

Entropy = Callable[[int], bytes]


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return this moment, aware, in UTC."""
        return datetime.now(UTC)


def first_id(moment: datetime) -> UUID:
    """Return the id that sorts before every UUIDv7 made from this moment on."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


class Ids:
    """Makes ids that sort by time (UUIDv7, RFC 9562) and secrets nobody can guess."""

    def __init__(self, clock: Clock | None = None, entropy: Entropy = os.urandom) -> None:
        self._clock = clock or SystemClock()
        self._entropy = entropy

    def new(self) -> UUID:
        """Return a UUIDv7: 48 bits of milliseconds, then 74 bits of chance."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        chance = int.from_bytes(self._entropy(10), "big")
        value = (milliseconds & ((1 << 48) - 1)) << 80
        value |= 0x7 << 76 | (chance >> 64 & 0xFFF) << 64
        value |= 0b10 << 62 | (chance & ((1 << 62) - 1))
        return UUID(int=value)

    def secret(self) -> str:
        """Return 256 bits of chance as 64 hexadecimal digits."""
        return self._entropy(32).hex()
