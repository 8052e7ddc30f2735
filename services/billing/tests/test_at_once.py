"""What happens at once, in several processes: nobody waits for each other, and nobody passes by what another does."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from billing_parts import Customer, Shop
from buyers import buyer, subscriber

from billing import disputes, payments, revocations, standing
from billing.ledger import accounts
from billing.models import Payment, Subscription
from billing.said import Said
from billing.shapes import Dispute
from embedded.emulator.paying import Payer
from shared.contracts.users import UserEmailVerified
from shared.service import Service
from shared.testing import under_test

BLOCKED = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


async def is_blocked(shop: Shop, work: asyncio.Task[None]) -> None:
    """Wait until a transaction waits for another, or has not had to."""
    while not work.done():
        [(count,)] = await shop.rows(BLOCKED)
        if count:
            return
        await asyncio.sleep(0.01)


async def paid_by(shop: Shop, guest: Customer) -> Payment:
    """Have a guest pay, and auth not say yet whose it is."""
    answer = await guest.checkout("pack_500")
    await shop.control.pay(answer.json()["session_id"], Payer(email=guest.email))
    await shop.control.deliver()
    await shop.billing.work()
    [(payment_id,)] = await shop.rows("SELECT id FROM payments WHERE email = :m", m=guest.email)
    async with shop.billing.database.transaction() as tx:
        payment = await tx.get(Payment, payment_id)
    assert payment is not None
    return payment


async def test_a_refund_that_is_told_to_two_processes_at_once_is_heard_by_both(
    shop: Shop, billing_process: Callable[[], Service]
):
    told = []
    async with under_test(billing_process()) as other:
        for _ in range(8):
            customer, payment = await buyer(shop)
            known = {event["id"] for event in await shop.control.events()}
            await shop.refund(payment, 1950, told=False)
            news = [event for event in await shop.control.events() if event["id"] not in known]
            both = [
                client.post(**shop.signed(event))
                for client, event in zip((shop.http, other.client), news, strict=False)
            ]
            told += [answer.status_code for answer in await asyncio.gather(*both)]
            await shop.settle()
            assert await customer.available() == 250
    assert told == [200] * 16


async def test_a_dispute_that_is_won_while_its_payment_is_granted_takes_nothing(shop: Shop):
    database, guest = shop.billing.database, shop.guest()
    payment = await paid_by(shop, guest)
    guest.user_id = uuid4()

    def said(status: str, minute: int) -> Said[Dispute]:
        intent, cents = payment.stripe_payment_intent_id, payment.amount_cents
        dispute = {"id": "dp_1", "payment_intent": intent, "amount": cents, "status": status}
        shape = Dispute.model_validate(
            {**dispute, "object": "dispute", "currency": "usd", "created": 1764000000}
        )
        at = datetime.now(UTC) + timedelta(minutes=minute)
        return Said(shape, "charge.dispute.updated", at, f"evt_{minute}")

    async def hear(status: str, minute: int) -> None:
        async with database.transaction() as tx:
            await disputes.apply(tx, [said(status, minute)])

    await hear("needs_response", 0)
    async with database.transaction() as tx:
        await payments.grant_waiting(tx, {payment.id: guest.user_id})
        winning = asyncio.create_task(hear("won", 1))
        await is_blocked(shop, winning)
    await winning

    assert await guest.available() == 500


async def test_who_confirms_an_address_while_what_it_paid_is_granted_has_both(shop: Shop):
    database, guest = shop.billing.database, shop.guest()
    payment = await paid_by(shop, guest)
    guest.user_id = uuid4()
    confirmed = UserEmailVerified(user_id=guest.user_id, email=guest.email)
    async with database.transaction() as tx:
        await accounts.open_account(tx, guest.user_id)

    async with database.transaction() as tx:
        await tx.lock(Payment, payment.id)
        confirming = asyncio.create_task(shop.billing.deliver(confirmed))
        await is_blocked(shop, confirming)
        await payments.grant_waiting(tx, {payment.id: guest.user_id})
    await confirming

    assert await guest.available() == 510
    assert await shop.rows("SELECT * FROM parked") == []


async def test_a_plan_may_end_while_its_payment_is_refunded(shop: Shop):
    database, customer = shop.billing.database, await subscriber(shop, "basic_yearly")
    [payment] = await shop.payments(customer)

    async def end() -> None:
        async with database.transaction() as tx:
            plan = await tx.lock(Subscription, payment.stripe_subscription_id)
            assert plan is not None
            plan.status, plan.ended_at = "canceled", datetime.now(UTC)
            await standing.follow(tx, plan, grace_days=7)

    async with database.transaction() as tx:
        await tx.lock(Payment, payment.id)
        ending = asyncio.create_task(end())
        await is_blocked(shop, ending)
        await revocations.settle(tx, [payment.id])
    await ending

    assert await customer.available() == 500


async def test_accounts_are_opened_beside_others_that_are_locked(shop: Shop):
    database, old, new = shop.billing.database, uuid4(), uuid4()
    async with database.transaction() as tx:
        await accounts.opened(tx, {old})

    async def open_both() -> None:
        async with database.transaction() as tx:
            assert (await accounts.opened(tx, {old, new})).keys() == {old, new}

    async with database.transaction() as tx:
        await accounts.opened(tx, {new})
        opening = asyncio.create_task(open_both())
        await is_blocked(shop, opening)
        await accounts.opened(tx, {old})
    await opening
