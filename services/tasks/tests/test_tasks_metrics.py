"""What the metrics of tasks say: tasks by status, and how old those under way are."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from tasks_parts import held, started, uuid_of

from shared.clock import first_id
from tasks.metrics import gauges
from tasks.status import Status


async def read(tasks):
    async with tasks.running.database.transaction() as tx:
        return {gauge.name: gauge.values for gauge in await gauges(tx)}


async def test_tasks_are_counted_by_status_and_the_oldest_under_way_is_told(tasks, customer):
    before = await read(tasks)
    task_ids = [await customer.ask(f"Number {n}") for n in range(3)]
    second, third = [await tasks.created(task_id) for task_id in task_ids[1:]]
    await tasks.running.deliver_together(held(second), held(third, version=3))
    await tasks.running.deliver(started(third))
    async with tasks.running.database.transaction() as tx:
        older = text("UPDATE tasks SET created_at = now() - interval '1 hour' WHERE id = :id")
        await tx.execute(older, {"id": third.task_id})
    after = await read(tasks)

    assert set(after["impacter_tasks"]) == set(Status)
    for status in ("pending", "queued", "running"):
        assert after["impacter_tasks"][status] == before["impacter_tasks"][status] + 1
        assert after["impacter_task_oldest_seconds"][status] >= 0
    assert after["impacter_task_oldest_seconds"]["running"] >= 3600
    assert after["impacter_task_oldest_seconds"]["pending"] < 3600


async def test_tasks_that_ended_are_those_of_the_last_day(tasks, customer):
    task_id = uuid_of(await customer.ask("Done"))

    async def cancelled_with(added: timedelta):
        async with tasks.running.database.transaction() as tx:
            copy_id = UUID(int=first_id(await tx.now() + added).int + task_id.int % 2**64)
            await tx.execute(text(COPY), {"id": str(copy_id), "of": task_id})
        return (await read(tasks))["impacter_tasks"]["cancelled"]

    old = await cancelled_with(timedelta(days=-2))
    recent = await cancelled_with(timedelta(hours=-23))

    assert (old, recent) == (0, 1)


COPY = """
INSERT INTO tasks SELECT (jsonb_populate_record(
    task, jsonb_build_object('id', CAST(:id AS text), 'status', 'cancelled'))).*
FROM tasks AS task WHERE id = :of
"""
