"""What an account's owner and the operators read: lines, lots, payments."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from billing.ledger.purse import spending_order
from billing.models import Account, Lot, Payment, Posting
from shared.db import Tx


async def lines(
    tx: Tx, account: Account, *, limit: int, before: UUID | None = None
) -> Sequence[Posting]:
    """Return an account's lines, newest first, older than the given one."""
    statement = (
        select(Posting).where(Posting.account_id == account.id).order_by(Posting.line.desc())
    )
    if before is not None:
        last = select(Posting.line).where(Posting.id == before, Posting.account_id == account.id)
        statement = statement.where(Posting.line < last.scalar_subquery())
    return await tx.scalars(statement.limit(limit))


async def lots(tx: Tx, account: Account) -> Sequence[Lot]:
    """Return what is left to spend, in the order it will be spent."""
    statement = select(Lot).where(Lot.account_id == account.id, Lot.remaining > 0)
    return await tx.scalars(statement.order_by(*spending_order()))


async def payments(
    tx: Tx, *, status: str | None, email_key: str | None, limit: int, before: UUID | None
) -> Sequence[Payment]:
    """Return payments, newest first, older than the given one."""
    statement = select(Payment).order_by(Payment.id.desc())
    if status is not None:
        statement = statement.where(Payment.status == status)
    if email_key is not None:
        statement = statement.where(Payment.email_key == email_key)
    if before is not None:
        statement = statement.where(Payment.id < before)
    return await tx.scalars(statement.limit(limit))


async def by_key(tx: Tx, key: str) -> tuple[Posting, UUID]:
    """Return the posting of a key that was posted, and whose account it is on."""
    statement = select(Posting, Account.user_id).join(Account, Account.id == Posting.account_id)
    row = (await tx.execute(statement.where(Posting.key == key))).one()
    return row.Posting, row.user_id
