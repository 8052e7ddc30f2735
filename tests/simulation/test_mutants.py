"""The test of the test: faults planted into the product are found."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import pytest

from tests.simulation.mutants import MUTANTS, SEEDS
from tests.simulation.runner import JOBS, Runner, Task, running

SEED_MAX = 200

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
async def runner() -> AsyncIterator[Runner]:
    """Workers that run worlds."""
    async with running(JOBS) as started:
        yield started


def hunt(found: dict[str, int]) -> Iterator[Task]:
    """Yield worlds with planted faults: those that found them before, then others for what is not found."""
    for name, seed in SEEDS.items():
        yield Task(seed, mutant=name)
    for seed in range(1, SEED_MAX + 1):
        for name in MUTANTS.keys() - found.keys():
            yield Task(seed, mutant=name)


async def test_every_planted_fault_is_found_where_the_product_itself_is_fine(runner):
    found: dict[str, int] = {}
    async with aclosing(runner.results(hunt(found))) as results:
        async for task, result in results:
            if result.violations:
                found.setdefault(str(task.mutant), task.seed)
            if len(found) == len(MUTANTS):
                break

    assert sorted(MUTANTS.keys() - found.keys()) == []
    for seed in set(found.values()):
        assert (await runner.result(Task(seed))).violations == []
