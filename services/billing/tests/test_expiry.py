"""Expiry: what is over leaves, what holds may need waits, and owners are told before, each stage once."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from clocks import MovingClock

from billing import expiry, ledger, pauses
from billing.models import Kind
from billing.proof import prove
from shared.contracts.credits import (
    CreditsExpired,
    CreditsExpiring,
    CreditsPaused,
    CreditsResumed,
)
from shared.contracts.tasks import Terms
from shared.db import Database

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Bank:
    """Billing's database at a time of our own."""

    def __init__(self, billing):
        self.billing = billing
        self.clock = MovingClock(NOON)
        self.database = Database(billing.database.url, source="billing", clock=self.clock)

    async def do(self, work):
        async with self.database.transaction() as tx:
            return await work(tx)

    async def give(self, user_id, amount, days=None, *, kind=Kind.BONUS, **fields):
        expires_at = None if days is None else self.clock.moment + timedelta(days=days)
        grant = ledger.Grant(
            *(user_id, amount, kind, uuid4().hex, "a gift"), expires_at=expires_at, **fields
        )
        await self.do(lambda tx: ledger.grant(tx, [grant]))
        return expires_at

    async def hold(self, user_id, amount):
        task_id = uuid4()
        terms = Terms(expected=amount, maximum=amount)
        await self.do(lambda tx: ledger.hold(tx, [ledger.HoldRequest(user_id, task_id, terms)]))
        return task_id

    async def end(self, task_id, *, is_delivered):
        settlement = ledger.Settlement(task_id, is_delivered, None, "a task")
        await self.do(lambda tx: ledger.settle(tx, [settlement]))

    async def after(self, **time):
        self.clock.moment += timedelta(**time)
        while await self.do(expiry.expire):
            pass
        while await self.do(expiry.warn):
            pass

    async def told(self, kind, user_id):
        return [item for item in await self.billing.published(kind) if item.user_id == user_id]

    async def balance(self, user_id):
        return await self.do(lambda tx: of_account(tx, user_id))


async def of_account(tx, user_id):
    account = await ledger.account_of(tx, user_id)
    assert await prove(tx) == {}
    return ledger.balance_of(account)


@pytest.fixture
async def bank(billing):
    bank = Bank(billing)
    yield bank
    await bank.database.close()


async def test_what_is_over_leaves_and_the_rest_stays(bank):
    user_id = uuid4()
    await bank.give(user_id, 100)
    await bank.give(user_id, 30, days=2)

    await bank.after(days=1)
    before = await bank.balance(user_id)
    await bank.after(days=1)

    assert (before.available, (await bank.balance(user_id)).available) == (130, 100)
    [told] = await bank.told(CreditsExpired, user_id)
    assert (told.amount, told.balance.available) == (30, 100)


async def test_what_holds_may_need_waits_for_their_end(bank):
    user_id = uuid4()
    await bank.give(user_id, 30, days=1)
    await bank.give(user_id, 10)
    task_id = await bank.hold(user_id, 20)

    await bank.after(days=2)
    held = await bank.balance(user_id)
    await bank.end(task_id, is_delivered=False)
    await bank.after(seconds=1)

    assert (held.balance, held.reserved, held.available) == (30, 20, 10)
    assert (await bank.balance(user_id)).balance == 10
    assert [item.amount for item in await bank.told(CreditsExpired, user_id)] == [10, 20]


async def test_a_hold_captures_what_was_over_while_it_waited(bank):
    user_id = uuid4()
    await bank.give(user_id, 30, days=1)
    await bank.give(user_id, 10)
    task_id = await bank.hold(user_id, 20)

    await bank.after(days=2)
    await bank.end(task_id, is_delivered=True)
    await bank.after(seconds=1)

    assert (await bank.balance(user_id)).available == 10


async def test_more_lots_that_wait_than_a_batch_takes_keep_no_other_from_expiring(bank):
    waiting = [uuid4() for _ in range(expiry.BATCH_MAX + 5)]
    for user_id in waiting:
        await bank.give(user_id, 1, days=1)
        await bank.hold(user_id, 1)
    other = uuid4()
    await bank.give(other, 7, days=2)

    await bank.after(days=3)

    assert (await bank.balance(other)).balance == 0
    assert (await bank.balance(waiting[0])).balance == 1


async def test_owners_are_told_fourteen_three_and_one_days_before_each_once(bank):
    user_id = uuid4()
    expires_at = await bank.give(user_id, 50, days=20)
    days = []

    for _ in range(21 * 4):
        await bank.after(hours=6)
        told = await bank.told(CreditsExpiring, user_id)
        days += [(expires_at - bank.clock.moment).days] * (len(told) - len(days))

    assert [item.days_left for item in told] == [14, 3, 1]
    assert days == [13, 2, 0]
    assert {(item.amount, item.expires_at) for item in told} == {(50, expires_at)}


async def test_what_was_spent_is_not_told_of_and_what_is_left_is(bank):
    user_id = uuid4()
    await bank.give(user_id, 50, days=20)
    task_id = await bank.hold(user_id, 49)
    await bank.end(task_id, is_delivered=True)

    await bank.after(days=7)
    second = await bank.hold(user_id, 1)
    await bank.end(second, is_delivered=True)
    await bank.after(days=12)

    assert [item.amount for item in await bank.told(CreditsExpiring, user_id)] == [1]


async def test_lots_with_one_last_moment_are_told_of_together(bank, monkeypatch):
    monkeypatch.setattr(expiry, "BATCH_MAX", 2)
    user_id = uuid4()
    for amount in (5, 6, 7):
        await bank.give(user_id, amount, days=15)
        bank.clock.moment = NOON

    await bank.after(days=2)

    assert [item.amount for item in await bank.told(CreditsExpiring, user_id)] == [18]


@pytest.mark.parametrize(("days", "stages"), [(10, [3, 1]), (2, [1]), (0.5, [])])
async def test_what_lives_for_less_than_a_stage_is_not_told_at_once(bank, days, stages):
    user_id = uuid4()
    await bank.give(user_id, 5, days=days)

    for _ in range(int(days * 24)):
        await bank.after(hours=1)

    assert [item.days_left for item in await bank.told(CreditsExpiring, user_id)] == stages


async def test_a_long_outage_is_followed_by_the_one_notice_that_is_still_true(bank):
    user_id = uuid4()
    await bank.give(user_id, 5, days=20)

    await bank.after(days=18)
    await bank.after(days=1, hours=12)

    assert [item.days_left for item in await bank.told(CreditsExpiring, user_id)] == [3, 1]


async def test_everybody_hears_when_a_plan_is_paused_and_resumed(bank):
    user_id, plan = uuid4(), uuid4().hex
    await bank.give(user_id, 40, kind=Kind.SUBSCRIPTION, subscription_id=plan)
    await bank.give(user_id, 2)

    for change in (pauses.pause, pauses.pause, pauses.resume, pauses.resume):
        await bank.do(lambda tx, change=change: change(tx, [plan]))

    [paused] = await bank.told(CreditsPaused, user_id)
    [resumed] = await bank.told(CreditsResumed, user_id)
    assert (paused.amount, paused.balance.available) == (40, 2)
    assert (resumed.amount, resumed.balance.available) == (40, 42)
    assert resumed.balance.version > paused.balance.version
