"""Spending: a hold and its capture in one, for what is delivered at once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from billing.ledger.accounts import LockedAccount, balance_of, opened
from billing.ledger.batch import Batch
from billing.ledger.postings import Cause
from billing.models import Kind, Posting, Usage
from shared.contracts.credits import Balance
from shared.db import Tx
from shared.sql import among, insert_all

NOTE_USAGES = insert_all(Usage, "id", "account_id", "feature", "amount", "metadata", "created_at")


@dataclass(frozen=True, slots=True)
class Spend:
    """Credits to be spent on a feature; the same `key` spends them once. `metadata` is the caller's own."""

    user_id: UUID
    amount: int
    key: str
    description: str
    feature: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spent:
    """The answer: a posting, or None where there were not enough credits, and the account after it."""

    spend: Spend
    posting_id: UUID | None
    balance: Balance
    has_run_low: bool = False


async def spend(tx: Tx, spends: Sequence[Spend]) -> list[Spent]:
    """Spend what each user can afford, first come first served.

    A key that was posted before is left out of the answer: its answer was given.
    """
    accounts = await opened(tx, {item.user_id for item in spends})
    keys = select(Posting.key).where(among(Posting.key, [item.key for item in spends]))
    posted = set(await tx.scalars(keys))
    wanted: Counter[UUID] = Counter()
    for item in spends:
        wanted[accounts[item.user_id].id] += item.amount
    batch, answers = await Batch.on(tx, accounts.values(), taking=wanted), []
    for item in spends:
        if item.key not in posted:
            posted.add(item.key)
            answers.append(_spend(batch, accounts[item.user_id], item))
    usages = [
        _usage(accounts[item.spend.user_id].id, item, batch.now)
        for item in answers
        if item.posting_id is not None
    ]
    await batch.write({NOTE_USAGES: usages})
    return answers


def _spend(batch: Batch, account: LockedAccount, item: Spend) -> Spent:
    if account.available < item.amount:
        return Spent(item, None, balance_of(account))
    parts = batch.purse.to_spend(account.id, item.amount)
    posting_id = batch.take(account, parts, Cause(Kind.CAPTURE, item.key, item.description))
    return Spent(item, posting_id, balance_of(account), account.ran_low(item.amount))


def _usage(account_id: UUID, spent: Spent, now: datetime) -> dict[str, Any]:
    return {
        "id": spent.posting_id,
        "account_id": account_id,
        "feature": spent.spend.feature,
        "amount": spent.spend.amount,
        "metadata": dict(spent.spend.metadata),
        "created_at": now,
    }
