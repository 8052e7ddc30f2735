"""How often one client may ask: nginx's leaky buckets, for the process that has no nginx before it.

`limits.conf` says the same to nginx. Who asks too often is refused with 429 and may come back in a second.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared import networks

CLIENTS_MAX: Final = 20_000
RETRY_AFTER_S: Final = 1
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
STRIPES: Final = ("/api/webhooks/", "/api/stripe/webhook")
EMULATED: Final = (
    "/emulator/stripe/"  # asked by billing, as Stripe's own would be, and by nobody outside
)
KEEPING_SIGNED_IN: Final = ("/api/auth/refresh", "/api/auth/logout")


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket that `per_s` requests leave each second, and that holds `burst` of them."""

    per_s: float
    burst: int


LIMITS: Final[Mapping[str, Limit]] = {
    "all": Limit(per_s=100, burst=400),
    "writes": Limit(per_s=10, burst=50),
    "entrance": Limit(per_s=1, burst=30),  # passwords and mails cost more than anything else
    "webhooks": Limit(per_s=500, burst=2000),  # Stripe's, which come together and must not be lost
}


def kinds(method: str, path: str) -> Iterator[str]:
    """Yield the limits that a request counts against."""
    if path.startswith(EMULATED):
        return
    if method not in READING and path.startswith(STRIPES):
        yield "webhooks"
        return
    yield "all"
    if method not in READING:
        yield "writes"
        if path.startswith("/api/auth/") and path not in KEEPING_SIGNED_IN:
            yield "entrance"


def multiplied(factor: float) -> dict[str, Limit]:
    """Return the limits so many times as wide; none for a factor of 0."""
    if factor == 0:
        return {}
    return {
        name: Limit(limit.per_s * factor, int(limit.burst * factor))
        for name, limit in LIMITS.items()
    }


class Limits:
    """Counts the requests of each client; whoever was not seen for longest is forgotten first."""

    def __init__(
        self,
        limits: Mapping[str, Limit] = LIMITS,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._now = now
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def admit(self, method: str, path: str, client: str) -> bool:
        """Count a request, and tell whether it may pass; one that may not is not counted."""
        now, who = self._now(), networks.subscriber(client)
        filled = {}
        for name in kinds(method, path):
            if name in self._limits:
                level = self._level(name, who, now)
                if level > self._limits[name].burst:
                    return False
                filled[name, who] = (level, now)
        for key, bucket in filled.items():
            self._buckets[key] = bucket
            self._buckets.move_to_end(key)
        while len(self._buckets) > CLIENTS_MAX:
            self._buckets.popitem(last=False)
        return True

    def _level(self, name: str, who: str, now: float) -> float:
        """Return how full a bucket is with one more request in it; the first one leaves at once."""
        if (name, who) not in self._buckets:
            return 0
        level, then = self._buckets[name, who]
        return max(level - self._limits[name].per_s * (now - then) + 1, 0)
