"""What the agent-runner's metrics say: runs by where they stand, and how late they are."""

from runner_rig import held

from agent_runner import runs
from agent_runner.metrics import gauges


async def read(rig):
    async with rig.database.transaction() as tx:
        return {gauge.name: gauge.values for gauge in await gauges(tx)}


async def lease(rig):
    async with rig.database.transaction() as tx:
        return await runs.lease(tx, executors=["demo"], owner="a test", lease_s=60)


async def test_runs_are_counted_by_where_they_stand_with_the_age_of_the_oldest(rig):
    for _ in range(3):
        await rig.sut.deliver(held())
    rig.clock.advance(30)
    assert await lease(rig)
    rig.clock.advance(10)
    now = await read(rig)

    assert now["impacter_runs"] == {
        **dict.fromkeys(("desk", "succeeded", "failed", "cancelled", "timed_out"), 0),
        "waiting": 2,
        "running": 1,
    }
    assert now["impacter_run_oldest_seconds"] == {"waiting": 40, "running": 10, "desk": 0}
    assert now["impacter_run_overdue_seconds"] == {"": 0}


async def test_a_run_that_nobody_ends_is_overdue(rig):
    await rig.sut.deliver(held())
    rig.clock.advance(10 * 86_400)
    late = (await read(rig))["impacter_run_overdue_seconds"][""]
    await rig.reap()

    assert late > 86_400
    assert (await read(rig))["impacter_run_overdue_seconds"][""] == 0


async def test_what_ended_is_of_the_last_day(rig):
    await rig.sut.deliver(held())
    await rig.sut.work()
    fresh = await read(rig)
    rig.clock.advance(2 * 86_400)

    assert fresh["impacter_runs"]["succeeded"] == 1
    assert (await read(rig))["impacter_runs"]["succeeded"] == 0


async def test_no_runs_are_zeros(rig):
    now = await read(rig)

    assert {value for values in now.values() for value in values.values()} == {0}
