"""Pauses: credits of a subscription that is not paid for wait, and cannot be spent meanwhile."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Boolean, Text, Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from billing.ledger.accounts import LockedAccount, balance_of, locked
from billing.ledger.batch import Batch
from billing.models import Lot
from shared.contracts.credits import Balance
from shared.db import Tx
from shared.sql import among

TURN = text("""
    UPDATE lots SET is_paused = :is_paused
    WHERE subscription_id = ANY (:subscriptions) AND account_id = ANY (:accounts)
      AND is_paused <> :is_paused
    RETURNING account_id, remaining
""").bindparams(
    bindparam("subscriptions", type_=ARRAY(Text)),
    bindparam("accounts", type_=ARRAY(Uuid)),
    bindparam("is_paused", type_=Boolean),
)


@dataclass(frozen=True, slots=True)
class Paused:
    """What cannot be spent any more on an account, or can again, and the account after it.

    `repaid` of what can be spent again went to debts at once.
    """

    user_id: UUID
    amount: int
    repaid: int
    balance: Balance


async def pause(tx: Tx, subscriptions: Collection[str]) -> list[Paused]:
    """Let the credits of these subscriptions wait; return the accounts of which something waits now.

    What holds set aside before may still be captured.
    """
    return await _turn(tx, subscriptions, is_paused=True)


async def resume(tx: Tx, subscriptions: Collection[str]) -> list[Paused]:
    """Let the credits of these subscriptions be spent again; return the accounts of which something can."""
    return await _turn(tx, subscriptions, is_paused=False)


async def _turn(tx: Tx, subscriptions: Collection[str], *, is_paused: bool) -> list[Paused]:
    theirs = among(Lot.subscription_id, subscriptions)
    statement = select(Lot.account_id).where(theirs, Lot.is_paused != is_paused)
    accounts = await locked(tx, ids=set(await tx.scalars(statement)))
    amounts = await _turned(tx, subscriptions, accounts, is_paused=is_paused)
    batch, done = await Batch.on(tx, accounts), []
    for account in accounts:
        amount = amounts[account.id]
        if amount:
            account.paused_remaining += amount if is_paused else -amount
            account.version += 1
            repaid = batch.free(account)
            done.append(Paused(account.user_id, amount, repaid, balance_of(account)))
    await batch.write()
    return done


async def _turned(
    tx: Tx, subscriptions: Collection[str], accounts: Collection[LockedAccount], *, is_paused: bool
) -> Counter[UUID]:
    """Turn the lots of locked accounts; return how much that is of each."""
    values = {
        "subscriptions": list(subscriptions),
        "accounts": [account.id for account in accounts],
        "is_paused": is_paused,
    }
    amounts: Counter[UUID] = Counter()
    for row in await tx.execute(TURN, values):
        amounts[row.account_id] += row.remaining
    return amounts
