"""What a bench is: prepared once, then measured in rounds, between which come the rounds of others.

    @asynccontextmanager
    async def webhook(stage: Stage, effort: Effort) -> AsyncIterator[Once]: ...

Whatever disturbs the machine for a while hits all that is compared with each other.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.stage import Stage

Samples = Mapping[str, float]
Once = Callable[[], Awaitable[Samples]]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much of everything a run does; more of it is steadier and takes longer."""

    rounds: int = 3
    events: int = 10_000
    peer_events: int = 4_000
    requests: int = 15_000
    single_requests: int = 200
    streams: int = 5_000
    ledger_rows: int = 10_000_000
    outbox_rows: int = 1_000_000
    seconds: float = 4
    profiles: Path | None = None


SHORT = Effort(
    rounds=2,
    events=4_000,
    peer_events=1_500,
    requests=5_000,
    single_requests=60,
    streams=2_000,
    ledger_rows=300_000,
    outbox_rows=300_000,
    seconds=3,
)
TINY = Effort(
    rounds=1,
    events=1_500,
    peer_events=200,
    requests=200,
    single_requests=10,
    streams=20,
    ledger_rows=20_000,
    outbox_rows=3_000,
    seconds=0.3,
)

Bench = Callable[[Stage, Effort], AbstractAsyncContextManager[Once]]


class Figures:
    """What was measured: every round's sample of every figure."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = {}

    def add(self, samples: Samples) -> None:
        """Take the samples of one round."""
        for name, value in samples.items():
            self.samples.setdefault(name, []).append(value)

    def has(self, name: str) -> bool:
        """Tell whether the figure was measured."""
        return name in self.samples

    def value(self, name: str) -> float:
        """Return the median of a figure's rounds."""
        return median(self.samples[name])

    def spread(self, name: str) -> tuple[float, float]:
        """Return the lowest and the highest of a figure's rounds."""
        return min(self.samples[name]), max(self.samples[name])
