"""Two hands at once, over every service: whoever is first, what it costs is what was delivered, once."""

import asyncio
from uuid import uuid4

import httpx2

from shared.testing import eventually
from tests.security.product import OPERATOR, Json, Person, Product

PRICE = 10
TIMES = 20
WORK = {"description": "Say hello"}
FINAL = ("completed", "failed", "cancelled", "timed_out", "rejected")


async def ask(
    product: Product, person: Person, body: Json = WORK, **headers: str
) -> httpx2.Response:
    return await product.http.post("/api/tasks", json=body, headers={**person.headers, **headers})


async def credits_are(product: Product, person: Person, available: int) -> None:
    """Return once the ledger has so many credits to spend and none in hand."""

    async def they_are() -> bool:
        answer = await product.http.get("/api/credits/summary", headers=person.headers)
        return (answer.json()["available"], answer.json()["reserved"]) == (available, 0)

    await eventually(they_are, what=f"{available} credits")


async def test_work_that_ends_while_it_is_cancelled_is_either_and_paid_for_accordingly(
    product: Product,
):
    customer = await product.funded(PRICE * TIMES)
    ids = [(await ask(product, customer)).json()["task_id"] for _ in range(TIMES)]

    async def cancel(number: int, task_id: str) -> int:
        """Cancel after as many looks as its number says: some while it waits, some as it ends."""
        for _ in range(number):
            await product.http.get(f"/api/tasks/{task_id}", headers=customer.headers)
        path = f"/api/tasks/{task_id}/cancel"
        return (await product.http.post(path, headers=customer.headers)).status_code

    answers = await asyncio.gather(*(cancel(*item) for item in enumerate(ids)))

    tasks = [await product.task_is(customer, task_id, *FINAL) for task_id in ids]
    delivered = [task for task in tasks if task["status"] == "completed"]
    assert {task["status"] for task in tasks} <= {"completed", "cancelled"}
    assert set(answers) <= {202, 409}
    refused = [task for task, answer in zip(tasks, answers, strict=True) if answer == 409]
    assert all(task["status"] == "completed" for task in refused)
    await credits_are(product, customer, PRICE * (TIMES - len(delivered)))
    await agrees_everywhere(product, customer, delivered)


async def agrees_everywhere(product: Product, customer: Person, delivered: list[Json]) -> None:
    """Each service tells the same story of each task."""
    mark = {"user_id": customer.uuid}
    paid = await product.rows(
        "billing",
        "SELECT task_id FROM holds JOIN accounts ON accounts.id = account_id"
        " WHERE user_id = :user_id AND captured > 0",
        **mark,
    )
    ran = await product.rows(
        "agent-runner",
        "SELECT task_id FROM runs WHERE user_id = :user_id AND outcome = 'succeeded'",
        **mark,
    )
    ends = await product.rows(
        "tasks",
        "SELECT task_id FROM task_events JOIN tasks ON tasks.id = task_id"
        " WHERE user_id = :user_id AND name IN ('completed', 'cancelled')",
        **mark,
    )
    ids = {f"task_{row.task_id.hex}" for row in paid}
    assert ids == {f"task_{row.task_id.hex}" for row in ran}
    assert ids == {task["task_id"] for task in delivered}
    assert len(ends) == len({row.task_id for row in ends}) == TIMES


async def test_one_key_sent_twenty_times_at_once_is_one_task_one_hold_and_one_run(
    product: Product,
):
    customer, key = await product.funded(PRICE * TIMES), uuid4().hex

    answers = await asyncio.gather(
        *(ask(product, customer, **{"Idempotency-Key": key}) for _ in range(TIMES))
    )

    assert {answer.status_code for answer in answers} == {201}
    [task_id] = {answer.json()["task_id"] for answer in answers}
    other = await ask(product, customer, {"description": "Else"}, **{"Idempotency-Key": key})
    assert other.status_code == 409
    await product.task_is(customer, task_id, "completed")
    await credits_are(product, customer, PRICE * (TIMES - 1))


async def test_one_key_of_several_customers_is_as_many_tasks(product: Product):
    customers = [await product.funded(PRICE) for _ in range(4)]
    key = uuid4().hex

    answers = await asyncio.gather(
        *(ask(product, each, **{"Idempotency-Key": key}) for each in customers)
    )

    assert len({answer.json()["task_id"] for answer in answers}) == len(customers)


async def test_a_grant_sent_twenty_times_at_once_is_granted_once(product: Product):
    customer = await product.sign_up()
    body = {"user_id": customer.id, "amount": 7, "reason": "test", "idempotency_key": uuid4().hex}

    answers = await asyncio.gather(
        *(
            product.http.post("/api/credits/grant", json=body, headers=OPERATOR)
            for _ in range(TIMES)
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200] * (TIMES - 1) + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    await credits_are(product, customer, 7)


async def test_the_last_credits_are_spent_by_one_of_two_tabs(product: Product):
    customers = [await product.sign_up() for _ in range(TIMES)]
    await asyncio.gather(*(product.grant(customer, PRICE) for customer in customers))

    async def two_tabs(customer: Person) -> list[int]:
        answers = await asyncio.gather(ask(product, customer), ask(product, customer))
        return sorted(answer.status_code for answer in answers)

    outcomes = await asyncio.gather(*(two_tabs(customer) for customer in customers))

    assert outcomes == [[201, 402]] * TIMES
    for customer in customers:
        await credits_are(product, customer, 0)
        held = await product.rows(
            "billing",
            "SELECT 1 FROM holds JOIN accounts ON accounts.id = account_id WHERE user_id = :user_id",
            user_id=customer.uuid,
        )
        assert len(held) == 1


async def test_credits_asked_for_by_more_tasks_than_they_pay_for_are_held_for_as_many(
    product: Product,
):
    """The gate itself, past the courtesy of the hint: a hint that knows too much admits what is denied."""
    customer = await product.funded(PRICE * 3)
    await product.rows(
        "tasks",
        "UPDATE balance_hints SET available = 1000000, balance = 1000000"
        " WHERE user_id = :user_id RETURNING 1",
        user_id=customer.uuid,
    )

    answers = await asyncio.gather(*(ask(product, customer) for _ in range(TIMES)))

    ids = [answer.json()["task_id"] for answer in answers if answer.status_code == 201]
    ended = [(await product.task_is(customer, task_id, *FINAL))["status"] for task_id in ids]
    assert ended.count("completed") == 3
    assert set(ended) <= {"completed", "rejected"}
    await credits_are(product, customer, 0)
