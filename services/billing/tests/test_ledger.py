"""The ledger on a real database: amounts, concurrency, repetition, and rules that the database itself keeps."""

import asyncio
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from billing import ledger
from billing.models import Kind
from billing.proof import prove
from shared.contracts.tasks import Terms
from shared.testing import ServiceUnderTest


def terms(maximum, expected=None, per_unit_milli=None):
    return Terms(
        expected=maximum if expected is None else expected,
        maximum=maximum,
        per_unit_milli=per_unit_milli,
    )


async def give(billing: ServiceUnderTest, user_id: UUID, amount: int, kind=Kind.BONUS, **fields):
    key = fields.pop("key", uuid4().hex)
    async with billing.database.transaction() as tx:
        grant = ledger.Grant(user_id, amount, kind, key, "a gift", **fields)
        return await ledger.grant(tx, [grant])


async def hold(billing: ServiceUnderTest, user_id: UUID, task_id: UUID, maximum: int, **fields):
    async with billing.database.transaction() as tx:
        request = ledger.HoldRequest(user_id, task_id, terms(maximum, **fields))
        return await ledger.hold(tx, [request])


async def settle(billing, task_id, *, is_delivered=True, units_used=None):
    async with billing.database.transaction() as tx:
        settlement = ledger.Settlement(task_id, is_delivered, units_used, "a task")
        return await ledger.settle(tx, [settlement])


async def balance(billing, user_id):
    async with billing.database.transaction() as tx:
        return ledger.balance_of(await ledger.account_of(tx, user_id))


async def assert_books_balance(billing):
    async with billing.database.transaction() as tx:
        assert await prove(tx) == {}


async def test_a_grant_comes_in_once_for_its_key(billing):
    user_id = uuid4()

    await give(billing, user_id, 100, key=f"k{user_id}")
    again = await give(billing, user_id, 100, key=f"k{user_id}")

    assert again == []
    assert (await balance(billing, user_id)).available == 100


async def test_one_key_given_fifty_times_at_once_is_posted_once(billing):
    user_id = uuid4()

    answers = await asyncio.gather(
        *(give(billing, user_id, 7, key=f"k{user_id}") for _ in range(50))
    )

    assert sum(len(answer) for answer in answers) == 1
    assert (await balance(billing, user_id)).balance == 7


async def test_a_hold_takes_from_available_and_not_from_the_balance(billing):
    user_id = uuid4()
    await give(billing, user_id, 100)

    [held] = await hold(billing, user_id, uuid4(), 30)

    assert held.hold_id is not None
    assert (held.balance.balance, held.balance.reserved, held.balance.available) == (100, 30, 70)


async def test_a_hold_beyond_what_is_available_is_refused_and_changes_nothing(billing):
    user_id = uuid4()
    await give(billing, user_id, 29)

    [refused] = await hold(billing, user_id, uuid4(), 30)

    assert refused.hold_id is None
    assert refused.balance.available == 29


async def test_forty_holds_at_once_on_credits_for_ten_admit_exactly_ten(billing):
    user_id = uuid4()
    await give(billing, user_id, 105)

    answers = await asyncio.gather(*(hold(billing, user_id, uuid4(), 10) for _ in range(40)))

    assert sum(answer[0].hold_id is not None for answer in answers) == 10
    assert (await balance(billing, user_id)).available == 5
    await assert_books_balance(billing)


async def test_the_same_task_asked_for_twenty_times_at_once_is_held_once(billing):
    user_id, task_id = uuid4(), uuid4()
    await give(billing, user_id, 1000)

    answers = await asyncio.gather(*(hold(billing, user_id, task_id, 10) for _ in range(20)))

    assert sum(len(answer) for answer in answers) == 1
    assert (await balance(billing, user_id)).reserved == 10


async def test_delivered_work_is_captured_and_the_rest_comes_back(billing):
    user_id, task_id = uuid4(), uuid4()
    await give(billing, user_id, 100)
    await hold(billing, user_id, task_id, 50, expected=20)

    [settled] = await settle(billing, task_id)

    assert (settled.captured, settled.released) == (20, 30)
    assert (settled.balance.balance, settled.balance.reserved) == (80, 0)
    await assert_books_balance(billing)


async def test_work_that_used_more_than_was_held_costs_what_was_held(billing):
    user_id, task_id = uuid4(), uuid4()
    await give(billing, user_id, 100)
    await hold(billing, user_id, task_id, 50, per_unit_milli=1000)

    [settled] = await settle(billing, task_id, units_used=103)

    assert (settled.captured, settled.released) == (50, 0)


async def test_half_credits_are_rounded_up(billing):
    user_id, task_id = uuid4(), uuid4()
    await give(billing, user_id, 100)
    await hold(billing, user_id, task_id, 50, per_unit_milli=500)

    [settled] = await settle(billing, task_id, units_used=7)

    assert settled.captured == 4


async def test_undelivered_work_costs_nothing(billing):
    user_id, task_id = uuid4(), uuid4()
    await give(billing, user_id, 100)
    await hold(billing, user_id, task_id, 50)

    [settled] = await settle(billing, task_id, is_delivered=False)

    assert (settled.captured, settled.released, settled.balance.available) == (0, 50, 100)


async def test_a_hold_ends_once_whichever_outcome_comes_first(billing):
    user_id, task_id = uuid4(), uuid4()
    await give(billing, user_id, 100)
    await hold(billing, user_id, task_id, 50)

    answers = await asyncio.gather(
        *(settle(billing, task_id, is_delivered=bool(n % 2)) for n in range(10))
    )

    assert sum(len(answer) for answer in answers) == 1
    assert await settle(billing, task_id) == []
    await assert_books_balance(billing)


async def test_gifts_are_spent_before_what_was_bought_and_the_earliest_expiry_first(billing):
    user_id, task_id = uuid4(), uuid4()
    async with billing.database.transaction() as tx:
        now = await tx.now()
    await give(billing, user_id, 10, Kind.PURCHASE)
    await give(billing, user_id, 10)
    await give(billing, user_id, 10, expires_at=now)
    await hold(billing, user_id, task_id, 15)

    await settle(billing, task_id)

    async with billing.database.transaction() as tx:
        rows = await tx.execute(
            text(
                "SELECT kind, expires_at IS NULL AS lasts, remaining FROM lots JOIN accounts a"
                " ON a.id = account_id WHERE user_id = :user ORDER BY remaining"
            ),
            {"user": user_id},
        )
        left = [tuple(row) for row in rows]
    assert left == [("bonus", False, 0), ("bonus", True, 5), ("purchase", True, 10)]


async def test_a_batch_with_one_hot_account_is_the_same_as_one_by_one(billing):
    user_id = uuid4()
    grants = [ledger.Grant(user_id, n, Kind.BONUS, f"{user_id}{n}", "gift") for n in range(1, 101)]

    async with billing.database.transaction() as tx:
        granted = await ledger.grant(tx, grants)

    assert [item.balance.balance for item in granted][-1] == 5050
    assert [item.balance.version for item in granted] == list(range(1, 101))
    await assert_books_balance(billing)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE postings SET amount = amount + 1",
        "DELETE FROM postings",
        "TRUNCATE postings CASCADE",
        "UPDATE lot_uses SET amount = amount + 1",
        "DELETE FROM lot_uses",
    ],
)
async def test_the_database_refuses_to_change_a_line(billing, change):
    user_id, task_id = uuid4(), uuid4()
    await give(billing, user_id, 10)
    await hold(billing, user_id, task_id, 5)
    await settle(billing, task_id)

    with pytest.raises(DBAPIError, match="append only"):
        async with billing.database.transaction() as tx:
            await tx.execute(text(change))


@pytest.mark.parametrize(
    "change",
    ["balance = -1", "reserved = balance + 1", "reserved = -1"],
)
async def test_the_database_refuses_an_overdrawn_account(billing, change):
    user_id = uuid4()
    await give(billing, user_id, 10)

    with pytest.raises(DBAPIError, match="ck_accounts"):
        async with billing.database.transaction() as tx:
            await tx.execute(
                text(f"UPDATE accounts SET {change} WHERE user_id = :user"), {"user": user_id}
            )


async def test_the_proof_names_a_balance_that_was_tampered_with(billing):
    user_id = uuid4()
    await give(billing, user_id, 10)
    tamper = text("UPDATE accounts SET balance = balance + :by WHERE user_id = :user")

    async with billing.database.transaction() as tx:
        await tx.execute(tamper, {"by": 1, "user": user_id})
        broken = await prove(tx)
        await tx.execute(tamper, {"by": -1, "user": user_id})

    assert "a balance is the sum of its postings" in broken
    assert "the sum over all accounts is zero" in broken


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("grant"), st.integers(1, 50)),
        st.tuples(st.just("hold"), st.integers(1, 60)),
        st.tuples(st.just("settle"), st.integers(0, 70)),
        st.tuples(st.just("release"), st.just(0)),
    ),
    max_size=25,
)


@given(operations=OPERATIONS)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_sequence_agrees_with_a_model_of_ten_lines(billing, operations):
    user_id, funds, held = uuid4(), 0, []

    for name, number in operations:
        if name == "grant":
            await give(billing, user_id, number)
            funds += number
        elif name == "hold":
            task_id = uuid4()
            [answer] = await hold(billing, user_id, task_id, number, per_unit_milli=1000)
            is_affordable = funds - sum(maximum for _, maximum in held) >= number
            assert (answer.hold_id is not None) == is_affordable
            held += [(task_id, number)] if is_affordable else []
        elif held:
            task_id, maximum = held.pop(0)
            await settle(billing, task_id, is_delivered=name == "settle", units_used=number)
            funds -= min(number, maximum) if name == "settle" else 0

    if operations and any(name in ("grant", "hold") for name, _ in operations):
        state = await balance(billing, user_id)
        assert state.balance == funds
        assert state.reserved == sum(maximum for _, maximum in held)
    await assert_books_balance(billing)
