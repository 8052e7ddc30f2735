"""Expiry: credits whose time is over leave, but those that open holds may still need."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from billing.ledger.accounts import LockedAccount, balance_of, locked
from billing.ledger.batch import Batch
from billing.ledger.postings import Cause
from billing.models import Kind
from shared.contracts.credits import Balance
from shared.db import Tx

DESCRIPTION: Final = "Credits expired"
# Holds take what is spent first: a lot is over where all before it, and itself, are more than they set aside.
DUE = text("""
    SELECT l.account_id FROM lots l JOIN accounts a ON a.id = l.account_id
    WHERE l.expires_at <= :now AND l.remaining > 0 AND (a.reserved = 0 OR a.reserved < (
        SELECT sum(b.remaining) FROM lots b
        WHERE b.account_id = l.account_id AND b.remaining > 0
          AND (b.is_paused, b.kind = 'purchase', coalesce(b.expires_at, 'infinity'), b.id)
           <= (l.is_paused, l.kind = 'purchase', l.expires_at, l.id)))
    LIMIT :limit
""")


@dataclass(frozen=True, slots=True)
class Expired:
    """What a lot lost because its time was over, and the account after it."""

    user_id: UUID
    posting_id: UUID
    lot_id: UUID
    amount: int
    balance: Balance


async def expire(tx: Tx, limit: int) -> list[Expired]:
    """Let what is over expire, on the accounts of at most so many lots; return what each lost."""
    due = (await tx.execute(DUE, {"now": await tx.now(), "limit": limit})).scalars()
    accounts = await locked(tx, ids=set(due))
    batch = await Batch.on(tx, accounts, taking=dict.fromkeys(account.id for account in accounts))
    expired = [item for account in accounts for item in _expire(batch, account)]
    await batch.write()
    return expired


def _expire(batch: Batch, account: LockedAccount) -> list[Expired]:
    needed, expired = account.reserved, []
    for lot in batch.purse.lots(account.id):
        spare = lot.remaining - min(needed, lot.remaining)
        needed -= lot.remaining - spare
        if spare and lot.expires_at is not None and lot.expires_at <= batch.now:
            key = f"expiry:{lot.id}:{lot.remaining}"  # what is left tells the parts of a lot apart
            posting_id = batch.take(account, [(lot, spare)], Cause(Kind.EXPIRY, key, DESCRIPTION))
            expired.append(Expired(account.user_id, posting_id, lot.id, spare, balance_of(account)))
    return expired
