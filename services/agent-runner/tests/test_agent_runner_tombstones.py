"""Tasks without a run: they end when it is asked for, and what is held for them later is let go."""

from datetime import timedelta

from runner_rig import cancelled, held
from sqlalchemy import select

from agent_runner import runs, tombstones
from agent_runner.models import Run, Tombstone
from shared.clock import first_id
from shared.contracts.tasks import TaskCancelRequested, TaskFinished, TaskStarted


def overdue(event):
    """Of the task of these credits nobody has heard anything."""
    task = event.task
    return TaskCancelRequested(
        task_id=task.task_id,
        user_id=task.user_id,
        agent_type=task.agent_type,
        description=task.description,
        is_overdue=True,
    )


async def ends(rig):
    return [(event.outcome, event.reason) for event in await rig.sut.published(TaskFinished)]


async def buried(rig):
    async with rig.database.transaction() as tx:
        return {row.task_id for row in await tx.scalars(select(Tombstone))}


async def test_a_cancelled_task_without_a_run_ends_at_once(rig):
    event = cancelled(held().task.task_id)

    await rig.sut.deliver(event, times=2)

    [ended] = await rig.sut.published(TaskFinished)
    assert (ended.task_id, ended.user_id) == (event.task_id, event.user_id)
    assert (ended.outcome, ended.reason) == ("cancelled", runs.CANCELLED)
    async with rig.database.transaction() as tx:
        assert await tx.scalars(select(Run)) == []


async def test_an_overdue_task_without_a_run_fails_and_so_does_its_run(rig):
    event = held("Find it")

    await rig.sut.deliver(overdue(event))
    [ended] = await rig.sut.published(TaskFinished)
    await rig.sut.deliver(event)
    await rig.sut.work()

    assert (ended.outcome, ended.description) == ("failed", "Find it")
    assert await ends(rig) == [("failed", tombstones.NOT_BEGUN)] * 2
    assert await rig.sut.published(TaskStarted) == []


async def test_an_overdue_task_whose_run_has_begun_goes_on(rig):
    event = held()
    await rig.sut.deliver(event)

    await rig.sut.deliver(overdue(event))
    await rig.sut.work()

    assert await ends(rig) == [("succeeded", None)]
    assert await buried(rig) == set()


async def test_who_asks_again_is_told_the_same(rig):
    event = held()

    await rig.sut.deliver(cancelled(event.task.task_id))
    await rig.sut.deliver(overdue(event))

    assert await ends(rig) == [("cancelled", runs.CANCELLED)] * 2


async def test_tombstones_are_kept_for_as_long_as_their_tasks_could_begin(rig):
    now = rig.clock.now()
    event, task_id = held(), first_id(now)
    late = event.model_copy(update={"task": event.task.model_copy(update={"task_id": task_id})})
    await rig.sut.deliver(cancelled(task_id))
    rig.clock.advance(tombstones.AGED.kept_for.total_seconds())
    await rig.sut.prune()
    assert await buried(rig) == {task_id}

    rig.clock.advance(timedelta(hours=1).total_seconds())
    await rig.sut.prune()
    await rig.sut.deliver(late)
    await rig.sut.work()

    assert await buried(rig) == set()
    assert (await ends(rig))[-1] == ("failed", tombstones.NOT_BEGUN)
    assert await rig.sut.published(TaskStarted) == []
