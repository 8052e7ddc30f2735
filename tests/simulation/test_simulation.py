"""The product in simulated worlds: whatever a seed does to it, every promise is kept."""

from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from itertools import count, takewhile

import pytest

from tests.simulation.kept import kept
from tests.simulation.runner import JOBS, Runner, Task, described, running
from tests.simulation.simulate import plan_of

JOURNEYS_MIN = {"work": 150, "all": 50}

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture(scope="module")
async def runner() -> AsyncIterator[Runner]:
    """Workers that run worlds."""
    async with running(JOBS) as started:
        yield started


async def failures(runner: Runner, tasks: Iterable[Task]) -> str:
    """Run the worlds; return what to know of those in which a promise was broken."""
    found = []
    async with aclosing(runner.results(tasks)) as results:
        async for task, result in results:
            if result.violations:
                found.append(described(task, result))
    return "\n\n".join(found)


def seeds_of(mix: str, journeys_min: int) -> list[Task]:
    """Return seeds of a mix whose worlds have as many journeys together."""
    journeys = 0

    def is_needed(seed: int) -> bool:
        nonlocal journeys
        was_needed = journeys < journeys_min
        journeys += len(plan_of(seed, mix).journeys)
        return was_needed

    return [Task(seed, mix=mix) for seed in takewhile(is_needed, count(1))]


async def test_worlds_in_which_a_promise_was_once_broken_keep_it_now(runner):
    assert await failures(runner, kept()) == ""


@pytest.mark.parametrize("mix", JOURNEYS_MIN)
async def test_hundreds_of_journeys_under_all_faults_keep_every_promise(runner, mix):
    assert await failures(runner, seeds_of(mix, JOURNEYS_MIN[mix])) == ""


@pytest.mark.parametrize(
    ("journey", "step"), [("one_payment", 1), ("one_task", 1), ("one_purchase", 8)]
)
async def test_a_kill_at_any_event_of_a_journey_breaks_no_promise(runner, journey, step):
    whole = await runner.result(Task(1, journey))
    assert whole.violations == []
    assert whole.points > 100

    points = range(1, whole.points + 1, step)
    assert await failures(runner, [Task(1, journey, point) for point in points]) == ""


async def test_a_seed_replays_to_the_same_trace_in_any_process(runner, monkeypatch):
    tasks = [Task(7), Task(1, "one_task", 60)]
    first = [(await runner.result(task)).trace for task in tasks]

    await runner.end()
    monkeypatch.setenv("PYTHONHASHSEED", "12345")
    again = [(await runner.result(task)).trace for task in reversed(tasks)]

    assert again == first[::-1]
