"""Brute force: failed sign-ins are counted for each account and each network address, in the database.

A try counts as a failure before the password is looked at and is forgiven when it was right: a hundred tries
at once are a hundred tries. An account that does not exist is counted like any other.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from auth.digests import digest
from auth.models import Throttle
from shared import networks
from shared.db import Tx
from shared.errors import TooManyRequests

FREE_FOR_ACCOUNT = 5
FREE_FOR_ADDRESS = 20  # an office shares one
FIRST_DELAY_S = 5
DELAY_S_MAX = 15 * 60
MEMORY = timedelta(hours=1)


class TooManyTries(TooManyRequests):
    """Too many tries; wait a little, or set a new password with the forgotten-password link."""

    code = "too_many_tries"


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose failures are counted, and how many of them have no consequence."""

    key: str
    free_count: int


def marks(email_key: str, client: str | None) -> Sequence[Mark]:
    """Return what a try counts against, in the order of locking: the account, then its network address."""
    account = Mark(_account(email_key), FREE_FOR_ACCOUNT)
    if client is None:
        return [account]
    return [account, Mark(f"address:{networks.subscriber(client)}", FREE_FOR_ADDRESS)]


async def count(tx: Tx, tried: Sequence[Mark]) -> None:
    """Count a try as a failure; raise TooManyTries where one must wait first, which then counts nothing."""
    now = await tx.now()
    rows = [(mark, await _locked(tx, mark.key, now)) for mark in tried]
    waits_s = [(row.blocked_until - now).total_seconds() for _, row in rows if row.blocked_until]
    if max(waits_s, default=0) > 0:
        raise TooManyTries(retry_after_s=math.ceil(max(waits_s)))
    for mark, row in rows:
        remembered = row.failure_count if now - row.last_failed_at < MEMORY else 0
        row.failure_count, row.last_failed_at = remembered + 1, now
        row.blocked_until = _blocked_until(row, mark)


async def forgive(tx: Tx, tried: Sequence[Mark]) -> None:
    """Take back a counted try that was right; the account starts anew, the network address does not."""
    now = await tx.now()
    account, *others = tried
    await tx.execute(delete(Throttle).where(Throttle.key == account.key))
    for mark in others:
        row = await _locked(tx, mark.key, now)
        row.failure_count = max(row.failure_count - 1, 0)
        row.blocked_until = _blocked_until(row, mark)


async def clear(tx: Tx, email_key: str) -> None:
    """Let the account's owner try again at once."""
    await tx.execute(delete(Throttle).where(Throttle.key == _account(email_key)))


async def _locked(tx: Tx, key: str, now: datetime) -> Throttle:
    """Return the row, made where there is none; one statement, for a row may be deleted at any moment."""
    new = insert(Throttle).values(key=key, failure_count=0, last_failed_at=now)
    locked = new.on_conflict_do_update(index_elements=[Throttle.key], set_={"key": key})
    rows = await tx.execute(locked.returning(Throttle).execution_options(populate_existing=True))
    row: Throttle = rows.scalar_one()
    return row


def _blocked_until(row: Throttle, mark: Mark) -> datetime | None:
    excess = row.failure_count - mark.free_count
    if excess < 0:
        return None
    delay_s = min(FIRST_DELAY_S * 2 ** min(excess, 16), DELAY_S_MAX)
    return row.last_failed_at + timedelta(seconds=delay_s)


def _account(email_key: str) -> str:
    return f"account:{digest(email_key)}"
