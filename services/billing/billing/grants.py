"""Grants that no payment stands behind: the bonus for a confirmed address, and what an operator gives."""

from uuid import UUID

from billing import ledger
from billing.models import Kind
from billing.payments import email_key
from shared.contracts.credits import CreditsGranted
from shared.db import Tx

SIGNUP_BONUS = 10


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
                balance=item.balance,
            )
        )
    return granted[0] if granted else None
