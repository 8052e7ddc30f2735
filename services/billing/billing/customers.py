"""Customers: who a user is at Stripe, one customer for each; the row is there before Stripe is asked."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, text, update

from billing.models import Customer
from shared.db import Tx

LEASE_S: Final = 60
# A guest's customer becomes that of the account which the payment went to, if that has none.
ADOPT: Final = text("""
    INSERT INTO customers (user_id, stripe_customer_id, email, created_at, tell_at)
    SELECT DISTINCT ON (user_id) user_id, stripe_customer_id, email, :now, :now
    FROM payments
    WHERE id = ANY (:ids) AND stripe_customer_id IS NOT NULL AND email IS NOT NULL
    ORDER BY user_id, id ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Telling:
    """What Stripe is to be told of a customer."""

    user_id: UUID
    customer_id: str
    email: str


async def reserve(tx: Tx, user_id: UUID, email: str) -> Customer:
    """Return a user's row, with the user's turn taken; where it has no customer Stripe is to be asked for one."""
    now = await tx.now()
    await tx.insert_once(Customer, user_id=user_id, email=email, created_at=now)
    row = await tx.lock(Customer, user_id)
    assert row is not None, "it was inserted just now, or before"
    return row


async def settle(tx: Tx, user_id: UUID, customer_id: str) -> str:
    """Note a user's customer, and return it: whoever was first stays."""
    mine = update(Customer).where(
        Customer.user_id == user_id, Customer.stripe_customer_id.is_(None)
    )
    await tx.execute(mine.values(stripe_customer_id=customer_id))
    found = await of_user(tx, user_id)
    assert found is not None, "it was noted just now, or before"
    return found


async def forget(tx: Tx, user_id: UUID, customer_id: str | None) -> None:
    """Forget a customer that Stripe does not have, or could not make, and whatever it was to be told."""
    theirs = update(Customer).where(
        Customer.user_id == user_id,
        Customer.stripe_customer_id.is_not_distinct_from(customer_id),
    )
    gone = {"stripe_customer_id": None, "generation": Customer.generation + 1, "tell_at": None}
    await tx.execute(theirs.values(gone))


async def of_user(tx: Tx, user_id: UUID) -> str | None:
    """Return a user's customer, or None."""
    statement = select(Customer.stripe_customer_id).where(Customer.user_id == user_id)
    return await tx.scalar(statement)


async def adopt(tx: Tx, payments: list[UUID]) -> None:
    """Let the customers of these payments be those of the accounts that they were granted to."""
    await tx.execute(ADOPT, {"ids": payments, "now": await tx.now()})


async def note_address(tx: Tx, user_id: UUID, email: str) -> None:
    """Have Stripe told of a user's address, if it has another."""
    theirs = update(Customer).where(Customer.user_id == user_id, Customer.email != email)
    await tx.execute(theirs.values(email=email, tell_at=await tx.now()))


async def lease(tx: Tx) -> Telling | None:
    """Return what Stripe is to be told next; others leave it alone for a while."""
    now = await tx.now()
    due = select(Customer).where(Customer.tell_at <= now, Customer.stripe_customer_id.is_not(None))
    row = await tx.scalar(due.order_by(Customer.tell_at).limit(1).with_for_update(skip_locked=True))
    if row is None or row.stripe_customer_id is None:
        return None
    row.tell_at = now + timedelta(seconds=LEASE_S)
    return Telling(row.user_id, row.stripe_customer_id, row.email)


async def told(tx: Tx, telling: Telling) -> None:
    """Note that Stripe knows, unless the address has changed meanwhile."""
    same = update(Customer).where(
        Customer.user_id == telling.user_id, Customer.email == telling.email
    )
    await tx.execute(same.values(tell_at=None))
