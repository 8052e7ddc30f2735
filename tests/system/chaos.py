"""Chaos: the distributed product under customers and a nemesis, then healed, at rest, and audited.

    python -m tests.system.chaos --minutes 30 --seed 7

The seed chooses the faults, their order and length, and what customers do; not how the processes interleave.
"""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import pairwise
from pathlib import Path

from tests.folders import temporary_folder
from tests.system.books import Books, audit, logged, rest
from tests.system.load import Crowd, spoiled, told
from tests.system.nemesis import Card, Nemesis, short, shuffled
from tests.system.patience import Patient, patiently
from tests.system.report import Fault, Report
from tests.system.stack import Stack, running_stack

CUSTOMERS = 3
CALM_PROBES = 3
REPORTS = Path(__file__).parents[2] / "reports"


def say(text: str) -> None:
    """Tell whoever watches."""
    print(text, flush=True)  # noqa: T201


async def chaos(folder: Path, *, seed: int, minutes: float | None = None) -> Report:
    """Run chaos in a folder: each kind of fault once, or all of them again and again for some minutes."""
    say(f"chaos: SEED={seed}")
    report, chance = Report(seed), random.Random(seed)
    began_at = time.monotonic()
    async with AsyncExitStack() as ending:
        stack = await ending.enter_async_context(running_stack(folder))
        books, transport = Books(folder), Patient()
        ending.push_async_callback(books.close)
        patient = await ending.enter_async_context(patiently(stack.product, transport))
        crowd = Crowd(patient, seed=seed, size=CUSTOMERS)
        async with asyncio.TaskGroup() as group:
            group.create_task(crowd.run())
            until = None if minutes is None else time.monotonic() + 60 * minutes
            nemesis = Nemesis(stack, books, chance)
            await _torment(stack, crowd, nemesis, report, _plays(chance, until))
            crowd.stop()
        say("healed; waiting for rest")
        await rest(books, stack.queues)
        report.audit = await audit(books, stack.queues, crowd.journeys)
        report.journeys, report.told = len(crowd.journeys), told(crowd.journeys)
        report.spoiled = spoiled(crowd.journeys)
        report.answers = dict(transport.answers)
    report.troubles = _troubles(folder / "logs")
    report.seconds = time.monotonic() - began_at
    return report


async def _torment(
    stack: Stack, crowd: Crowd, nemesis: Nemesis, report: Report, plays: Iterator[list[Card]]
) -> None:
    """Probe the calm product, then play card after card, each when the product is well again."""
    for _ in range(CALM_PROBES):
        report.probes_s.append(await _well_again(stack, crowd, time.monotonic()))
    for cards in plays:
        at = time.monotonic()
        over_at = max(await asyncio.gather(*(nemesis.play(card) for card in cards)))
        recovered_s = await _well_again(stack, crowd, over_at)
        fault = _fault(cards, lasted_s=over_at - at, recovered_s=recovered_s)
        report.faults.append(fault)
        names = " and ".join(f"{card.kind}: {card.victim}" for card in cards)
        say(f"{names}; lasted {fault.lasted_s:.1f} s, recovered after {recovered_s:.1f} s")


def _plays(chance: random.Random, until: float | None) -> Iterator[list[Card]]:
    """Yield the cards to play: the short hand, or the whole deck, then now and then two at once."""
    if until is None:
        yield from ([card] for card in short(chance))
        return
    yield from _before(until, ([card] for card in shuffled(chance)))
    while time.monotonic() < until:
        cards = shuffled(chance)
        pairs = (
            [one, other] if one.engine != other.engine and chance.random() < 0.3 else [one]
            for one, other in pairwise(cards)
        )
        yield from _before(until, pairs)


def _before(until: float, plays: Iterator[list[Card]]) -> Iterator[list[Card]]:
    for cards in plays:
        if time.monotonic() > until:
            return
        yield cards


def _fault(cards: list[Card], *, lasted_s: float, recovered_s: float) -> Fault:
    if len(cards) > 1:
        return Fault("two at once", "", lasted_s, recovered_s)
    return Fault(cards[0].kind, cards[0].victim, lasted_s, recovered_s)


async def _well_again(stack: Stack, crowd: Crowd, since: float) -> float:
    """Return how long it took until all was ready and a new customer's whole journey went well."""
    await stack.product.ready()
    await crowd.probe()
    return time.monotonic() - since


def _troubles(logs: Path) -> dict[str, int]:
    """Count what was logged as an error, by who said what."""
    return dict(
        Counter(
            f"{file.stem}: {line['event'].partition(':')[0].strip()}"
            for file in logs.glob("*.log")
            for line in logged([file])
            if line.get("level") in ("error", "critical")
        )
    )


def _keep(folder: Path, logs: Path) -> None:
    """Keep what the processes have written, for whoever wants to know why."""
    logs.mkdir(parents=True, exist_ok=True)
    for file in (*folder.glob("*.log"), *folder.glob("logs/*.log")):
        shutil.copy(file, logs)


def main() -> None:
    """Run chaos for as long as the command line says, and write its report."""
    parser = argparse.ArgumentParser(description="Chaos with real processes.")
    parser.add_argument("--minutes", type=float, help="how long; without it each kind once")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--reports", type=Path, default=REPORTS, help="where the report goes")
    told_to = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))  # end what was started
    with temporary_folder("chaos") as folder:
        try:
            report = asyncio.run(chaos(folder, seed=told_to.seed, minutes=told_to.minutes))
        finally:
            logs = told_to.reports / f"chaos-{told_to.seed}-logs"
            _keep(folder, logs)
    path = report.write(told_to.reports)
    say(f"{report.as_markdown()}\nreport: {path} (and .json); logs: {logs}")
    if report.audit.flaws:
        sys.exit(1)


if __name__ == "__main__":
    main()
