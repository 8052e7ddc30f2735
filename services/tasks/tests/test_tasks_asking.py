"""Asking for work: quotes, the check of credits, one task for one key, cancelling and asking again."""

import asyncio
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from tasks_parts import (
    IDS,
    Customer,
    TasksUnderTest,
    denied,
    granted,
    held,
    revoked,
    uuid_of,
)

from shared.contracts.tasks import TaskCreated, Terms
from shared.ids import public
from tasks.models import Quote


async def test_an_estimate_says_what_is_expected_the_most_and_until_when(customer: Customer):
    answer = await customer.post("/api/tasks/estimate", {"description": "Find me 100 leads"})

    quote = answer.json()
    assert answer.status_code == 200
    assert quote["quote_id"].startswith("quote_")
    assert quote["agent_type"] == "lead-generation"
    assert (quote["expected"], quote["maximum"]) == (100, 100)
    assert quote["rate_card_version"]
    assert quote["valid_until"].endswith("Z")


async def test_an_estimate_is_for_the_kind_of_agent_that_was_chosen(customer: Customer):
    answer = await customer.post(
        "/api/tasks/estimate", {"description": "Find me 100 leads", "agent_type": "research"}
    )

    assert (answer.json()["expected"], answer.json()["maximum"]) == (20, 50)


async def test_a_task_is_accepted_pending_and_published_with_its_terms(
    tasks: TasksUnderTest, customer: Customer
):
    answer = await customer.post("/api/tasks", {"description": "Find me 100 leads"})

    body = answer.json()
    assert answer.status_code == 201
    assert body["status"] == "pending"
    assert body["credits_remaining"] == 900
    published = await tasks.created(body["task_id"])
    assert published.user_id == customer.id
    assert published.agent_type == "lead-generation"
    assert published.description == "Find me 100 leads"
    assert published.terms == Terms(expected=100, maximum=100, per_unit_milli=1000)


async def test_the_older_path_is_the_same_handler(tasks: TasksUnderTest, customer: Customer):
    answer = await customer.post("/api/tasks/create", {"description": "Anything"})

    assert answer.status_code == 201
    assert await tasks.created(answer.json()["task_id"])


async def test_a_task_on_a_quote_has_the_terms_of_the_quote(
    tasks: TasksUnderTest, customer: Customer
):
    quote = await quoted(customer, "Anything")
    await change_quote(tasks, quote, maximum=7, expected=6)

    task_id = await customer.ask("Anything", quote_id=quote)

    assert (await tasks.created(task_id)).terms == Terms(expected=6, maximum=7)


async def test_a_quote_for_other_work_is_refused(customer: Customer):
    quote = await quoted(customer, "Anything")

    for body in (
        {"description": "Something else", "quote_id": quote},
        {"description": "Anything", "agent_type": "research", "quote_id": quote},
    ):
        answer = await customer.post("/api/tasks", body)
        assert (answer.status_code, answer.json()["code"]) == (409, "quote_mismatch")


async def test_an_expired_quote_is_refused(tasks: TasksUnderTest, customer: Customer):
    quote = await quoted(customer, "Anything")
    async with tasks.running.database.transaction() as tx:
        await tx.execute(
            update(Quote).where(Quote.id == uuid_of(quote)).values(valid_until=await tx.now())
        )

    answer = await customer.post("/api/tasks", {"description": "Anything", "quote_id": quote})

    assert (answer.status_code, answer.json()["code"]) == (409, "quote_expired")


async def test_another_users_quote_and_none_are_not_found(
    tasks: TasksUnderTest, customer: Customer
):
    other = await tasks.customer()

    for quote in (await quoted(other, "Anything"), public("quote", IDS.new())):
        answer = await customer.post("/api/tasks", {"description": "Anything", "quote_id": quote})
        assert (answer.status_code, answer.json()["code"]) == (404, "quote_not_found")


async def test_quotes_that_ended_long_ago_are_forgotten(tasks: TasksUnderTest, customer: Customer):
    old, recent = await quoted(customer, "Old"), await quoted(customer, "Recent")
    async with tasks.running.database.transaction() as tx:
        ended = await tx.now() - timedelta(days=2)
        await tx.execute(update(Quote).where(Quote.id == uuid_of(old)).values(valid_until=ended))

    await quoted(customer, "New")

    async with tasks.running.database.transaction() as tx:
        assert await tx.get(Quote, uuid_of(old)) is None
        assert await tx.get(Quote, uuid_of(recent)) is not None


async def test_who_has_not_enough_credits_is_told_how_many_and_where_there_are_more(
    tasks: TasksUnderTest,
):
    customer = await tasks.customer(with_credits=30)

    answer = await customer.post("/api/tasks", {"description": "Find me 100 leads"})

    problem = answer.json()
    assert answer.status_code == 402
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["code"] == "insufficient_credits"
    assert (problem["needed"], problem["available"]) == (100, 30)
    assert problem["checkout_url"] == "http://test/credits"
    assert (await customer.get("/api/tasks")).json()["tasks"] == []


async def test_a_user_nobody_has_heard_of_has_no_credits(tasks: TasksUnderTest):
    stranger = await tasks.customer()

    answer = await stranger.post("/api/tasks", {"description": "Anything"})

    assert (answer.status_code, answer.json()["available"]) == (402, 0)


async def test_pending_tasks_count_until_billing_has_answered(tasks: TasksUnderTest):
    customer = await tasks.customer(with_credits=25)
    first = await customer.post("/api/tasks", {"description": "One"})
    second = await customer.post("/api/tasks", {"description": "Two"})
    third = await customer.post("/api/tasks", {"description": "Three"})

    assert [first.json()["credits_remaining"], second.json()["credits_remaining"]] == [15, 5]
    assert (third.status_code, third.json()["available"]) == (402, 5)

    # The hint that comes with a hold counts it already: nothing is subtracted twice.
    task = await tasks.created(first.json()["task_id"])
    await tasks.running.deliver(held(task, left=15))
    fourth = await customer.post("/api/tasks", {"description": "Four"})
    assert fourth.json()["available"] == 5

    denial = denied(await tasks.created(second.json()["task_id"]), available=15, version=3)
    await tasks.running.deliver(denial)
    fifth = await customer.post("/api/tasks", {"description": "Five"})
    assert (fifth.status_code, fifth.json()["credits_remaining"]) == (201, 5)


async def test_an_older_balance_never_replaces_a_later_one(tasks: TasksUnderTest):
    customer = await tasks.customer()
    await tasks.running.deliver(granted(customer.id, 100, version=5))
    await tasks.running.deliver(granted(customer.id, 3, version=4))
    await tasks.running.deliver(granted(customer.id, 3, version=5))

    answer = await customer.post("/api/tasks", {"description": "Anything"})

    assert answer.json()["credits_remaining"] == 90


async def test_credits_that_were_taken_back_are_not_there_to_ask_with(tasks: TasksUnderTest):
    customer = await tasks.customer()
    await tasks.running.deliver(granted(customer.id, 100))
    await tasks.running.deliver(revoked(customer.id, 3))

    answer = await customer.post("/api/tasks", {"description": "Anything"})

    assert (answer.status_code, answer.json()["available"]) == (402, 3)


async def test_a_debt_is_shown_as_nothing_available(tasks: TasksUnderTest):
    customer = await tasks.customer()
    await tasks.running.deliver(granted(customer.id, 1).model_copy(update={"balance": debt()}))

    answer = await customer.post("/api/tasks", {"description": "Anything"})

    assert (answer.status_code, answer.json()["available"]) == (402, 0)


async def test_parallel_requests_spend_no_credit_twice(tasks: TasksUnderTest):
    customer = await tasks.customer(with_credits=55)

    answers = await asyncio.gather(
        *(customer.post("/api/tasks", {"description": "Anything"}) for _ in range(12))
    )

    accepted = [answer.json()["credits_remaining"] for answer in answers if answer.is_success]
    assert sorted(accepted) == [5, 15, 25, 35, 45]
    assert {answer.status_code for answer in answers} == {201, 402}


async def test_parallel_requests_with_one_key_are_one_task(
    tasks: TasksUnderTest, customer: Customer
):
    before = len(await tasks.running.published(TaskCreated))

    answers = await asyncio.gather(
        *(customer.post("/api/tasks", {"description": "Once"}, key="k") for _ in range(15))
    )

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert len((await customer.get("/api/tasks")).json()["tasks"]) == 1
    assert len(await tasks.running.published(TaskCreated)) == before + 1


async def test_a_key_with_another_body_is_a_conflict(customer: Customer):
    await customer.post("/api/tasks", {"description": "One"}, key="same")

    answer = await customer.post("/api/tasks", {"description": "Two"}, key="same")

    assert answer.status_code == 409


async def test_one_key_is_one_task_on_both_paths(tasks: TasksUnderTest, customer: Customer):
    body = {"description": "Once"}

    first = await customer.post("/api/tasks", body, key="either")
    again = await customer.post("/api/tasks/create", body, key="either")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert len((await customer.get("/api/tasks")).json()["tasks"]) == 1


async def test_a_refused_request_leaves_its_key_free(tasks: TasksUnderTest):
    customer = await tasks.customer()
    refused = await customer.post("/api/tasks", {"description": "Anything"}, key="again")
    await tasks.running.deliver(granted(customer.id, 10))

    accepted = await customer.post("/api/tasks", {"description": "Anything"}, key="again")

    assert [refused.status_code, accepted.status_code] == [402, 201]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"description": ""},
        {"description": " \n\t "},
        {"description": "a\x00b"},
        {"description": "\x00"},
        {"description": "\x01\r"},
        {"description": "x" * 16_001},
        {"description": 5},
        {"description": None},
        {"description": "a", "agent_type": "spy"},
        {"description": "a", "quote_id": "quote_1"},
        {"description": "a", "quote_id": "task_" + "0" * 32},
        {"description": "a", "credits": 1},
        [],
        "a",
        None,
    ],
)
async def test_what_is_no_request_is_refused(customer: Customer, body):
    for path in ("/api/tasks", "/api/tasks/create", "/api/tasks/estimate"):
        answer = await customer.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


async def test_half_a_character_is_refused(tasks: TasksUnderTest, customer: Customer):
    answer = await tasks.running.client.post(
        "/api/tasks",
        content=b'{"description": "\\ud800"}',
        headers={**customer.headers, "Content-Type": "application/json"},
    )

    assert answer.status_code == 422


@pytest.mark.parametrize(
    "description", ["x" * 16_000, "🙂" * 16_000, "a" + "\x01" * 15_999, "'; --", "%_\\"]
)
async def test_any_text_that_can_be_kept_is_accepted(customer: Customer, description):
    task_id = await customer.ask(description)

    assert (await customer.view(task_id))["description"] == description


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/tasks/estimate"),
        ("POST", "/api/tasks"),
        ("POST", "/api/tasks/create"),
        ("GET", "/api/tasks"),
        ("GET", "/api/tasks/task_" + "0" * 32),
        ("POST", "/api/tasks/task_" + "0" * 32 + "/cancel"),
        ("POST", "/api/tasks/task_" + "0" * 32 + "/retry"),
        ("GET", "/api/tasks/task_" + "0" * 32 + "/files/file_" + "0" * 32),
    ],
)
async def test_nothing_is_done_for_who_has_not_signed_in(tasks: TasksUnderTest, method, path):
    body = {"description": "a"} if method == "POST" else None

    answer = await tasks.running.client.request(method, path, json=body)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def debt():
    balance = granted(IDS.new(), 1).balance
    return balance.model_copy(update={"balance": -5, "available": -5})


async def quoted(customer: Customer, description: str) -> str:
    answer = await customer.post("/api/tasks/estimate", {"description": description})
    assert answer.status_code == 200
    assert datetime.fromisoformat(answer.json()["valid_until"])
    quote_id: str = answer.json()["quote_id"]
    return quote_id


async def change_quote(tasks: TasksUnderTest, quote_id: str, **values: int) -> None:
    async with tasks.running.database.transaction() as tx:
        await tx.execute(update(Quote).where(Quote.id == uuid_of(quote_id)).values(**values))
