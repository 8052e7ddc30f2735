"""The walk through the ledger: it finds what the whole proof finds, slice by slice, and remembers where it is."""

from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text, update

from billing import ledger, patrol, payments
from billing.models import Kind, Payment, PlanGrant, Proof
from billing.proof import prove
from shared.contracts.tasks import Terms
from shared.db import Database
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed

UNGUARD = (
    "ALTER TABLE postings DISABLE TRIGGER USER",
    "ALTER TABLE lot_uses DISABLE TRIGGER USER",
    "ALTER TABLE reversals DISABLE TRIGGER USER",
)


MANY_ACCOUNTS = """
INSERT INTO accounts (id, user_id, balance, reserved, version, line, created_at)
SELECT gen_random_uuid(), gen_random_uuid(), 0, 0, 0, 0, now() FROM generate_series(1, :count)
"""


class Undo(Exception):
    """Ends a transaction that shall not commit."""


class MovingClock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.moment = datetime.now(UTC)

    def now(self):
        return self.moment


@pytest.fixture
async def books(billing):
    """Accounts with a gift, purchases, an open hold and a captured one; one that owes, one that is paused."""
    user_id, debtor, done = uuid4(), uuid4(), uuid4()
    for payer in (user_id, debtor):
        session = checkout_session(email="a@example.com", client_reference_id=f"usr_{payer.hex}")
        answer = await billing.client.post(
            "/api/webhooks/stripe", **signed(event(session), WEBHOOK_SECRET)
        )
        assert answer.status_code == 200
    await billing.work()
    async with billing.database.transaction() as tx:
        gift = ledger.Grant(user_id, 100, Kind.BONUS, uuid4().hex, "a gift")
        await ledger.grant(tx, [gift])
        for task_id in (done, uuid4()):
            await ledger.hold(tx, [ledger.HoldRequest(user_id, task_id, terms(30))])
        await ledger.settle(
            tx, [ledger.Settlement(done, is_delivered=True, units_used=None, description="a task")]
        )
        paid = await tx.execute(text("SELECT id, user_id FROM payments WHERE status = 'paid'"))
        owners = {row.id: row.user_id for row in paid}
        await payments.grant_waiting(tx, owners)
        await take_back(tx, debtor, next(one for one in owners if owners[one] == debtor))
        plan = ledger.Grant(
            uuid4(), 20, Kind.SUBSCRIPTION, uuid4().hex, "a plan", subscription_id=uuid4().hex
        )
        await ledger.grant(tx, [plan])
        await ledger.pause(tx, [plan.subscription_id])
        await pay_for_plan(tx, uuid4())
    return billing


async def pay_for_plan(tx, user_id):
    """Have an invoice paid that brings credits now and later."""
    now, payment_id, subscription = await tx.now(), uuid4(), uuid4().hex
    tx.add(
        Payment(
            id=payment_id,
            stripe_invoice_id=uuid4().hex,
            stripe_subscription_id=subscription,
            amount_cents=2900,
            currency="usd",
            credits=1000,
            status="paid",
            created_at=now,
            paid_at=now,
        )
    )
    await tx.flush()
    for days in (0, 30):
        tx.add(
            PlanGrant(
                id=uuid4(),
                key=uuid4().hex,
                payment_id=payment_id,
                stripe_subscription_id=subscription,
                price_id="price_1",
                amount=500,
                status="waiting",
                due_at=now + timedelta(days=days),
            )
        )
    await tx.flush()
    await payments.grant_waiting(tx, {payment_id: user_id})


async def take_back(tx, user_id, payment_id):
    """Spend most of a payment, take all of it back, repay some, forgive some."""
    spend = ledger.Spend(user_id, 900, uuid4().hex, "a post", "posts", {})
    await ledger.spend(tx, [spend])
    refund = (Kind.REFUND, uuid4().hex, "a refund", payment_id)
    await ledger.revoke(tx, [ledger.Revocation(user_id, 1000, *refund)])
    await ledger.grant(tx, [ledger.Grant(user_id, 50, Kind.BONUS, uuid4().hex, "a gift")])
    failed = (Kind.REFUND, uuid4().hex, "a refund that failed", payment_id)
    await ledger.reinstate(tx, [ledger.Reinstatement(user_id, 300, *failed)])


def terms(maximum):
    return Terms(expected=maximum, maximum=maximum, per_unit_milli=None)


@asynccontextmanager
async def undone(books):
    """A transaction whose changes nobody shall see."""
    with suppress(Undo):
        async with books.database.transaction() as tx:
            yield tx
            raise Undo


async def walk(tx):
    """Have every table walked from its beginning to its end, within this transaction."""
    beginning = {"position": patrol.START, "found": {}, "finished_at": None}
    await tx.execute(update(Proof).values(beginning))
    hurry = text("UPDATE proofs SET due_at = now() WHERE finished_at IS NULL RETURNING subject")
    while (await tx.execute(hurry)).all():
        while await patrol.step(tx):
            await tx.flush()
    return {rule: count for rule, count in (await patrol.broken(tx)).items() if count}


async def test_books_that_balance_break_no_rule(books):
    async with books.database.transaction() as tx:
        assert await walk(tx) == {} == await prove(tx)
        assert await patrol.age_s(tx) == 0


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            "UPDATE accounts SET balance = balance + 1 WHERE debt = 0",
            "a balance is what the last line left",
        ),
        ("UPDATE accounts SET line = line - 1", "a balance is what the last line left"),
        (
            "UPDATE accounts SET reserved = reserved - 1 WHERE reserved > 0",
            "what is reserved is the sum of the open holds",
        ),
        (
            "DELETE FROM holds WHERE settled_at IS NULL",
            "what is reserved is the sum of the open holds",
        ),
        (
            "UPDATE lots SET remaining = remaining - 1 WHERE remaining > 0",
            "a balance is the sum of what its lots have left",
        ),
        (
            "UPDATE postings SET amount = amount + 1 WHERE line = 2",
            "each line follows from the one before",
        ),
        ("UPDATE postings SET line = 9 WHERE line = 1", "each line follows from the one before"),
        ("UPDATE lot_uses SET amount = amount + 1", "what a posting took is what its lots gave"),
        ("DELETE FROM lot_uses", "what a lot lost is what was spent from it"),
        (
            "UPDATE holds SET captured = captured - 1, released = released + 1 WHERE captured > 0",
            "what was captured was posted",
        ),
        (
            "UPDATE payments SET credits = credits + 1",
            "a granted payment was posted once, for its credits",
        ),
        (
            "UPDATE payments SET status = 'paid'",
            "a granted payment was posted once, for its credits",
        ),
        (
            "UPDATE plan_grants SET amount = amount + 1 WHERE status = 'waiting'",
            "a paid invoice brings what its plan's grants are",
        ),
        (
            "UPDATE plan_grants SET status = 'granted'",
            "a plan's grant was posted once it was granted",
        ),
        ("UPDATE lots SET is_paused = true", "what is paused is what paused lots have left"),
        ("UPDATE debts SET forgiven = forgiven - 1", "what is owed is the sum of the open debts"),
        ("UPDATE accounts SET hash = NULL", "an account's hash is that of its last line"),
        (
            "UPDATE lots SET payment_id = NULL WHERE payment_id IS NOT NULL",
            "what came in is a lot, and nothing else is",
        ),
        (
            "UPDATE postings SET description = 'another story' WHERE line = 2",
            "each line's hash is over it and the line before",
        ),
        (
            "UPDATE debts SET forgiven = forgiven - 1",
            "what was forgiven is what was not given back",
        ),
        (
            "UPDATE reversals SET revoked_after = revoked_after - 1 WHERE number = 1",
            "what is taken back of a payment follows from before",
        ),
        (
            "UPDATE reversals SET moved = moved - 1 WHERE moved > 0",
            "what a reversal moved was posted",
        ),
        ("DELETE FROM debts", "what could not be taken back is owed"),
        ("UPDATE debts SET repaid = repaid - 1", "what was repaid of a debt was posted"),
        ("UPDATE usages SET amount = amount + 1", "what was used was captured"),
    ],
)
async def test_what_breaks_a_rule_is_found_by_the_walk_and_by_the_whole_proof(books, change, rule):
    async with undone(books) as tx:
        for statement in (*UNGUARD, change):
            await tx.execute(text(statement))

        assert (await walk(tx)).get(rule)
        if "line = line - 1" not in change:  # the whole proof does not read that column
            assert await prove(tx)


async def test_every_rule_of_the_walk_can_be_broken():
    [mark] = [
        mark
        for mark in test_what_breaks_a_rule_is_found_by_the_walk_and_by_the_whole_proof.pytestmark
        if mark.name == "parametrize"
    ]

    assert {rule for _, rule in mark.args[1]} == set(patrol.RULES)


async def test_a_repaired_rule_is_whole_again_after_the_next_walk(books):
    less = "UPDATE accounts SET reserved = reserved - 1 WHERE reserved > 0 RETURNING id"
    async with undone(books) as tx:
        touched = [row.id for row in await tx.execute(text(less))]
        assert await walk(tx)
        more = text("UPDATE accounts SET reserved = reserved + 1 WHERE id = ANY(:ids)")
        await tx.execute(more, {"ids": touched})

        assert await walk(tx) == {}


async def test_a_walk_goes_on_where_it_stopped_a_slice_a_second_and_rests_at_its_end(books):
    clock = MovingClock()
    database = Database(books.database.url, source="billing", clock=clock)
    async with database.transaction() as tx:
        await tx.execute(text(MANY_ACCOUNTS), {"count": 2 * patrol.SLICE})
        await tx.execute(
            text("UPDATE proofs SET due_at = :now, position = :start"),
            {"now": clock.moment, "start": patrol.START},
        )

    async def turn():
        async with database.transaction() as tx:
            while await patrol.step(tx):
                pass
            walk = await tx.get(Proof, "accounts")
            return walk.position, walk.finished_at

    first, second = await turn(), await turn()
    clock.moment += patrol.PACE
    third = await turn()
    clock.moment += patrol.PACE
    last = await turn()
    clock.moment += patrol.PACE
    resting = await turn()
    await database.close()

    assert first == second
    assert patrol.START < first[0] < third[0]
    assert last == (patrol.START, clock.moment - patrol.PACE) == resting
    assert timedelta(0) < patrol.REST


async def test_replicas_share_the_walks(books):
    async with books.database.transaction() as one:
        await one.execute(text("UPDATE proofs SET due_at = now()"))
    async with books.database.transaction() as one:
        await patrol.step(one)
        async with books.database.transaction() as other:
            steps = 0
            while await patrol.step(other):
                steps += 1

    assert steps == len(patrol.BROKEN) - 1
