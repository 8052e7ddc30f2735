"""Workers: agents that hang, break, come late or are killed, and what becomes of their runs."""

import asyncio

import pytest
from runner_rig import Gate, PlayedAgent, cancelled, fails, says
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from agent_runner import runs, workers
from agent_runner.agents import Answer, Progress
from shared.contracts.tasks import TaskFinished, TaskProgressed, TaskStarted
from shared.testing import eventually

SHORT_S = (
    0.2  # a lease whose heartbeat comes every 50 ms; the test's own clock never lets it run out
)


async def ends_of(rig):
    return [(end.outcome, end.result) for end in await rig.sut.published(TaskFinished)]


async def given_up(task):
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_agent_is_told_what_it_needs(runner_with):
    agent = PlayedAgent(says("Done."))
    async with runner_with(agent) as rig:
        task_id = await rig.fund("Find it", "research")
        rig.clock.advance(600)
        await rig.sut.work()

        [assignment] = agent.assignments
        assert (assignment.task_id, assignment.attempt) == (task_id, 1)
        assert (assignment.agent_type, assignment.prompt) == ("research", "Find it")
        assert assignment.timeout_s == 1200


async def test_the_attempts_folder_is_empty_and_removed_afterwards(runner_with):
    seen = []

    async def look(_, scratch, __):
        seen.append(list(scratch.iterdir()))
        (scratch / "left behind").write_text("x")
        return Answer(text="Done.")

    agent = PlayedAgent(look)
    async with runner_with(agent) as rig:
        await rig.fund()
        await rig.sut.work()

        assert seen == [[]]
        assert not agent.folders[0].exists()


async def test_progress_reaches_the_customer(runner_with):
    async def report_twice(_, __, report):
        await report(Progress(note="Reading"))
        await report(Progress(text="So far\x00"))
        return Answer(text="Done.")

    async with runner_with(PlayedAgent(report_twice)) as rig:
        task_id = await rig.fund()
        await rig.sut.work()

        steps = await rig.sut.published(TaskProgressed)
        assert [(step.task_id, step.attempt, step.note, step.text) for step in steps] == [
            (task_id, 1, "Reading", None),
            (task_id, 1, None, "So far"),
        ]


async def test_a_killed_workers_run_is_done_by_another_and_ends_once(runner_with):
    gate = Gate(says("from the dead"))
    async with runner_with(PlayedAgent(gate)) as rig:
        await rig.fund()
        abandoned = asyncio.create_task(rig.sut.service.workers[0].work_once())
        await gate.begun()

        rig.clock.advance(rig.settings.lease_s)
        await rig.reap()
        assert await rig.worker(PlayedAgent(says("from the living"))).work_once()
        gate.open()
        await abandoned

        assert await ends_of(rig) == [("succeeded", "from the living")]
        assert [start.attempt for start in await rig.sut.published(TaskStarted)] == [1, 2]


async def test_an_agent_that_hangs_past_the_deadline_is_stopped_and_timed_out(runner_with):
    gate = Gate(says("too late"))
    async with runner_with(PlayedAgent(gate), run_s_max=0.2) as rig:
        await rig.fund()

        await rig.sut.work()

        assert gate.was_cancelled.is_set()
        [end] = await rig.sut.published(TaskFinished)
        assert (end.outcome, end.reason) == ("timed_out", runs.TIMED_OUT)


async def test_an_agent_whose_run_was_cancelled_is_stopped_and_nothing_more_is_written(runner_with):
    gate = Gate(says("unwanted"))
    async with runner_with(PlayedAgent(gate), lease_s=SHORT_S) as rig:
        task_id = await rig.fund()
        working = asyncio.create_task(rig.sut.service.workers[0].work_once())
        await gate.begun()

        await rig.sut.deliver(cancelled(task_id))
        await working

        assert gate.was_cancelled.is_set()
        assert await ends_of(rig) == [("cancelled", None)]


async def test_an_agent_whose_run_was_taken_over_is_stopped(runner_with):
    gate = Gate(says("unwanted"))
    async with runner_with(PlayedAgent(gate), lease_s=SHORT_S) as rig:
        task_id = await rig.fund()
        working = asyncio.create_task(rig.sut.service.workers[0].work_once())
        await gate.begun()

        async with rig.database.transaction() as tx:
            run = await runs.locked(tx, task_id)
            await runs.begin_attempt(tx, run, owner="another")
        await working

        assert gate.was_cancelled.is_set()
        assert await ends_of(rig) == []
        assert (await rig.run_of(task_id)).attempt == 2


async def test_heartbeats_outlast_the_lease_while_the_agent_works(runner_with):
    gate = Gate(says("Done."))
    async with runner_with(PlayedAgent(gate), lease_s=SHORT_S) as rig:
        task_id = await rig.fund()
        working = asyncio.create_task(rig.sut.service.workers[0].work_once())
        await gate.begun()
        rig.clock.advance(SHORT_S / 2)
        before = rig.clock.now()

        async def is_extended():
            return (await rig.run_of(task_id)).lease_until > before

        await eventually(is_extended, what="a heartbeat")
        gate.open()
        await working

        assert await ends_of(rig) == [("succeeded", "Done.")]


async def test_an_agent_whose_lease_cannot_be_extended_is_stopped(runner_with):
    gate = Gate(says("unwanted"))
    async with runner_with(PlayedAgent(gate), lease_s=SHORT_S) as rig:
        task_id = await rig.fund()
        working = asyncio.create_task(rig.sut.service.workers[0].work_once())
        await gate.begun()

        async with rig.database.transaction() as tx:
            await tx.execute(text("ALTER TABLE runs RENAME TO away"))
        await working
        async with rig.database.transaction() as tx:
            await tx.execute(text("ALTER TABLE away RENAME TO runs"))

        assert gate.was_cancelled.is_set()
        assert (await rig.run_of(task_id)).state == "running"
        assert await ends_of(rig) == []


async def test_a_worker_that_is_stopped_gives_its_run_to_the_next_at_once(runner_with):
    gate = Gate(says("never"))
    async with runner_with(PlayedAgent(gate)) as rig:
        task_id = await rig.fund()
        loop = asyncio.create_task(rig.sut.service.workers[0].run())
        await gate.begun()

        await given_up(loop)

        assert gate.was_cancelled.is_set()
        run = await rig.run_of(task_id)
        assert (run.state, run.attempt, run.available_at) == ("waiting", 1, rig.clock.now())
        assert await rig.worker(PlayedAgent(says("Done."))).work_once()
        assert await ends_of(rig) == [("succeeded", "Done.")]


async def test_a_worker_that_is_stopped_costs_the_run_none_of_its_tries(runner_with):
    gate = Gate(says("never"))
    async with runner_with(PlayedAgent(gate), attempts_max=1) as rig:
        await rig.fund()
        loop = asyncio.create_task(rig.sut.service.workers[0].run())
        await gate.begun()

        await given_up(loop)

        assert await ends_of(rig) == []
        assert await rig.worker(PlayedAgent(says("Done."))).work_once()
        assert await ends_of(rig) == [("succeeded", "Done.")]


async def test_what_an_agent_delivers_while_it_is_stopped_counts(runner_with):
    begun = asyncio.Event()

    async def deliver_when_told_to_stop(*_):
        try:
            begun.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return Answer(text="Just done.")

    async with runner_with(PlayedAgent(deliver_when_told_to_stop)) as rig:
        await rig.fund()
        loop = asyncio.create_task(rig.sut.service.workers[0].run())
        async with asyncio.timeout(30):
            await begun.wait()

        await given_up(loop)

        assert await ends_of(rig) == [("succeeded", "Just done.")]


async def raise_a_bug(*_):
    message = "a secret of ours"
    raise RuntimeError(message)


async def cancel_itself(*_):
    raise asyncio.CancelledError


@pytest.mark.parametrize("misbehaviour", [raise_a_bug, cancel_itself])
async def test_an_agent_that_breaks_is_tried_again_and_its_flaw_stays_with_us(
    runner_with, misbehaviour
):
    async with runner_with(PlayedAgent(misbehaviour), retry_s=0) as rig:
        await rig.fund()
        await rig.sut.work()

        [end] = await rig.sut.published(TaskFinished)
        assert (end.outcome, end.reason) == ("failed", workers.BROKEN.reason)
        assert len(await rig.sut.published(TaskStarted)) == 3


async def test_an_agent_that_does_not_stop_is_left_behind(runner_with):
    free = asyncio.Event()

    async def ignore_everything(*_):
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        return Answer(text="too late")

    brief = {"run_s_max": 0.05, "clean_up_s_max": 0.05}
    async with runner_with(PlayedAgent(ignore_everything), **brief) as rig:
        await rig.fund()

        await rig.sut.work()
        free.set()

        assert await ends_of(rig) == [("timed_out", None)]


async def test_an_answer_survives_a_database_that_hangs_up(runner_with, database_url):
    async def hang_up(*_):
        engine = create_async_engine(database_url, poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        await engine.dispose()
        return Answer(text="Done.")

    agent = PlayedAgent(hang_up)
    async with runner_with(agent) as rig:
        await rig.fund()

        await rig.worker(agent).work_once()

        assert await ends_of(rig) == [("succeeded", "Done.")]
        assert len(agent.assignments) == 1


async def test_progress_that_cannot_be_told_does_not_cost_the_work(runner_with, database_url):
    async def report_into_the_void(_, __, report):
        engine = create_async_engine(database_url, poolclass=NullPool)
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE outbox RENAME TO away"))
        try:
            await report(Progress(note="unheard"))
        finally:
            async with engine.begin() as connection:
                await connection.execute(text("ALTER TABLE away RENAME TO outbox"))
            await engine.dispose()
        return Answer(text="Done.")

    async with runner_with(PlayedAgent(report_into_the_void)) as rig:
        await rig.fund()
        await rig.sut.work()

        assert await ends_of(rig) == [("succeeded", "Done.")]


async def test_a_reason_is_made_fit_for_an_event(runner_with):
    async with runner_with(PlayedAgent(fails("No.\x00\ud800" + "x" * 5000))) as rig:
        await rig.fund()
        await rig.sut.work()

        [end] = await rig.sut.published(TaskFinished)
        assert end.reason.startswith("No.?xxx")
        assert len(end.reason) == 1000
