"""The worlds in which a promise was once broken."""

from collections.abc import Iterator
from pathlib import Path

from tests.simulation.runner import Task

FILE = Path(__file__).with_name("kept_seeds.txt")


def kept() -> Iterator[Task]:
    """Yield the worlds that are kept, oldest first."""
    for line in FILE.read_text().splitlines():
        words = dict(word.split("=") for word in line.partition("#")[0].split())
        if words:
            at = words.get("AT")
            yield Task(
                int(words.get("SEED", 1)),
                words.get("JOURNEY"),
                int(at) if at else None,
                mix=words.get("MIX", "all"),
            )
