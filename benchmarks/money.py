"""The money path: how many paid payments a second become granted credits, each once.

Outbox → relay → RabbitMQ → inbox, ledger (posting, lot, account, payment) and outbox in one transaction, by
billing's own process, over the topology of production: `payment.completed` goes to two queues. All payments wait
in the outbox at once; the rate is that of the database's clock between the first batch and the last. Measured with
one process and two, and with all payments on one account. Compared with the bare limit of publishing and with peers.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from benchmarks.observed import processor_time, profiled
from benchmarks.rest import outbox_is_empty, until
from benchmarks.rounds import Effort, Once, Samples
from benchmarks.stage import Site, Stage
from billing.models import Account, Payment, PaymentStatus
from shared.clock import first_id
from shared.contracts.payments import PaymentCompleted
from shared.db import Database

CREDITS = 1_000
USERS = 2_000
# Ids of events say when they were made: those of a run are found without reading a long inbox.
ALL_ARE_IN = "SELECT count(*) >= $1 FROM inbox WHERE event_id >= $2"
DRAINED = """
    WITH arrived AS (SELECT first_seen_at AS at FROM inbox WHERE event_id >= $1)
    SELECT extract(epoch FROM max(at) - min(at))::float8 AS seconds,
           count(*) FILTER (WHERE at < (SELECT max(at) FROM arrived)) AS events
    FROM arrived
"""
EACH_ONCE = """
    SELECT (SELECT count(*) FROM payments WHERE status = 'granted') =
           (SELECT count(DISTINCT payment_id) FROM postings WHERE payment_id IS NOT NULL)
       AND NOT EXISTS (SELECT FROM payments WHERE status <> 'granted')
       AND (SELECT sum(amount) FROM postings WHERE payment_id IS NOT NULL) =
           (SELECT sum(credits) FROM payments)
"""


@asynccontextmanager
async def money(stage: Stage, effort: Effort) -> AsyncIterator[Once]:
    """Measure the money path with one billing process and with two, and on one hot account."""
    site = await stage.site("money")
    async with site.running("billing"):
        users = await open_accounts(site, min(USERS, effort.events))
    drain = partial(drained, site, effort.events, effort=effort)

    async def once() -> Samples:
        rates: dict[str, float] = {}
        rates |= named("money/1", await drain(users))
        rates |= named("money/hot", await drain(users[:1]))
        rates |= named("money/2", await drain(users, processes=2))
        return rates

    yield once


def named(prefix: str, samples: Samples) -> dict[str, float]:
    """Return the samples under names that begin with the prefix."""
    return {f"{prefix}/{name}": value for name, value in samples.items()}


async def drained(
    site: Site, count: int, users: Sequence[UUID], *, effort: Effort, processes: int = 1
) -> Samples:
    """Have so many payments wait, run billing until all are granted; return how fast it was."""
    async with AsyncExitStack() as ending:
        running = [
            await ending.enter_async_context(site.running("billing")) for _ in range(processes)
        ]
        with processor_time(*(one.pid for one in running)) as spent:
            async with profiled(running[0].pid, f"money-{len(users)}", effort.profiles):
                since = await pay(site, count, users)
                await until(site, "billing", ALL_ARE_IN, count, since)
        await outbox_is_empty(site, "billing")
    return {"rate": await _rate(site, since), "cpu_us": spent.seconds / count * 1e6}


async def open_accounts(site: Site, count: int) -> list[UUID]:
    """Open accounts that hold nothing, and return whose they are."""
    database = Database(site.databases["billing"], source="billing")
    async with database.transaction() as tx:
        now = await tx.now()
        users = [tx.new_id() for _ in range(count)]
        rows = [
            {"id": tx.new_id(), "user_id": user_id, "balance": 0, "reserved": 0}
            | {"version": 0, "line": 0, "created_at": now}
            for user_id in users
        ]
        await tx.execute(insert(Account), rows)
    await database.close()
    return users


async def pay(site: Site, count: int, users: Sequence[UUID]) -> UUID:
    """Store so many paid payments of these users and publish them; return the least id that an event may have."""
    database = Database(site.databases["billing"], source="billing")
    async with database.transaction() as tx:
        now = await tx.now()
        events = [_completed(tx.new_id(), users[place % len(users)]) for place in range(count)]
        await tx.execute(insert(Payment), [_payment(event, now) for event in events])
        for event in events:
            tx.publish(event)
    await database.close()
    return first_id(now)


def _completed(payment_id: UUID, user_id: UUID) -> PaymentCompleted:
    return PaymentCompleted(
        payment_id=payment_id,
        email=f"{user_id.hex}@example.com",
        user_id=user_id,
        claim_key_hash=hashlib.sha256(payment_id.bytes).hexdigest(),
        amount_cents=CREDITS,
        currency="usd",
        credits=CREDITS,
    )


def _payment(event: PaymentCompleted, now: datetime) -> dict[str, Any]:
    return {
        "id": event.payment_id,
        "stripe_checkout_session_id": f"cs_test_{event.payment_id.hex}",
        "email": event.email,
        "email_key": event.email,
        "user_id": event.user_id,
        "amount_cents": event.amount_cents,
        "currency": event.currency,
        "credits": event.credits,
        "status": PaymentStatus.PAID,
        "created_at": now,
        "paid_at": now,
    }


async def _rate(site: Site, since: UUID) -> float:
    """Return the grants a second between the first batch and the last; raise unless each was made once."""
    connection = await site.connect("billing")
    try:
        seconds, events = await connection.fetchrow(DRAINED, since)
        if not await connection.fetchval(EACH_ONCE):
            raise RuntimeError("some payment was not granted exactly once")
    finally:
        await connection.close()
    return float(events) / float(seconds)
