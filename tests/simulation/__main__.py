"""`make simulate`: any number of worlds, after those in which a promise was once broken; or one again with its trace.

make simulate SEEDS=10000
make simulate SEED=17
make simulate SEED=17 MIX=work
make simulate JOURNEY=one_task AT=33
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing

from tests.simulation.journeys import MIXES
from tests.simulation.kept import kept
from tests.simulation.runner import Task, described, running

PROGRESS_S = 10


def main() -> None:
    """Read what is asked for, run it, and exit with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="one seed alone, with its trace")
    parser.add_argument("--mix", choices=MIXES, default="all", help="what is lived through")
    parser.add_argument("--journey", help="one journey alone, without other faults")
    parser.add_argument("--at", type=int, help="the event at which its process is killed")
    parser.add_argument("--mutant", help="a fault to plant")
    parser.add_argument("--jobs", type=int, default=2, help="worker processes")
    options = parser.parse_args()
    if options.seed is not None or options.journey is not None:
        task = Task(
            options.seed or 1, options.journey, options.at, options.mutant, None, options.mix
        )
        sys.exit(asyncio.run(_one(task)))
    seeds = range(options.first, options.first + options.seeds)
    asked = [Task(seed, mutant=options.mutant, mix=options.mix) for seed in seeds]
    tasks = asked if options.mutant else [*kept(), *asked]
    sys.exit(asyncio.run(_many(tasks, options.jobs)))


async def _one(task: Task) -> int:
    async with running(jobs=1) as runner:
        result = await runner.result(task)
    if result.violations:
        _print(described(task, result))
    else:
        lines = [f"    {line}" for line in result.lines]
        kept = f"{task}: every promise was kept; {result.points} events, trace {result.trace}"
        _print("\n".join([*lines, kept]))
    return int(bool(result.violations))


async def _many(tasks: Sequence[Task], jobs: int) -> int:
    began_at, told_at, failed = time.monotonic(), time.monotonic(), 0
    worlds = journeys = deaths = 0
    async with running(jobs) as runner, aclosing(runner.results(tasks)) as results:
        async for task, result in results:
            worlds += 1
            journeys += result.journeys
            deaths += result.deaths
            if result.violations:
                failed += 1
                _print(described(task, result))
            if time.monotonic() - told_at > PROGRESS_S or worlds == len(tasks):
                told_at = time.monotonic()
                _print(
                    f"{worlds} of {len(tasks)} worlds, {journeys} journeys, {deaths} deaths,"
                    f" {failed} failed, {told_at - began_at:.0f} s"
                )
    return int(bool(failed))


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - it is a command


if __name__ == "__main__":
    main()
