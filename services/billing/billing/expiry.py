"""Expiry: credits whose time is over leave, and their owners are told before."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from billing import ledger
from billing.ledger.purse import NOTICE_DAYS, next_notice
from billing.models import Lot
from shared.contracts.credits import CreditsExpired, CreditsExpiring
from shared.db import Tx
from shared.sql import as_rows, update_all

BATCH_MAX: Final = 200
# Nobody is waited for: who locks a lot changes it, and its notice comes a moment later.
# Lots of one owner with one last moment are told of together, and so are never parted.
DUE = text("""
    SELECT l.id, l.remaining, l.expires_at, a.user_id
    FROM lots l JOIN accounts a ON a.id = l.account_id
    WHERE l.notice_at <= :now AND l.remaining > 0 AND (l.account_id, l.expires_at) IN (
        SELECT account_id, expires_at FROM lots WHERE notice_at <= :now AND remaining > 0
        ORDER BY notice_at LIMIT :limit)
    ORDER BY l.notice_at FOR UPDATE OF l SKIP LOCKED
""")
NOTICED: Final = update_all(Lot, "notice_at")


async def expire(tx: Tx) -> bool:
    """Let credits expire whose time is over; tell whether there may be more."""
    expired = await ledger.expire(tx, BATCH_MAX)
    for item in expired:
        tx.publish(
            CreditsExpired(
                user_id=item.user_id,
                transaction_id=item.posting_id,
                amount=item.amount,
                balance=item.balance,
            )
        )
    return bool(expired)


async def warn(tx: Tx) -> bool:
    """Tell owners what will expire soon, lots with one last moment together; tell whether there may be more."""
    now = await tx.now()
    due = (await tx.execute(DUE, {"now": now, "limit": BATCH_MAX})).all()
    amounts: Counter[tuple[UUID, datetime]] = Counter()
    for lot in due:
        amounts[lot.user_id, lot.expires_at] += lot.remaining
    for (user_id, expires_at), amount in amounts.items():
        days = [days for days in NOTICE_DAYS if expires_at - now <= timedelta(days=days)]
        if expires_at > now:
            tx.publish(
                CreditsExpiring(
                    user_id=user_id, amount=amount, expires_at=expires_at, days_left=min(days)
                )
            )
    noticed = [{"id": lot.id, "notice_at": next_notice(lot.expires_at, now)} for lot in due]
    if noticed:
        await tx.execute(NOTICED, as_rows(noticed))
    return len(due) >= BATCH_MAX
