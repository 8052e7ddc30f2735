"""Everything at once on a few accounts: nothing waits for ever, nothing is lost, and every rule holds."""

import asyncio
import random
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from paid import paid
from sqlalchemy import text

from billing import ledger
from billing.models import Kind
from billing.proof import prove
from shared.contracts.tasks import Terms

CLIENTS, ROUNDS, PEOPLE = 16, 16, 5  # as many clients as a process has connections, and no more
BALANCES = text("""
    SELECT a.user_id, a.balance, (SELECT coalesce(sum(-p.amount), 0) FROM postings p
           WHERE p.account_id = a.id AND p.key LIKE 'repay:%') AS repaid
    FROM accounts a WHERE a.user_id = ANY (:users)
""")


class Crowd:
    """Clients who do anything to the same accounts, in batches over several of them, and keep what was done."""

    def __init__(self, billing, seed):
        self.billing = billing
        self.users = [uuid4() for _ in range(PEOPLE)]
        self.plans = {user: f"sub_{user.hex}" for user in self.users}
        self.payments = {}
        self.tasks = []
        self.moved = Counter()
        self.chance = random.Random(seed)

    async def do(self, work):
        async with self.billing.database.transaction() as tx:
            return await work(tx)

    def some(self):
        return self.chance.sample(self.users, self.chance.randint(1, PEOPLE))

    async def begin(self):
        async def work(tx):
            for user_id in self.users:
                payment_id = uuid4()
                self.payments[payment_id] = user_id
                tx.add(paid(payment_id, user_id, 10_000, await tx.now()))
                await tx.flush()
                bought = (Kind.PURCHASE, f"payment:{payment_id}", "bought")
                grant = ledger.Grant(user_id, 10_000, *bought, payment_id=payment_id)
                await ledger.grant(tx, [grant])
                self.moved[user_id] += 10_000

        await self.do(work)

    async def client(self):
        for _ in range(ROUNDS):
            await self.chance.choice(
                [
                    self.grant,
                    self.hold,
                    self.settle,
                    self.spend,
                    self.revoke,
                    self.turn,
                    self.expire,
                ]
            )()

    async def grant(self):
        kinds = (Kind.BONUS, Kind.SUBSCRIPTION)

        async def work(tx):
            soon = await tx.now() + timedelta(seconds=self.chance.choice([-1, 3600]))
            grants = [
                ledger.Grant(
                    *(user, self.chance.randint(1, 50), self.chance.choice(kinds), uuid4().hex),
                    "gift",
                    expires_at=self.chance.choice([None, soon]),
                    subscription_id=self.chance.choice([None, self.plans[user]]),
                )
                for user in self.some()
            ]
            return await ledger.grant(tx, grants)

        for granted in await self.do(work):
            self.moved[granted.grant.user_id] += granted.grant.amount

    async def hold(self):
        tasks = [(user, uuid4(), self.chance.randint(1, 90)) for user in self.some()]
        requests = [
            ledger.HoldRequest(user, task, Terms(expected=amount, maximum=amount))
            for user, task, amount in tasks
        ]
        answers = await self.do(lambda tx: ledger.hold(tx, requests))
        self.tasks += [item.request.task_id for item in answers if item.hold_id is not None]

    async def settle(self):
        count = min(len(self.tasks), 4)
        ends = [
            ledger.Settlement(
                self.chance.choice(self.tasks),
                is_delivered=self.chance.random() < 0.7,
                units_used=None,
                description="a task",
            )
            for _ in range(count)
        ]
        for settled in await self.do(lambda tx: ledger.settle(tx, ends)):
            self.moved[settled.user_id] -= settled.captured

    async def spend(self):
        spends = [
            ledger.Spend(user, self.chance.randint(1, 30), uuid4().hex, "a post", "posts", {})
            for user in self.some()
        ]
        for spent in await self.do(lambda tx: ledger.spend(tx, spends)):
            if spent.posting_id is not None:
                self.moved[spent.spend.user_id] -= spent.spend.amount

    async def revoke(self):
        payment_id, user_id = self.chance.choice(list(self.payments.items()))
        cause = (self.chance.choice([Kind.REFUND, Kind.DISPUTE]), uuid4().hex, "back", payment_id)
        amount = self.chance.randint(1, 400)
        taken = [ledger.Revocation(user_id, amount, *cause)]
        for revoked in await self.do(lambda tx: ledger.revoke(tx, taken)):
            self.moved[user_id] -= revoked.taken
        if self.chance.random() < 0.5:
            cause = (cause[0], uuid4().hex, "given back", payment_id)
            given = [ledger.Reinstatement(user_id, amount, *cause)]
            for item in await self.do(lambda tx: ledger.reinstate(tx, given)):
                self.moved[user_id] += item.given

    async def turn(self):
        plans = [self.plans[user] for user in self.some()]
        turn = self.chance.choice([ledger.pause, ledger.resume])
        await self.do(lambda tx: turn(tx, plans))

    async def expire(self):
        for expired in await self.do(lambda tx: ledger.expire(tx, 50)):
            self.moved[expired.user_id] -= expired.amount


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_everything_at_once_keeps_every_rule_and_every_credit(billing, seed):
    crowd = Crowd(billing, seed)
    await crowd.begin()

    await asyncio.gather(*(crowd.client() for _ in range(CLIENTS)))

    async with billing.database.transaction() as tx:
        assert await prove(tx) == {}
        rows = (await tx.execute(BALANCES, {"users": crowd.users})).all()
    moved = {user: crowd.moved[user] for user in crowd.users}  # others' lots may have expired too
    assert {row.user_id: row.balance + row.repaid for row in rows} == moved
