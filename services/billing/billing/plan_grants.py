"""Plan grants: credits that plans bring, when their time has come and their payer is known."""

from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text

from billing import ledger, pauses
from billing.models import Kind, Payment, PlanGrant
from shared.contracts.credits import CreditsGranted
from shared.db import Tx

# What is due of these payments; and what is due at all of payments whose payer is known.
TAKE: Final = text("""
    UPDATE plan_grants SET status = 'granted'
    WHERE payment_id = ANY (:payments) AND status = 'waiting' AND due_at <= :now
    RETURNING key, payment_id, stripe_subscription_id, amount, expires_at
""")
DUE: Final = text("""
    SELECT DISTINCT id, user_id FROM (
        SELECT p.id, p.user_id FROM plan_grants g JOIN payments p ON p.id = g.payment_id
        WHERE g.status = 'waiting' AND g.due_at <= :now AND p.status = 'granted'
        ORDER BY g.due_at LIMIT :size) AS due
""")
# Which plans of these payments are paused; none of them is paused or goes on while this transaction is open.
STAND_STILL: Final = text("""
    SELECT id, paused_at FROM subscriptions
    WHERE id IN (SELECT stripe_subscription_id FROM payments WHERE id = ANY (:ids))
    ORDER BY id FOR SHARE
""")
LOCK: Final = text("SELECT id FROM payments WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE")
LOCK_OF_PLANS: Final = text("""
    SELECT id FROM payments WHERE stripe_subscription_id = ANY (:plans) ORDER BY id FOR NO KEY UPDATE
""")
BATCH: Final = 200


async def paused(tx: Tx, payments: Collection[UUID]) -> list[str]:
    """Return the plans of these payments that are paused, before the payments are locked: what they bring waits too."""
    plans = await tx.execute(STAND_STILL, {"ids": list(payments)})
    return [row.id for row in plans if row.paused_at is not None]


async def lock_payments(tx: Tx, plans: Collection[str]) -> None:
    """Lock the payments of these plans before anything that hangs on them is changed."""
    if plans:
        await tx.execute(LOCK_OF_PLANS, {"plans": list(plans)})


async def take(tx: Tx, owners: Mapping[UUID, UUID]) -> list[ledger.Grant]:
    """Return the grants that are due of these payments (owners by payment), each once."""
    if not owners:
        return []
    values = {"payments": list(owners), "now": await tx.now()}
    rows = (await tx.execute(TAKE, values)).all()
    return [_grant(row, owners[row.payment_id]) for row in sorted(rows, key=lambda row: row.key)]


async def bring_now(tx: Tx, payment: Payment) -> None:
    """Have a plan's payment bring its credits at once, by no rule of the plan: they stay until they are spent."""
    grant = PlanGrant(id=tx.new_id(), key=f"decided:{payment.id}", payment_id=payment.id)
    grant.stripe_subscription_id = payment.stripe_subscription_id or ""
    grant.price_id, grant.amount = payment.price_id or "", payment.credits
    grant.status, grant.due_at = "waiting", await tx.now()
    tx.add(grant)
    await tx.flush()


async def grant_due(tx: Tx) -> int:
    """Grant what has become due; return of how many payments."""
    values = {"now": await tx.now(), "size": BATCH}
    owners = {row.id: row.user_id for row in await tx.execute(DUE, values)}
    if not owners:
        return 0
    unpaid = await paused(tx, owners)
    await tx.execute(LOCK, {"ids": list(owners)})
    grants = await take(tx, owners)
    for item in await ledger.grant(tx, grants):
        tx.publish(granted(item))
    if unpaid:
        await pauses.pause(tx, unpaid)
    return len(owners)


def granted(item: ledger.Granted, *, opened_account: bool = False) -> CreditsGranted:
    """Return what the world hears of credits that came in."""
    return CreditsGranted(
        user_id=item.grant.user_id,
        transaction_id=item.posting_id,
        amount=item.grant.amount,
        kind=item.grant.kind,
        payment_id=item.grant.payment_id,
        opened_account=opened_account,
        repaid=item.repaid,
        balance=item.balance,
    )


def _grant(row: Row[Any], owner: UUID) -> ledger.Grant:
    return ledger.Grant(
        user_id=owner,
        amount=row.amount,
        kind=Kind.SUBSCRIPTION,
        key=row.key,
        description=f"{row.amount:,} credits of your plan",
        payment_id=row.payment_id,
        expires_at=row.expires_at,
        subscription_id=row.stripe_subscription_id,
    )
