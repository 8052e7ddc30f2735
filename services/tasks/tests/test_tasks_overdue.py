"""Tasks that billing does not answer: they are given up, and block nobody's credits for ever."""

import asyncio

from tasks_parts import Customer, TasksUnderTest, finished, held, settled, uuid_of

from shared.contracts.tasks import Outcome, TaskCancelRequested

NOT_BEGUN = "The task could not be begun in time."


async def requests(tasks: TasksUnderTest, task_id: str) -> list[TaskCancelRequested]:
    asked = await tasks.running.published(TaskCancelRequested)
    return [event for event in asked if event.task_id == uuid_of(task_id)]


async def test_a_task_that_is_not_answered_in_time_is_given_up_once(
    tasks: TasksUnderTest, replica: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask("Find me 40 leads", agent_type="lead-generation")
    await tasks.running.work()
    assert await requests(tasks, task_id) == []

    await tasks.pass_pending()
    await asyncio.gather(tasks.running.work(), replica.running.work())

    [request] = await requests(tasks, task_id)
    assert (request.user_id, request.is_overdue) == (customer.id, True)
    assert (request.description, request.agent_type) == ("Find me 40 leads", "lead-generation")
    view = await customer.view(task_id)
    assert (view["status"], view["is_cancel_requested"]) == ("pending", False)


async def test_one_that_is_still_not_answered_is_given_up_again(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()

    for _ in range(2):
        await tasks.pass_pending()
        await tasks.running.work()

    assert len(await requests(tasks, task_id)) == 2


async def test_one_that_its_owner_has_cancelled_stays_cancelled(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    await customer.post(f"/api/tasks/{task_id}/cancel")

    await tasks.pass_pending()
    await tasks.running.work()

    assert [event.is_overdue for event in await requests(tasks, task_id)] == [False, False]


async def test_a_task_whose_credits_are_held_is_not_given_up(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    await tasks.pass_pending()
    await tasks.running.deliver(held(await tasks.created(task_id)))

    await tasks.running.work()

    assert await requests(tasks, task_id) == []


async def test_one_that_was_given_up_frees_its_credits_and_tells_a_story_that_reads_well(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask("Find me 900 leads", agent_type="lead-generation")
    task = await tasks.created(task_id)
    await tasks.running.deliver(finished(task, Outcome.FAILED, reason=NOT_BEGUN))

    others = {"description": "Find me 200 leads", "agent_type": "lead-generation"}
    again = await customer.post("/api/tasks", others)
    await tasks.running.deliver(held(task, left=100))
    await tasks.running.deliver(finished(task, Outcome.FAILED, reason=NOT_BEGUN))
    await tasks.running.deliver(settled(task, 0, left=1000))

    assert again.status_code == 201
    view = await customer.view(task_id)
    assert (view["status"], view["error"], view["credits_spent"]) == ("failed", NOT_BEGUN, 0)
    names = [event["name"] for event in view["events"]]
    assert names == ["created", "queued", "failed", "settled"]
