"""Cancelling, and asking again for work that came to nothing."""

import asyncio

import pytest
from tasks_parts import Customer, TasksUnderTest, denied, finished, held, settled, uuid_of

from shared.contracts.tasks import Outcome, TaskCancelRequested


async def test_cancelling_is_asked_for_once_and_the_task_goes_on_until_it_has_ended(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()

    answers = await asyncio.gather(
        *(customer.post(f"/api/tasks/{task_id}/cancel") for _ in range(5))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert {answer.json()["status"] for answer in answers} == {"pending"}
    assert all(answer.json()["is_cancel_requested"] for answer in answers)
    requests = await tasks.running.published(TaskCancelRequested)
    assert [event.user_id for event in requests if event.task_id == uuid_of(task_id)] == [
        customer.id
    ]


async def test_a_task_that_has_ended_cannot_be_cancelled(tasks: TasksUnderTest, customer: Customer):
    task_id = await customer.ask()
    await tasks.running.deliver(finished(await tasks.created(task_id)))

    answer = await customer.post(f"/api/tasks/{task_id}/cancel")

    assert (answer.status_code, answer.json()["code"]) == (409, "already_finished")
    assert (await customer.view(task_id))["is_cancel_requested"] is False


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.TIMED_OUT, Outcome.CANCELLED])
async def test_work_that_came_to_nothing_can_be_asked_for_again(
    tasks: TasksUnderTest, customer: Customer, outcome
):
    task_id = await customer.ask("Find me 40 leads", agent_type="lead-generation")
    task = await tasks.created(task_id)
    await tasks.running.deliver(finished(task, outcome))

    answer = await customer.post(f"/api/tasks/{task_id}/retry", key="once")
    again = await customer.post(f"/api/tasks/{task_id}/retry", key="once")

    assert answer.status_code == 201
    assert again.text == answer.text
    assert answer.json()["task_id"] != task_id
    new = await tasks.created(answer.json()["task_id"])
    assert (new.description, new.terms, new.agent_type) == (
        task.description,
        task.terms,
        task.agent_type,
    )


async def test_a_rejected_task_can_be_asked_for_again(tasks: TasksUnderTest, customer: Customer):
    task_id = await customer.ask()
    await tasks.running.deliver(denied(await tasks.created(task_id), available=500))

    answer = await customer.post(f"/api/tasks/{task_id}/retry")

    assert answer.status_code == 201


async def test_asking_again_is_checked_against_the_credits_too(tasks: TasksUnderTest):
    customer = await tasks.customer(with_credits=10)
    task_id = await customer.ask("Anything")
    await tasks.running.deliver(denied(await tasks.created(task_id), available=3))

    answer = await customer.post(f"/api/tasks/{task_id}/retry")

    assert (answer.status_code, answer.json()["available"]) == (402, 3)


async def test_work_under_way_or_done_is_not_asked_for_again(
    tasks: TasksUnderTest, customer: Customer
):
    task_id = await customer.ask()
    under_way = await customer.post(f"/api/tasks/{task_id}/retry")
    await tasks.running.deliver(finished(await tasks.created(task_id)))
    done = await customer.post(f"/api/tasks/{task_id}/retry")

    for answer in (under_way, done):
        assert (answer.status_code, answer.json()["code"]) == (409, "not_retryable")


async def test_credits_that_came_back_can_be_spent_again(tasks: TasksUnderTest):
    customer = await tasks.customer(with_credits=10)
    task = await tasks.created(await customer.ask("Anything"))
    await tasks.running.deliver(held(task, left=0))
    await tasks.running.deliver(finished(task, Outcome.FAILED))
    await tasks.running.deliver(settled(task, 0, left=10))

    answer = await customer.post("/api/tasks", {"description": "Anything"})

    assert (answer.status_code, answer.json()["credits_remaining"]) == (201, 0)
