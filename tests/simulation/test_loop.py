"""The loop of simulated worlds keeps asyncio's promises, and its own."""

import asyncio
import random
from contextvars import copy_context

import pytest

from tests.simulation.loop import LIFE, Life, NothingToDo, VirtualLoop

GRAVES = []


def run(main, seed: int = 1) -> VirtualLoop:
    """Run a coroutine function in a loop of its own."""
    loop = VirtualLoop(random.Random(seed))
    loop.run_world(main(loop))
    return loop


def start(loop: VirtualLoop, life: Life, work) -> "asyncio.Task[None]":
    """Begin something in a life."""
    context = copy_context()
    context.run(LIFE.set, life)
    return loop.create_task(work, context=context)


def test_an_hour_takes_no_time():
    async def main(loop):
        await asyncio.sleep(3600)

    assert run(main).time() == 3600


def test_timeouts_and_threads_work_in_virtual_time():
    async def main(loop):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.Event().wait()
        assert await asyncio.to_thread(lambda: 42) == 42

    assert run(main).time() > 5


def test_one_process_runs_its_callbacks_in_their_order():
    order = []

    async def main(loop):
        life = Life("one", 1)
        for number in range(20):
            start(loop, life, note(number))
        await asyncio.sleep(1)

    async def note(number):
        order.append(number)

    run(main)
    assert order == list(range(20))


def test_the_seed_chooses_between_processes():
    def order_of(seed: int) -> list[str]:
        order = []

        async def work(name):
            for _ in range(5):
                order.append(name)
                await asyncio.sleep(0)

        async def main(loop):
            for name in "abc":
                start(loop, Life(name, 1), work(name))
            await asyncio.sleep(1)

        run(main, seed)
        return order

    assert order_of(1) == order_of(1)
    assert len({tuple(order_of(seed)) for seed in range(10)}) > 1


def test_who_is_killed_cleans_nothing_up():
    said = []

    async def work():
        try:
            await asyncio.sleep(10)
            said.append("slept")
        finally:
            said.append("cleaned up")

    async def main(loop):
        life = Life("one", 1)
        start(loop, life, work())
        await asyncio.sleep(1)
        loop.kill(life)
        await asyncio.sleep(20)
        GRAVES.append(loop.bury())

    run(main)
    assert said == []


def test_who_is_frozen_goes_on_where_it_stood():
    woken_at = []

    async def work(loop):
        await asyncio.sleep(10)
        woken_at.append(loop.time())

    async def main(loop):
        life = Life("one", 1)
        start(loop, life, work(loop))
        await asyncio.sleep(1)
        loop.freeze(life)
        await asyncio.sleep(60)
        loop.thaw(life)
        await asyncio.sleep(1)

    run(main)
    assert woken_at == [61]


def test_a_world_where_everybody_waits_ends():
    async def main(loop):
        await loop.create_future()

    with pytest.raises(NothingToDo):
        run(main)
