"""Pauses: the credits of a plan that is not paid for wait, and everybody who shows a balance is told."""

from collections.abc import Collection

from billing import ledger
from shared.contracts.credits import CreditsPaused, CreditsResumed
from shared.db import Tx


async def pause(tx: Tx, subscriptions: Collection[str]) -> None:
    """Let the credits of these subscriptions wait."""
    for item in await ledger.pause(tx, subscriptions):
        tx.publish(CreditsPaused(user_id=item.user_id, amount=item.amount, balance=item.balance))


async def resume(tx: Tx, subscriptions: Collection[str]) -> None:
    """Let the credits of these subscriptions be spent again."""
    for item in await ledger.resume(tx, subscriptions):
        tx.publish(CreditsResumed(user_id=item.user_id, amount=item.amount, balance=item.balance))
