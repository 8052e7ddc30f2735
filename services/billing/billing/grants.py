"""Grants that no payment stands behind: the bonus for a confirmed address, and what an operator gives."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing import ledger, reading
from billing.models import Address, GrantOrder, Kind, Lot, Posting
from shared.addresses import email_key
from shared.contracts.credits import CreditsGranted
from shared.db import Tx
from shared.errors import Conflict, Invalid, NotFound

SIGNUP_BONUS = 10


@dataclass(frozen=True, slots=True)
class Order:
    """Credits that an operator gives, once for the key."""

    user_id: UUID
    amount: int
    kind: Kind
    reason: str
    expires_at: datetime | None
    key: str
    ordered_by: str


async def post_bonus(tx: Tx, user_id: UUID, email: str) -> None:
    """Post the bonus for a confirmed address, once an address for ever."""
    await post(
        tx,
        ledger.Grant(
            user_id=user_id,
            amount=SIGNUP_BONUS,
            kind=Kind.BONUS,
            key=f"bonus:{email_key(email)}",
            description="Bonus for confirming your e-mail address",
        ),
    )


async def owner_of(tx: Tx, email: str) -> UUID:
    """Return whose address it is; raise NotFound for one that auth never told of."""
    statement = select(Address.user_id).where(Address.email_key == email_key(email))
    user_id = await tx.scalar(statement)
    if user_id is None:
        message = "Nobody is known by this e-mail address."
        raise NotFound(message)
    return user_id


async def give(tx: Tx, order: Order) -> tuple[Posting, bool]:
    """Give what an operator orders; return the line, and whether it is new; raise Conflict for a key of another."""
    known = await reading.by_key(tx, order.key)
    granted = await post(tx, await _grant(tx, order)) if known is None else None
    posting, owner = known or await _posted(tx, order.key)
    if granted is not None:
        tx.add(GrantOrder(posting_id=posting.id, ordered_by=order.ordered_by))
    lot = await tx.get(Lot, posting.id)
    given = (owner, posting.amount, posting.kind, posting.description)
    wanted = (order.user_id, order.amount, order.kind, order.reason)
    if given != wanted or (lot.expires_at if lot else None) != order.expires_at:
        message = "This idempotency key was used for another grant."
        raise Conflict(message)
    return posting, granted is not None


async def post(tx: Tx, grant: ledger.Grant) -> ledger.Granted | None:
    """Post a grant and tell the world; None when its key was posted before."""
    granted = await ledger.grant(tx, [grant])
    for item in granted:
        tx.publish(
            CreditsGranted(
                user_id=grant.user_id,
                transaction_id=item.posting_id,
                amount=grant.amount,
                kind=grant.kind,
                repaid=item.repaid,
                balance=item.balance,
            )
        )
    return granted[0] if granted else None


async def _grant(tx: Tx, order: Order) -> ledger.Grant:
    if order.expires_at is not None and order.expires_at <= await tx.now():
        message = "Credits cannot expire before they are given."
        raise Invalid(message)
    return ledger.Grant(
        user_id=order.user_id,
        amount=order.amount,
        kind=order.kind,
        key=order.key,
        description=order.reason,
        expires_at=order.expires_at,
    )


async def _posted(tx: Tx, key: str) -> tuple[Posting, UUID]:
    found = await reading.by_key(tx, key)
    assert found is not None, "it was posted, by us or a moment before"
    return found
