"""Any story that an account can have agrees with a ledger done by hand, and breaks no rule after any step."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from clocks import MovingClock
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from ledger_model import ModelAccount, ModelLot
from paid import paid
from sqlalchemy import text

from billing import ledger
from billing.models import Base, Kind, Proof
from billing.proof import prove
from shared.contracts.tasks import Terms
from shared.db import Database
from shared.migrate import migrate

AMOUNTS = st.integers(1, 40)
GIFTS = st.sampled_from([Kind.BONUS, Kind.ADMIN_GRANT, Kind.GOODWILL, Kind.SUBSCRIPTION])
CAUSES = st.sampled_from([Kind.REFUND, Kind.DISPUTE])
DAYS = st.none() | st.integers(1, 5)
PLANS = ("sub_a", "sub_b")
KEPT = {Proof.__tablename__}


class Story(RuleBasedStateMachine):
    """One account's story, told to the ledger and to its model."""

    def __init__(self, runner, url):
        super().__init__()
        self.clock = MovingClock(datetime(2026, 1, 1, tzinfo=UTC))
        self._runner = runner
        self._database = Database(url, source="billing", clock=self.clock)
        self.model = ModelAccount()
        self.user_id = uuid4()
        self.credits = {}
        self.paused = set()

    def do(self, work):
        """Do something in a transaction of its own."""

        async def once():
            async with self._database.transaction() as tx:
                return await work(tx)

        return self._runner.run(once())

    def teardown(self):
        self._runner.run(self._database.close())

    @initialize()
    def begin(self):
        async def empty(tx):
            tables = [name for name in Base.metadata.tables if name not in KEPT]
            for verb in ("DISABLE", "ENABLE"):
                for table in tables:
                    await tx.execute(text(f"ALTER TABLE {table} {verb} TRIGGER USER"))
                if verb == "DISABLE":
                    await tx.execute(text(f"TRUNCATE {', '.join(tables)}"))
            await ledger.open_account(tx, self.user_id)

        self.do(empty)

    def lot(self, posting_id, amount, **fields):
        return ModelLot(posting_id, fields.pop("is_bought", False), amount, **fields)

    @rule(kind=GIFTS, amount=AMOUNTS, days=DAYS, plan=st.none() | st.sampled_from(PLANS))
    def grant(self, kind, amount, days, plan):
        plan = None if plan in self.paused else plan
        expires_at = self.clock.now() + timedelta(days=days) if days else None
        gift = ledger.Grant(
            *(self.user_id, amount, kind, uuid4().hex, "a gift"),
            expires_at=expires_at,
            subscription_id=plan,
        )
        [granted] = self.do(lambda tx: ledger.grant(tx, [gift, gift]))
        before = self.model.debt
        self.model.grant(
            self.lot(granted.posting_id, amount, expires_at=expires_at, subscription=plan)
        )
        assert granted.repaid == before - self.model.debt
        assert self.do(lambda tx: ledger.grant(tx, [gift])) == []

    @rule(amount=AMOUNTS, days=DAYS, plan=st.none() | st.sampled_from(PLANS))
    def buy(self, amount, days, plan):
        payment_id = uuid4()
        plan = None if plan in self.paused else plan
        expires_at = self.clock.now() + timedelta(days=days) if days else None
        grant = ledger.Grant(
            *(self.user_id, amount, Kind.PURCHASE, f"payment:{payment_id}", "bought"),
            payment_id=payment_id,
            expires_at=expires_at,
            subscription_id=plan,
        )

        async def work(tx):
            tx.add(paid(payment_id, self.user_id, amount, self.clock.moment))
            await tx.flush()
            return await ledger.grant(tx, [grant])

        [granted] = self.do(work)
        self.credits[payment_id] = amount
        fields = {"payment": payment_id, "subscription": plan, "expires_at": expires_at}
        self.model.grant(self.lot(granted.posting_id, amount, is_bought=True, **fields))

    @rule(maximum=AMOUNTS)
    def hold(self, maximum):
        task_id = uuid4()
        terms = Terms(expected=maximum, maximum=maximum, per_unit_milli=1000)
        request = ledger.HoldRequest(self.user_id, task_id, terms)
        [held] = self.do(lambda tx: ledger.hold(tx, [request, request]))
        assert (held.hold_id is not None) == self.model.can_spend(maximum)
        if held.hold_id is not None:
            self.model.hold(task_id, maximum)

    @precondition(lambda self: self.model.holds)
    @rule(used=st.integers(0, 50), is_delivered=st.booleans(), data=st.data())
    def settle(self, used, is_delivered, data):
        task_id = data.draw(st.sampled_from(list(self.model.holds)))
        settlement = ledger.Settlement(task_id, is_delivered, used, "a task")
        [settled] = self.do(lambda tx: ledger.settle(tx, [settlement, settlement]))
        assert settled.captured == self.model.settle(task_id, used if is_delivered else 0)
        assert self.do(lambda tx: ledger.settle(tx, [settlement])) == []

    @rule(amount=AMOUNTS)
    def spend(self, amount):
        spend = ledger.Spend(self.user_id, amount, f"spend:{uuid4()}", "a post", "posts", {"a": 1})
        [spent] = self.do(lambda tx: ledger.spend(tx, [spend, spend]))
        assert (spent.posting_id is not None) == self.model.can_spend(amount)
        if spent.posting_id is not None:
            self.model.spend(amount)
            assert self.do(lambda tx: ledger.spend(tx, [spend])) == []

    @precondition(lambda self: self.left_of_payments())
    @rule(kind=CAUSES, share=st.floats(0, 1), data=st.data())
    def revoke(self, kind, share, data):
        left = self.left_of_payments()
        payment_id = data.draw(st.sampled_from(list(left)))
        amount = max(int(left[payment_id] * share), 1)
        cause = (kind, uuid4().hex, "money back", payment_id)
        revocation = ledger.Revocation(self.user_id, amount, *cause)
        [revoked] = self.do(lambda tx: ledger.revoke(tx, [revocation, revocation]))
        assert revoked.taken == self.model.revoke(payment_id, kind, amount)
        assert revoked.owed == amount - revoked.taken
        assert self.do(lambda tx: ledger.revoke(tx, [revocation])) == []

    @precondition(lambda self: any(self.model.revoked.values()))
    @rule(kind=CAUSES, share=st.floats(0, 1), data=st.data())
    def reinstate(self, kind, share, data):
        taken = {payment: amount for payment, amount in self.model.revoked.items() if amount}
        payment_id = data.draw(st.sampled_from(list(taken)))
        amount = max(int(taken[payment_id] * share), 1)
        cause = (kind, uuid4().hex, "given back", payment_id)
        item = ledger.Reinstatement(self.user_id, amount, *cause)
        [back] = self.do(lambda tx: ledger.reinstate(tx, [item, item]))
        first = max(
            (lot for lot in self.model.lots if lot.payment == payment_id), key=lambda lot: lot.id
        )
        given = self.model.reinstate(
            payment_id, kind, amount, lambda rest: self.like(first, back.posting_id, rest)
        )
        assert (back.given, back.forgiven) == (given, amount - given)
        assert self.do(lambda tx: ledger.reinstate(tx, [item])) == []

    def like(self, lot, posting_id, amount):
        return ModelLot(
            *(posting_id, lot.is_bought, amount, lot.expires_at),
            *(lot.payment, lot.subscription, lot.is_paused),
        )

    @rule(plan=st.sampled_from(PLANS))
    def pause(self, plan):
        self.do(lambda tx: ledger.pause(tx, [plan]))
        assert self.do(lambda tx: ledger.pause(tx, [plan])) == []
        self.model.turn(plan, is_paused=True)
        self.paused.add(plan)

    @rule(plan=st.sampled_from(PLANS))
    def resume(self, plan):
        self.do(lambda tx: ledger.resume(tx, [plan]))
        assert self.do(lambda tx: ledger.resume(tx, [plan])) == []
        self.model.turn(plan, is_paused=False)
        self.paused.discard(plan)

    @rule(days=st.integers(0, 3))
    def expire(self, days):
        self.clock.moment += timedelta(days=days)
        moment = self.clock.moment
        self.do(lambda tx: ledger.expire(tx, 10))
        self.clock.moment = max(self.clock.moment, moment)
        self.model.expire(self.clock.moment)
        assert self.do(lambda tx: ledger.expire(tx, 10)) == []

    def left_of_payments(self):
        revoked = self.model.revoked
        left = {one: amount - revoked.get(one, 0) for one, amount in self.credits.items()}
        return {payment: amount for payment, amount in left.items() if amount}

    @invariant()
    def agrees(self):
        async def look(tx):
            account = await ledger.account_of(tx, self.user_id)
            return account, await prove(tx)

        account, broken = self.do(look)
        names = ("balance", "reserved", "available", "paused", "debt")
        assert {name: getattr(account, name) for name in names} == {
            name: getattr(self.model, name) for name in names
        }
        assert broken == {}
        assert account.debt == 0 or account.available == 0


@pytest.fixture
def runner():
    """A loop of this test's own: a story is told from outside of any."""
    with asyncio.Runner() as runner:
        yield runner


def test_any_story_agrees_with_a_ledger_done_by_hand(database_url, runner):
    async def prepare():
        database = Database(database_url, source="billing")
        await migrate(database.engine, "billing.migrations")
        await database.close()

    runner.run(prepare())

    run_state_machine_as_test(
        lambda: Story(runner, database_url),
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
