"""Runs as other services see them: one for each funded task, one end for each run."""

import asyncio
from itertools import permutations

import pytest
from runner_rig import PlayedAgent, cancelled, fails, held, says
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from agent_runner import runs
from agent_runner.agents import Progress
from agent_runner.models import Run
from agent_runner.runs import Ending
from shared.contracts.tasks import Outcome, TaskFinished, TaskProgressed, TaskStarted
from shared.testing import eventually

LEASE_S = 60


async def leased(rig):
    async with rig.database.transaction() as tx:
        return await runs.lease(tx, executors=["demo"], owner="a test", lease_s=LEASE_S)


async def finished(rig, lease, text="Done."):
    async with rig.database.transaction() as tx:
        return await runs.finish(tx, lease, Ending(Outcome.SUCCEEDED, result=text))


async def outcomes(rig):
    return [event.outcome for event in await rig.sut.published(TaskFinished)]


async def test_a_funded_task_is_done_and_says_so_once(rig):
    event = held("Find it", "research")

    await rig.sut.deliver(event, times=3)
    await rig.sut.deliver(event)
    await rig.sut.work()

    [started] = await rig.sut.published(TaskStarted)
    [ended] = await rig.sut.published(TaskFinished)
    run = await rig.run_of(event.task.task_id)
    assert (started.task_id, started.attempt, started.executor) == (run.task_id, 1, "demo")
    assert (ended.outcome, ended.result, ended.description) == ("succeeded", "Done.", "Find it")
    assert (ended.user_id, ended.run_id) == (event.task.user_id, run.id)
    assert (run.state, run.outcome, run.hold_amount) == ("finished", "succeeded", 10)


async def test_one_user_does_not_keep_all_agents(rig):
    user_id = rig.sut.database.ids.new()
    for _ in range(runs.USER_RUNS_MAX + 1):
        await rig.sut.deliver(held("Take long", user_id=user_id))
    taken = [await leased(rig) for _ in range(runs.USER_RUNS_MAX)]
    assert await leased(rig) is None

    await rig.sut.deliver(held("Be quick"))

    assert (await leased(rig)).prompt == "Be quick"
    assert await leased(rig) is None
    await finished(rig, taken[0])
    assert (await leased(rig)).prompt == "Take long"


async def test_nor_do_workers_that_look_at_the_same_moment(rig):
    user_id = rig.sut.database.ids.new()
    for _ in range(runs.USER_RUNS_MAX + 3):
        await rig.sut.deliver(held("Take long", user_id=user_id))

    taken = await asyncio.gather(*(leased(rig) for _ in range(runs.USER_RUNS_MAX + 3)))

    assert len([lease for lease in taken if lease]) == runs.USER_RUNS_MAX


async def test_a_running_service_works_by_itself(rig):
    loops = [asyncio.create_task(worker.run()) for worker in rig.sut.service.workers]

    await rig.fund()

    await eventually(lambda: rig.sut.published(TaskFinished), what="the end of the run")
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)


async def test_nothing_but_held_credits_begins_a_run(rig):
    assert rig.sut.service.handlers.names == {"credits.held.v1", "task.cancel_requested.v1"}
    await rig.sut.deliver(held().task)
    await rig.sut.work()

    async with rig.database.transaction() as tx:
        assert await tx.scalars(select(Run)) == []


async def test_a_cancelled_run_that_waits_never_starts(rig):
    task_id = await rig.fund()

    await rig.sut.deliver(cancelled(task_id), times=2)
    await rig.sut.work()

    [ended] = await rig.sut.published(TaskFinished)
    assert (ended.outcome, ended.reason) == ("cancelled", runs.CANCELLED)
    assert await rig.sut.published(TaskStarted) == []


async def test_a_cancelled_attempt_is_not_heard(rig):
    task_id = await rig.fund()
    lease = await leased(rig)

    await rig.sut.deliver(cancelled(task_id))

    assert not await finished(rig, lease)
    assert await outcomes(rig) == ["cancelled"]


async def test_a_cancellation_after_the_end_changes_nothing(rig):
    task_id = await rig.fund()
    await rig.sut.work()

    await rig.sut.deliver(cancelled(task_id))

    assert await outcomes(rig) == ["succeeded"]


async def test_a_run_whose_task_was_cancelled_before_ends_as_it_begins(rig):
    event = held()
    await rig.sut.deliver(cancelled(event.task.task_id), times=2)

    await rig.sut.deliver(event)
    await rig.sut.deliver(event)
    await rig.sut.work()

    [of_the_task, of_the_run] = await rig.sut.published(TaskFinished)
    assert {of_the_task.outcome, of_the_run.outcome} == {"cancelled"}
    assert of_the_task.run_id == of_the_run.run_id == (await rig.run_of(event.task.task_id)).id
    assert await rig.sut.published(TaskStarted) == []


async def test_every_order_of_facts_and_work_ends_a_run_once(rig):
    steps = ("held", "held again", "cancelled", "work")
    for order in permutations(steps):
        before = len(await outcomes(rig))
        event = held()
        for step in order:
            if step == "work":
                await rig.sut.work()
            else:
                fact = cancelled(event.task.task_id) if step == "cancelled" else event
                await rig.sut.deliver(fact)
        await rig.sut.work()

        run = await rig.run_of(event.task.task_id)
        worked_first = "work" in order[order.index("held") : order.index("cancelled")] or (
            "work" in order[order.index("held again") : order.index("cancelled")]
        )
        assert run.outcome == ("succeeded" if worked_first else "cancelled"), order
        was_told_before = order.index("cancelled") < min(
            order.index("held"), order.index("held again")
        )
        assert len(await outcomes(rig)) - before == 1 + was_told_before, order


async def test_credits_and_cancellation_at_the_same_moment_end_in_one_cancellation(rig):
    for _ in range(20):
        event = held()

        await asyncio.gather(rig.sut.deliver(event), rig.sut.deliver(cancelled(event.task.task_id)))

        assert (await rig.run_of(event.task.task_id)).outcome == "cancelled"
    assert set(await outcomes(rig)) == {"cancelled"}


async def test_the_end_and_a_cancellation_at_the_same_moment_give_one_outcome(rig):
    for number in range(1, 21):
        task_id = await rig.fund()
        lease = await leased(rig)

        is_heard, _ = await asyncio.gather(
            finished(rig, lease), rig.sut.deliver(cancelled(task_id))
        )

        run = await rig.run_of(task_id)
        assert run.outcome == ("succeeded" if is_heard else "cancelled")
        assert len(await outcomes(rig)) == number


async def test_two_workers_share_one_run_by_one_doing_it(rig):
    agent = PlayedAgent(says("Done."))
    await rig.fund()

    worked = await asyncio.gather(*(rig.worker(agent).work_once() for _ in range(4)))

    assert sorted(worked) == [False, False, False, True]
    assert len(agent.assignments) == 1


async def test_a_late_attempt_is_not_heard(rig):
    task_id = await rig.fund()
    late = await leased(rig)
    rig.clock.advance(LEASE_S)
    await rig.reap()
    present = await leased(rig)

    async with rig.database.transaction() as tx:
        assert not await runs.heartbeat(tx, late, lease_s=LEASE_S)
        assert not await runs.progress(tx, late, Progress(note="late"))
        assert not await runs.retry(tx, late, "late", pause_s=0)
    assert not await finished(rig, late, "late")

    assert await finished(rig, present, "in time")
    assert not await finished(rig, present, "again")
    assert (present.attempt, (await rig.run_of(task_id)).result) == (2, "in time")
    assert await rig.sut.published(TaskProgressed) == []
    assert await outcomes(rig) == ["succeeded"]


async def test_a_heartbeat_keeps_the_lease(rig):
    task_id = await rig.fund()
    lease = await leased(rig)
    rig.clock.advance(LEASE_S - 1)
    async with rig.database.transaction() as tx:
        assert await runs.heartbeat(tx, lease, lease_s=LEASE_S)
    rig.clock.advance(LEASE_S - 1)

    await rig.reap()

    assert (await rig.run_of(task_id)).state == "running"


async def test_a_run_whose_holders_all_died_fails_after_the_last_attempt(rig):
    task_id = await rig.fund()
    for attempt in (1, 2, 3):
        lease = await leased(rig)
        assert lease is not None
        assert lease.attempt == attempt
        rig.clock.advance(LEASE_S)
        await rig.reap()
        run = await rig.run_of(task_id)
        assert (run.reason == runs.INTERRUPTED) == (run.state == "waiting")

    assert await leased(rig) is None
    [ended] = await rig.sut.published(TaskFinished)
    assert (ended.outcome, ended.reason) == ("failed", runs.NOT_TRIED_AGAIN)


async def test_a_run_that_waits_past_its_deadline_is_timed_out(rig):
    await rig.fund()
    rig.clock.advance(rig.settings.run_s_max)

    assert await leased(rig) is None
    await rig.reap()

    [ended] = await rig.sut.published(TaskFinished)
    assert (ended.outcome, ended.reason) == ("timed_out", runs.TIMED_OUT)


async def test_a_run_past_its_deadline_is_timed_out_however_fresh_its_lease(rig):
    await rig.fund()
    rig.clock.advance(rig.settings.run_s_max - 1)
    lease = await leased(rig)
    assert lease is not None
    assert lease.timeout_s == 1
    rig.clock.advance(1)

    await rig.reap()

    assert not await finished(rig, lease)
    assert await outcomes(rig) == ["timed_out"]


async def test_a_failure_worth_retrying_waits_longer_each_time_and_fails_at_last(runner_with):
    agent = PlayedAgent(fails("The model is busy.", is_worth_retrying=True))
    async with runner_with(agent, retry_s=5) as rig:
        task_id = await rig.fund()
        for pause_s in (5, 20):
            await rig.sut.work()
            run = await rig.run_of(task_id)
            assert run.state == "waiting"
            assert (run.available_at - rig.clock.now()).total_seconds() == pause_s
            rig.clock.advance(pause_s)
        await rig.sut.work()

        [ended] = await rig.sut.published(TaskFinished)
        assert (ended.outcome, ended.reason) == ("failed", "The model is busy.")
        assert [assignment.attempt for assignment in agent.assignments] == [1, 2, 3]


async def test_a_retry_that_succeeds_leaves_no_reason(runner_with):
    agent = PlayedAgent(fails("Busy.", is_worth_retrying=True), says("Done."))
    async with runner_with(agent, retry_s=0) as rig:
        await rig.fund()
        await rig.sut.work()

        [ended] = await rig.sut.published(TaskFinished)
        assert (ended.outcome, ended.reason, ended.result) == ("succeeded", None, "Done.")


async def test_a_failure_for_good_is_not_tried_again(runner_with):
    agent = PlayedAgent(fails("This cannot be done."))
    async with runner_with(agent) as rig:
        await rig.fund()
        await rig.sut.work()

        [ended] = await rig.sut.published(TaskFinished)
        assert (ended.outcome, ended.reason) == ("failed", "This cannot be done.")
        assert len(agent.assignments) == 1


async def test_runs_are_leased_in_the_order_they_came(rig):
    first = await rig.fund()
    rig.clock.advance(1)
    second = await rig.fund()

    assert [(await leased(rig)).task_id, (await leased(rig)).task_id] == [first, second]


async def test_a_run_of_an_executor_that_is_not_here_waits_for_one_that_has_it(rig):
    await rig.fund()

    async with rig.database.transaction() as tx:
        assert await runs.lease(tx, executors=["openclaw"], owner="x", lease_s=1) is None


@pytest.mark.parametrize(
    "change",
    [
        "state = 'finished'",
        "outcome = 'succeeded'",
        "state = 'running', attempt = 1",
        "state = 'running', lease_until = created_at",
        "lease_until = created_at",
        "attempt = -1",
        "units_used = -1",
        "state = 'asleep'",
    ],
)
async def test_the_database_refuses_a_run_that_cannot_be(rig, change):
    await rig.fund()

    with pytest.raises(IntegrityError):
        async with rig.database.transaction() as tx:
            await tx.execute(text(f"UPDATE runs SET {change}"))


async def test_a_run_for_a_person_is_leased_by_nobody_and_has_the_desks_deadline(runner_with):
    agent = PlayedAgent(says("Done."))
    async with runner_with(agent, executors={"research": "human"}) as rig:
        task_id = await rig.fund(agent_type="research")
        await rig.sut.work()
        rig.clock.advance(rig.settings.run_s_max)
        await rig.reap()

        run = await rig.run_of(task_id)
        assert (run.state, run.executor, agent.assignments) == ("waiting", "human", [])

        rig.clock.advance(rig.settings.desk_s_max)
        await rig.reap()
        assert await outcomes(rig) == ["timed_out"]
