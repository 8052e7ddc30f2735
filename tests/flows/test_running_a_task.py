"""J4 and J5: work is done, shown live, and paid for only when it was delivered."""

import asyncio
from uuid import uuid4

import pytest

from tests.flows.product import link_token

LEADS = "Find me 100 leads in Miami"


async def test_a_quote_says_what_it_will_cost(customer):
    answer = await customer.post("/api/tasks/estimate", {"description": LEADS})

    quote = answer.json()
    assert (quote["agent_type"], quote["expected"], quote["maximum"]) == (
        "lead-generation",
        100,
        100,
    )


async def test_a_task_is_delivered_with_its_file_and_captured(product, customer):
    quote = (await customer.post("/api/tasks/estimate", {"description": LEADS})).json()

    accepted = await customer.ask(LEADS, quote_id=quote["quote_id"])

    assert (accepted["status"], accepted["credits_remaining"]) == ("pending", 900)
    task = await customer.task_is(accepted["task_id"], "completed")
    assert "demo" in task["result"].lower()
    summary = await customer.credits_are(900)
    await customer.charged(task["task_id"], 100)
    capture = next(row for row in summary["transactions"] if row["kind"] == "capture")
    assert (capture["amount"], capture["task_id"], capture["type"]) == (
        -100,
        task["task_id"],
        "spend",
    )
    await product.mail(customer.address, "complete")


async def test_a_results_file_can_be_downloaded_by_its_owner_alone(product, customer):
    task = await customer.task_is((await customer.ask(LEADS))["task_id"], "completed")
    [file] = [item for item in task["files"] if item["name"] == "leads.csv"]
    path = f"/api/tasks/{task['task_id']}/files/{file['id']}"

    link = await product.http.get(path, headers=customer.headers)
    content = await product.http.get(link.headers["location"])

    assert link.status_code == 302
    assert len(content.content) == file["size"]
    assert content.text.count("\n") >= 100
    assert "attachment" in content.headers["content-disposition"]
    other = await product.customer()
    assert (await product.http.get(path, headers=other.headers)).status_code == 404
    tampered = link.headers["location"].replace("leads.csv", "other.csv")
    assert (await product.http.get(tampered)).status_code == 403


@pytest.mark.parametrize(
    ("description", "status"),
    [("Do it [demo: fail]", "failed"), ("Take for ever [demo: hang]", "timed_out")],
    ids=["the agent fails", "the agent hangs past its deadline"],
)
async def test_work_that_is_not_delivered_costs_nothing_and_says_why(
    product, customer, description, status
):
    accepted = await customer.ask(description)

    task = await customer.task_is(accepted["task_id"], status)

    assert task["error"]
    await customer.credits_are(1000)
    assert (await customer.task(task["task_id"]))["credits_spent"] == 0
    await product.mail(customer.address, "could not be completed")


async def test_a_task_that_is_cancelled_while_it_runs_costs_nothing(customer):
    accepted = await customer.ask("Take your time [demo: hang]")
    await customer.task_is(accepted["task_id"], "running")
    await customer.credits_are(990, reserved=10)

    answer = await customer.post(f"/api/tasks/{accepted['task_id']}/cancel")

    assert answer.status_code == 202
    await customer.task_is(accepted["task_id"], "cancelled")
    await customer.credits_are(1000)


async def test_a_cancelled_task_can_be_asked_for_again(customer):
    accepted = await customer.ask("Take your time [demo: hang]")
    await customer.post(f"/api/tasks/{accepted['task_id']}/cancel")
    await customer.task_is(accepted["task_id"], "cancelled")

    again = await customer.post(f"/api/tasks/{accepted['task_id']}/retry")

    assert again.status_code == 201
    assert again.json()["task_id"] != accepted["task_id"]
    await customer.post(f"/api/tasks/{again.json()['task_id']}/cancel")


async def test_without_enough_credits_the_answer_is_402(product):
    poor = await product.customer(funds=9)

    answer = await poor.post("/api/tasks", {"description": "Anything"})

    assert answer.status_code == 402
    body = answer.json()
    assert (body["code"], body["needed"], body["available"]) == ("insufficient_credits", 10, 9)
    assert body["checkout_url"]


async def test_tasks_at_once_with_credits_for_three_run_three(product):
    customer = await product.customer(funds=30)

    answers = await asyncio.gather(
        *(customer.post("/api/tasks", {"description": f"Number {n}"}) for n in range(8))
    )

    accepted = [answer.json()["task_id"] for answer in answers if answer.status_code == 201]
    assert len(accepted) == 3
    for task_id in accepted:
        await customer.task_is(task_id, "completed")
    await customer.credits_are(0)


async def test_one_idempotency_key_is_one_task(customer):
    key = {"Idempotency-Key": uuid4().hex}
    answers = await asyncio.gather(
        *(customer.post("/api/tasks", {"description": "Once"}, **key) for _ in range(5))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["task_id"] for answer in answers}) == 1
    other = await customer.post("/api/tasks", {"description": "Another"}, **key)
    assert other.status_code == 409


async def test_every_step_shows_live_and_a_lost_connection_misses_none(customer):
    seen, last = [], None

    async def follow(after, until):
        nonlocal last
        async for item in customer.stream(after=after):
            last = item.get("id", last)
            seen.append((item.get("event"), item["data"]))
            if until(item):
                return

    async with asyncio.timeout(60):
        await follow(None, lambda item: True)
        accepted = await customer.ask("Take a moment [demo: slow 1]")
        await follow(last, lambda item: item["data"].get("status") == "queued")
        await customer.task_is(accepted["task_id"], "completed")
        await customer.credits_are(990)
        await follow(
            last, lambda item: item["event"] == "credits" and item["data"]["available"] == 990
            and item["data"]["reserved"] == 0,
        )  # fmt: skip

    statuses = [
        data["status"]
        for _, data in seen
        if data.get("task_id") == accepted["task_id"] and "status" in data
    ]
    assert list(dict.fromkeys(statuses)) == ["pending", "queued", "running", "completed"]


async def test_the_originals_paths_work(customer):
    answer = await customer.post("/api/tasks/create", {"description": "By the other path"})

    assert answer.status_code == 201
    listed = await customer.get("/api/tasks", params={"q": "other path"})
    assert [task["task_id"] for task in listed["tasks"]] == [answer.json()["task_id"]]
    assert (await customer.get("/api/transactions"))["transactions"]


async def test_an_operator_does_a_task_by_hand(product, customer):
    accepted = await customer.ask("Take your time [demo: hang]")
    task_id = accepted["task_id"]
    await customer.task_is(task_id, "running")
    path = f"/api/admin/runs/{task_id}/status"

    taken = await product.http.post(path, json={"status": "in-progress"}, headers=product.admin)
    done = await product.http.post(
        path, json={"status": "completed", "result": "Done by a person."}, headers=product.admin
    )

    assert (taken.is_success, done.is_success) == (True, True), (taken.text, done.text)
    task = await customer.task_is(task_id, "completed")
    assert task["result"] == "Done by a person."
    await customer.credits_are(990)


async def test_no_link_of_a_mail_is_in_the_log(product, customer):
    token = link_token(await product.mail(customer.address, "onfirm"))

    log = product.log()

    assert token not in log
    assert customer.password not in log
