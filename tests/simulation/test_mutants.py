"""The test of the test: faults planted into the product are found."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace

import pytest

from tests.simulation.mutants import MUTANTS, WORLDS
from tests.simulation.runner import JOBS, Runner, Task, running

SEED_MAX = 200

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
async def runner() -> AsyncIterator[Runner]:
    """Workers that run worlds."""
    async with running(JOBS) as started:
        yield started


def hunt(found: Mapping[str, Task]) -> Iterator[Task]:
    """Yield worlds with planted faults: those that found them before, then others for what is not found."""
    for name, (seed, mix) in WORLDS.items():
        yield Task(seed, mutant=name, mix=mix)
    for seed in range(1, SEED_MAX + 1):
        for name in MUTANTS.keys() - found.keys():
            yield Task(seed, mutant=name, mix=WORLDS[name][1])


async def test_every_planted_fault_is_found_where_the_product_itself_is_fine(runner):
    found: dict[str, Task] = {}
    async with aclosing(runner.results(hunt(found))) as results:
        async for task, result in results:
            if result.violations:
                found.setdefault(str(task.mutant), task)
            if len(found) == len(MUTANTS):
                break

    assert sorted(MUTANTS.keys() - found.keys()) == []
    for task in {replace(task, mutant=None) for task in found.values()}:
        assert (await runner.result(task)).violations == []
