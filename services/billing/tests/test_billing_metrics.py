"""What billing's metrics say: webhooks by outcome, holds, payments, and the proof."""

from datetime import date, timedelta
from uuid import uuid4

from paid import paid
from sqlalchemy import delete, text

from billing import ledger, patrol
from billing.metrics import WEBHOOKS, gauges
from billing.models import Book, Kind
from shared.clock import first_id
from shared.contracts.tasks import Terms
from shared.contracts.users import UserEmailVerified, UserRegistered
from tests.stripe_events import WEBHOOK_SECRET, checkout_session, event, signed


async def read(billing):
    async with billing.database.transaction() as tx:
        return {gauge.name: gauge.values for gauge in await gauges(tx)}


def counted(outcome):
    [family] = WEBHOOKS.collect()
    return sum(
        sample.value
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels["outcome"] == outcome
    )


async def post(billing, body, secret=WEBHOOK_SECRET):
    await billing.client.post("/api/webhooks/stripe", **signed(body, secret))


async def test_webhooks_are_counted_by_what_came_of_them(billing):
    outcomes = ("accepted", "duplicate", "bad_signature", "bad_payload")
    before = [counted(outcome) for outcome in outcomes]
    paid = event(checkout_session())

    for _ in range(3):
        await post(billing, paid)
    await post(billing, paid, "whsec_of_a_stranger")
    await post(billing, "[]")

    after = [counted(outcome) for outcome in outcomes]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 2, 1, 1]


async def test_what_is_paid_and_not_granted_is_counted_whatever_its_age(billing):
    await post(billing, event(checkout_session()))
    await post(billing, event(checkout_session(currency="eur")))
    await post(billing, event(checkout_session(payment_status="unpaid")))
    await billing.work()
    before = await read(billing)
    async with billing.database.transaction() as tx:
        long_ago = await tx.now() - timedelta(days=3)
        await tx.execute(
            text("UPDATE payments SET paid_at = :ago WHERE status = 'paid'"), {"ago": long_ago}
        )
        for status in ("paid", "review", "open"):
            await tx.execute(
                text(
                    "UPDATE payments SET id = :id WHERE id ="
                    " (SELECT id FROM payments WHERE status = :status LIMIT 1)"
                ),
                {
                    "id": first_id(long_ago).int.to_bytes(16).hex()[:-8] + uuid4().hex[:8],
                    "status": status,
                },
            )
    after = await read(billing)

    assert before["impacter_payments"]["open"] == 1 + after["impacter_payments"]["open"]
    for status in ("paid", "review"):
        assert before["impacter_payments"][status] == after["impacter_payments"][status] >= 1
    assert before["impacter_payment_oldest_paid_seconds"][""] < 60
    assert after["impacter_payment_oldest_paid_seconds"][""] >= 3 * 86_400


async def test_a_payment_that_waits_for_its_payer_wakes_no_operator(billing):
    """Somebody signed up with the payer's address and has not confirmed it yet."""
    address = f"{uuid4().hex}@example.com"
    stranger = UserRegistered(user_id=uuid4(), email=address, sealed_token="x")
    await billing.deliver(stranger)
    await post(billing, event(checkout_session(email=address)))
    await billing.work()
    async with billing.database.transaction() as tx:
        long_ago = await tx.now() - timedelta(days=9)
        mine = {"ago": long_ago, "email": address}
        await tx.execute(text("UPDATE payments SET paid_at = :ago WHERE email = :email"), mine)

    waiting = await read(billing)
    await billing.deliver(UserEmailVerified(user_id=stranger.user_id, email=address))
    granted = await read(billing)

    assert waiting["impacter_payment_oldest_paid_seconds"][""] < 9 * 86_400
    assert waiting["impacter_payments"]["paid"] == granted["impacter_payments"]["paid"] + 1


async def test_open_holds_are_counted_with_their_credits_and_the_age_of_the_oldest(billing):
    async with billing.database.transaction() as tx:
        await tx.execute(text("UPDATE holds SET created_at = now() WHERE settled_at IS NULL"))
    before = await read(billing)
    user_id = uuid4()
    async with billing.database.transaction() as tx:
        gift = ledger.Grant(user_id, 100, Kind.BONUS, uuid4().hex, "a gift")
        await ledger.grant(tx, [gift])
        terms = Terms(expected=30, maximum=30)
        await ledger.hold(tx, [ledger.HoldRequest(user_id, uuid4(), terms)])
        await tx.execute(text("UPDATE holds SET created_at = now() - interval '1 hour'"))
    after = await read(billing)

    assert after["impacter_holds_open"][""] == before["impacter_holds_open"][""] + 1
    assert after["impacter_hold_credits"][""] == before["impacter_hold_credits"][""] + 30
    assert (
        after["impacter_hold_oldest_seconds"][""]
        >= 3600
        > before["impacter_hold_oldest_seconds"][""]
    )


async def test_every_rule_of_the_ledger_is_told_broken_or_not(billing):
    whole = await read(billing)
    async with billing.database.transaction() as tx:
        found = '{"what was captured was posted": 2}'
        await tx.execute(
            text("UPDATE proofs SET broken = :found WHERE subject = 'holds'"), {"found": found}
        )
        await tx.execute(text("UPDATE proofs SET began_at = now() - interval '2 hours'"))
    broken = await read(billing)

    assert set(whole["impacter_ledger_rule_broken"]) == set(patrol.RULES)
    assert set(whole["impacter_ledger_rule_broken"].values()) == {0}
    assert broken["impacter_ledger_rule_broken"]["what was captured was posted"] == 2
    assert broken["impacter_ledger_proof_age_seconds"][""] >= 7200


async def test_what_is_owed_is_counted(billing):
    user_id, payment_id = uuid4(), uuid4()
    before = await read(billing)
    async with billing.database.transaction() as tx:
        tx.add(paid(payment_id, user_id, 100, await tx.now()))
        await tx.flush()
        bought = (Kind.PURCHASE, f"payment:{payment_id}", "bought")
        await ledger.grant(tx, [ledger.Grant(user_id, 100, *bought, payment_id=payment_id)])
        await ledger.spend(tx, [ledger.Spend(user_id, 30, uuid4().hex, "x", "posts", {})])
        refund = (Kind.REFUND, uuid4().hex, "x", payment_id)
        await ledger.revoke(tx, [ledger.Revocation(user_id, 100, *refund)])

    after = await read(billing)

    names = ("impacter_debts_open", "impacter_debt_credits")
    assert [after[name][""] - before[name][""] for name in names] == [1, 30]


async def test_days_that_differ_or_stay_open_are_counted(billing):
    async with billing.database.transaction() as tx:
        now = await tx.now()
        day = date(2026, 1, 1)
        yesterday = now - timedelta(days=1)
        differing = {"differences": {"captured": 1}, "compared_at": now, "proved_at": now}
        for number, fields in enumerate((differing, {"compared_at": now}, {})):
            closed = {"day": day + timedelta(days=number), "closed_at": yesterday, "asked_count": 1}
            tx.add(Book(**closed, **fields))

    gauges = await read(billing)
    async with billing.database.transaction() as tx:
        await tx.execute(delete(Book).where(Book.asked_count > 0))

    assert gauges["impacter_books_wrong_days"][""] == 1
    assert gauges["impacter_books_open_seconds"][""] >= 86_400
