"""Grants: credits come in, each for its key once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from billing.ledger.accounts import balance_of, opened
from billing.ledger.batch import Batch
from billing.ledger.postings import Cause
from billing.ledger.purse import Origin
from billing.models import Kind, Posting
from shared.contracts.credits import Balance
from shared.db import Tx
from shared.sql import among


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits to come in for a user; the same `key` comes in once.

    `subscription_id` is Stripe's id of the subscription that they are a part of.
    """

    user_id: UUID
    amount: int
    kind: Kind
    key: str
    description: str
    payment_id: UUID | None = None
    expires_at: datetime | None = None
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that was posted, what of it repaid debts at once, and the account after both."""

    grant: Grant
    posting_id: UUID
    balance: Balance
    repaid: int = 0


async def grant(tx: Tx, grants: Sequence[Grant]) -> list[Granted]:
    """Post the grants whose keys were never posted; return those, in their order."""
    accounts = await opened(tx, {item.user_id for item in grants})
    keys = select(Posting.key).where(among(Posting.key, [item.key for item in grants]))
    posted = set(await tx.scalars(keys))
    batch, done = await Batch.on(tx, accounts.values()), []
    for item in grants:
        if item.key in posted:
            continue
        posted.add(item.key)
        account = accounts[item.user_id]
        posting_id, repaid = batch.bring_in(account, item.amount, _cause(item), _origin(item))
        done.append(Granted(item, posting_id, balance_of(account), repaid))
    await batch.write()
    return done


def _cause(item: Grant) -> Cause:
    return Cause(item.kind, item.key, item.description, payment_id=item.payment_id)


def _origin(item: Grant) -> Origin:
    return Origin(
        kind=item.kind,
        expires_at=item.expires_at,
        payment_id=item.payment_id,
        subscription_id=item.subscription_id,
    )
