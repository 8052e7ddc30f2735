"""Guests who paid: whose account the payment meets, and who may claim the account that it opened."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select, update

from auth.digests import digest
from auth.models import GuestPayment, User
from shared.contracts.payments import PaymentCompleted
from shared.db import Tx
from shared.errors import Conflict, NotFound

CLAIMABLE_FOR: Final = timedelta(hours=24)


class AlreadyClaimed(Conflict):
    """The account cannot be claimed from here any more: sign in, or use the link in our e-mail."""

    code = "already_claimed"


async def is_known(tx: Tx, payment_id: UUID) -> bool:
    """Tell whether this payment was answered already, however long ago."""
    return await tx.get(GuestPayment, payment_id) is not None


async def remember(tx: Tx, user: User, payment: PaymentCompleted, *, is_opening: bool) -> bool:
    """Write down whose a payment is, once; the one that opened the account may claim it for a day."""
    now = await tx.now()
    return await tx.insert_once(
        GuestPayment,
        payment_id=payment.payment_id,
        user_id=user.id,
        claim_key_hash=payment.claim_key_hash,
        claimable_until=now + CLAIMABLE_FOR if is_opening else None,
        created_at=now,
    )


async def met(tx: Tx, user_id: UUID) -> bool:
    """Tell whether a guest paid with the address of this account; nobody pays before the user's lock is free."""
    await tx.lock(User, user_id)
    found = select(GuestPayment.payment_id).where(GuestPayment.user_id == user_id).limit(1)
    return await tx.scalar(found) is not None


async def close_claims(tx: Tx, user_id: UUID) -> None:
    """From now on only a mailed link sets the password of this account."""
    await tx.execute(
        update(GuestPayment).where(GuestPayment.user_id == user_id).values(claimable_until=None)
    )


async def claimable(tx: Tx, session_id: str) -> User:
    """Return the account, locked, that a Checkout Session may claim; raise NotFound or AlreadyClaimed.

    It may while nobody else has a say: no password yet, the address unproven, no other guest's payment met it.
    """
    mark = GuestPayment.claim_key_hash == digest(session_id)
    user_id = await tx.scalar(select(GuestPayment.user_id).where(mark))
    user = None if user_id is None else await tx.lock(User, user_id)
    if user is None:
        message = "No account was opened by this payment; it may take a few seconds to arrive."
        raise NotFound(message)
    is_open = select(GuestPayment.payment_id).where(
        mark, GuestPayment.user_id == user.id, GuestPayment.claimable_until > await tx.now()
    )
    if user.password_hash or user.email_verified_at or await tx.scalar(is_open) is None:
        raise AlreadyClaimed
    return user
