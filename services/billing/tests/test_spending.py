"""Spending at once: never more than there is, once for a key, and everybody can see on what."""

import asyncio
from uuid import uuid4

import pytest
from sqlalchemy import text

from billing import ledger
from billing.models import Kind
from billing.proof import prove
from billing.spending import InsufficientCredits, Spending, Wanted
from shared.contracts.credits import CreditsRanLow, CreditsSpent
from shared.contracts.tasks import Outcome, TaskCreated, TaskFinished, Terms
from shared.idempotency import Answer


class Customer:
    """A user with credits and headers of their own."""

    def __init__(self, billing, issuer):
        self.billing = billing
        self.id = uuid4()
        self.headers = {"Authorization": f"Bearer {issuer.token(self.id)}"}

    async def given(self, amount):
        async with self.billing.database.transaction() as tx:
            grant = ledger.Grant(self.id, amount, Kind.BONUS, uuid4().hex, "a gift")
            await ledger.grant(tx, [grant])
        return self

    async def spend(self, amount=1, *, key=None, **fields):
        body = {"amount": amount, "reason": "a post", **fields}
        marks = {"Idempotency-Key": key or uuid4().hex}
        return await self.billing.client.post(
            "/api/credits/spend", json=body, headers=self.headers | marks
        )

    async def get(self, path, **parameters):
        answer = await self.billing.client.get(path, params=parameters, headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def events(self, kind):
        return [item for item in await self.billing.published(kind) if item.user_id == self.id]


@pytest.fixture
def customer(billing, issuer):
    return Customer(billing, issuer)


async def test_what_is_spent_leaves_at_once(customer):
    await customer.given(100)

    answer = await customer.spend(30, feature="posts")

    assert (answer.status_code, answer.json()["credits"]) == (201, 70)
    [line, _] = (await customer.get("/api/credits/transactions"))["transactions"]
    assert line["id"] == answer.json()["transaction_id"]
    assert (line["amount"], line["kind"], line["type"]) == (-30, "capture", "spend")
    [told] = await customer.events(CreditsSpent)
    assert (told.amount, told.feature, told.balance.available) == (30, "posts", 70)


async def test_more_than_there_is_cannot_be_spent_and_costs_nothing(customer):
    await customer.given(5)

    answer = await customer.spend(6)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (402, "insufficient_credits")
    assert (problem["needed"], problem["available"]) == (6, 5)
    assert problem["checkout_url"] == "http://test/credits"
    assert (await customer.spend(5)).status_code == 201


async def test_somebody_without_an_account_has_nothing_to_spend(customer):
    answer = await customer.spend(1)

    assert (answer.status_code, answer.json()["available"]) == (402, 0)


async def test_a_hundred_clients_at_once_with_credits_for_thirty_seven_are_thirty_seven(customer):
    await customer.given(37)

    answers = await asyncio.gather(*(customer.spend(1) for _ in range(100)))

    assert sorted(answer.status_code for answer in answers) == [201] * 37 + [402] * 63
    left = sorted(item.json()["credits"] for item in answers if item.status_code == 201)
    assert left == list(range(37))
    assert len({item.json()["transaction_id"] for item in answers if item.is_success}) == 37
    async with customer.billing.database.transaction() as tx:
        assert await prove(tx) == {}


async def test_two_replicas_share_what_there_is(billing, customer):
    await customer.given(50)
    replicas = [Spending(billing.database, checkout_url="/credits") for _ in range(2)]
    wanted = Wanted(customer.id, 3, "a post", "posts")

    outcomes = await asyncio.gather(
        *(replicas[n % 2].spend(wanted, None) for n in range(100)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 16
    assert sum(isinstance(outcome, InsufficientCredits) for outcome in outcomes) == 84


async def test_the_same_key_spends_once_however_many_ask(customer):
    await customer.given(100)

    answers = await asyncio.gather(*(customer.spend(7, key="the-same") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19
    assert (await customer.get("/api/credits/summary"))["available"] == 93


async def test_a_key_of_another_request_is_a_conflict(customer):
    await customer.given(100)
    await customer.spend(7, key="one")

    assert (await customer.spend(8, key="one")).status_code == 409


async def test_a_refused_key_can_be_used_again(customer):
    assert (await customer.spend(7, key="again")).status_code == 402
    await customer.given(7)

    assert (await customer.spend(7, key="again")).status_code == 201


async def test_a_spend_without_a_key_is_refused(customer):
    answer = await customer.billing.client.post(
        "/api/credits/spend", json={"amount": 1, "reason": "x"}, headers=customer.headers
    )

    assert answer.status_code == 422
    assert "idempotency-key" in answer.text


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 0}, {"amount": -1}, {"amount": "1"}, {"amount": 1.5}, {"amount": 10**10},
        {"reason": ""}, {"reason": "x" * 501}, {"reason": "\x00"}, {"surprise": 1},
        {"feature": ""}, {"feature": "Posts"}, {"feature": "a b"}, {"feature": "x" * 65},
        {"metadata": []}, {"metadata": {"a": "x" * 4096}}, {"metadata": {"a": "\x00"}},
        {"metadata": {"a": [[[[[[[[[[[[1]]]]]]]]]]]]}}, {"metadata": {"a\x00": 1}},
    ],
    ids=lambda fields: str(fields)[:30],
)  # fmt: skip
async def test_a_malformed_spend_names_the_field_and_costs_nothing(customer, fields):
    await customer.given(5)

    answer = await customer.spend(**{"amount": 1, **fields})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert next(iter(fields)) in answer.text
    assert (await customer.get("/api/credits/summary"))["available"] == 5


@pytest.mark.parametrize(
    "text", ['{"amount": 1, "reason": "x", "metadata": {"a": NaN}}', "[" * 5000]
)
async def test_json_that_is_none_is_refused(customer, text):
    headers = customer.headers | {"Idempotency-Key": "k", "Content-Type": "application/json"}

    answer = await customer.billing.client.post("/api/credits/spend", content=text, headers=headers)

    assert answer.status_code == 422


async def test_usage_tells_what_went_to_which_feature(customer):
    await customer.given(100)
    notes = {"post": "post_1", "tags": ["a", None, 1.5], "ünï": "✓"}
    await customer.spend(1, feature="posts", metadata=notes)
    await customer.spend(2, feature="posts")
    await customer.spend(30, feature="images")
    await customer.spend(4)

    page = await customer.get("/api/credits/usage", limit=3)
    rest = await customer.get("/api/credits/usage", limit=3, cursor=page["next_cursor"])
    posts = await customer.get("/api/credits/usage", feature="posts")

    seen = [(row["feature"], row["amount"]) for row in page["usage"] + rest["usage"]]
    assert seen == [("other", 4), ("images", 30), ("posts", 2), ("posts", 1)]
    assert rest["usage"][0]["metadata"] == notes
    assert page["totals"] == [
        {"feature": "images", "amount": 30, "count": 1},
        {"feature": "other", "amount": 4, "count": 1},
        {"feature": "posts", "amount": 3, "count": 2},
    ]
    assert [row["amount"] for row in posts["usage"]] == [2, 1]
    assert [total["feature"] for total in posts["totals"]] == ["posts"]


async def test_usage_can_be_asked_for_by_time(customer):
    await customer.given(100)
    await customer.spend(1)
    async with customer.billing.database.transaction() as tx:
        now = await tx.now()

    before = await customer.get("/api/credits/usage", to=now.date().isoformat())
    since = await customer.get("/api/credits/usage", **{"from": now.date().isoformat()})

    assert (before["usage"], len(since["usage"])) == ([], 1)


@pytest.mark.parametrize("moment", ["1", "yesterday", "2026-13-01", "2026-01-01T00:00:00"])
async def test_a_moment_that_is_none_is_refused(customer, moment):
    answer = await customer.billing.client.get(
        "/api/credits/usage", params={"from": moment}, headers=customer.headers
    )

    assert answer.status_code == 422


async def test_nobody_sees_anothers_usage(billing, issuer, customer):
    await customer.given(10)
    await customer.spend(1)

    assert (await Customer(billing, issuer).get("/api/credits/usage"))["usage"] == []


async def test_the_example_costs_a_credit_and_answers_the_same_for_its_key(customer):
    await customer.given(2)
    headers = customer.headers | {"Idempotency-Key": "example"}

    async def ask(prompt):
        return await customer.billing.client.post(
            "/api/example/use-credits", json={"prompt": prompt}, headers=headers
        )

    first, again, other = await ask("hello"), await ask("hello"), await ask("else")

    assert first.json() == again.json()
    assert first.json()["success"] is True
    assert (first.json()["credits_used"], first.json()["credits_left"]) == (1, 1)
    assert "hello" in first.json()["result"]
    assert (first.status_code, other.status_code) == (200, 409)


async def test_the_example_without_credits_says_where_there_are_more(customer):
    answer = await customer.billing.client.post(
        "/api/example/use-credits", json={}, headers=customer.headers
    )

    assert (answer.status_code, answer.json()["needed"]) == (402, 1)


async def test_little_left_is_told_once_until_there_was_more(customer):
    await customer.given(12)
    await customer.spend(1)
    assert await customer.events(CreditsRanLow) == []

    for _ in range(4):
        await customer.spend(1)
    await customer.given(10)
    await customer.spend(8)

    told = [event.balance.available for event in await customer.events(CreditsRanLow)]
    assert told == [9, 9]


async def test_who_never_had_much_is_not_told_that_there_is_little(customer):
    await customer.given(9)

    await customer.spend(1)

    assert await customer.events(CreditsRanLow) == []


async def test_tasks_that_leave_little_are_told_of_once(customer):
    await customer.given(100)
    tasks = [task(customer.id, 50), task(customer.id, 45)]
    for created in tasks:
        await customer.billing.deliver(created)

    for created in tasks:
        await customer.billing.deliver(finished(created), times=2)

    [told] = await customer.events(CreditsRanLow)
    assert told.balance.available == 5


async def test_work_that_is_not_delivered_leaves_nothing_low(customer):
    await customer.given(10)
    created = task(customer.id, 10)
    await customer.billing.deliver(created)

    await customer.billing.deliver(finished(created, Outcome.FAILED))

    assert await customer.events(CreditsRanLow) == []


async def test_a_line_of_usage_cannot_be_separated_from_its_posting(customer):
    await customer.given(5)
    await customer.spend(2)
    tamper = text(
        "UPDATE usages SET amount = amount + :by"
        " WHERE account_id = (SELECT id FROM accounts WHERE user_id = :user_id)"
    )

    async with customer.billing.database.transaction() as tx:
        await tx.execute(tamper, {"by": 1, "user_id": customer.id})
        broken = await prove(tx)
        await tx.execute(tamper, {"by": -1, "user_id": customer.id})

    assert "what was used was captured" in broken


def task(user_id, maximum):
    return TaskCreated(
        task_id=uuid4(),
        user_id=user_id,
        agent_type="general",
        description="Do it",
        terms=Terms(expected=maximum, maximum=maximum),
    )


def finished(created, outcome=Outcome.SUCCEEDED):
    return TaskFinished(
        task_id=created.task_id,
        user_id=created.user_id,
        run_id=uuid4(),
        description="Do it",
        outcome=outcome,
        executor="demo",
    )
