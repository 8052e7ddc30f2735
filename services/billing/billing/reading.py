"""What an account's owner and the operators read: lines, lots, payments, and where credits came from and went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Text, and_, cast, func, not_, select

from billing.ledger.purse import spending_order
from billing.models import Account, GrantOrder, Hold, Kind, Lot, LotUse, Payment, Posting
from billing.words import GENERATED, KINDS_OF, Word
from shared.db import Tx

TRACED_MAX: Final = 100
"""How many of the lines that a lot went to are told of."""


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines are asked for; `word` is the originals' for a kind."""

    kind: Kind | None = None
    word: Word | None = None
    since: datetime | None = None
    until: datetime | None = None
    payment_id: UUID | None = None
    task_id: UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions."""
        wanted = []
        if self.kind is not None:
            wanted.append(Posting.kind == self.kind)
        if self.word is not None:
            wanted.append(_said(self.word))
        if self.since is not None:
            wanted.append(Posting.created_at >= self.since)
        if self.until is not None:
            wanted.append(Posting.created_at < self.until)
        if self.payment_id is not None:
            wanted.append(Posting.payment_id == self.payment_id)
        if self.task_id is not None:  # a task has one hold, and its capture is named after it
            hold = select(Hold.id).where(Hold.task_id == self.task_id).scalar_subquery()
            wanted.append(Posting.key == "capture:" + cast(hold, Text))
        return wanted


EVERYTHING: Final = LineFilter()


async def lines(
    tx: Tx,
    account: Account,
    wanted: LineFilter = EVERYTHING,
    *,
    limit: int,
    before: UUID | None = None,
) -> Sequence[Posting]:
    """Return an account's lines, newest first, older than the given one."""
    statement = (
        select(Posting)
        .where(Posting.account_id == account.id, *wanted.conditions())
        .order_by(Posting.line.desc())
    )
    if before is not None:
        last = select(Posting.line).where(Posting.id == before, Posting.account_id == account.id)
        statement = statement.where(Posting.line < last.scalar_subquery())
    return await tx.scalars(statement.limit(limit))


async def line(tx: Tx, account: Account, posting_id: UUID) -> Posting | None:
    """Return one line of an account, or None."""
    one = (Posting.id == posting_id, Posting.account_id == account.id)
    return await tx.scalar(select(Posting).where(*one))


async def spent_from(tx: Tx, posting: Posting) -> Sequence[Row[Any]]:
    """Return the lots that a line took from, how much of each, and what was paid for them."""
    statement = (
        select(Lot, LotUse.amount.label("taken"), Payment)
        .join(LotUse, LotUse.lot_id == Lot.id)
        .outerjoin(Payment, Payment.id == Lot.payment_id)
        .where(LotUse.posting_id == posting.id)
    )
    return (await tx.execute(statement.order_by(Lot.id))).all()


async def went_to(tx: Tx, posting: Posting) -> Sequence[Row[Any]]:
    """Return the lines that took from the lot which a line brought, the latest first, and how much each took."""
    statement = (
        select(Posting, LotUse.amount.label("taken"))
        .join(LotUse, LotUse.posting_id == Posting.id)
        .where(LotUse.lot_id == posting.id)
    )
    latest = statement.order_by(Posting.line.desc()).limit(TRACED_MAX)
    return (await tx.execute(latest)).all()


async def brought(tx: Tx, posting: Posting) -> Row[Any] | None:
    """Return the lot that a line brought, and what was paid for it; None for a line that took."""
    statement = select(Lot, Payment).outerjoin(Payment, Payment.id == Lot.payment_id)
    return (await tx.execute(statement.where(Lot.id == posting.id))).first()


async def hold_of(tx: Tx, posting: Posting) -> Hold | None:
    """Return the hold that a line captured, if one."""
    if posting.task_id is None:
        return None
    return await tx.scalar(select(Hold).where(Hold.task_id == posting.task_id))


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


@dataclass(frozen=True, slots=True)
class OpenHolds:
    """What is set aside: how many holds are not settled, the credits in them, and since when the oldest."""

    count: int
    credits: int
    since: datetime | None


async def open_holds(tx: Tx) -> OpenHolds:
    """Return what is set aside at this moment."""
    statement = select(
        func.count(), func.coalesce(func.sum(Hold.amount), 0), func.min(Hold.created_at)
    )
    row: Any = (await tx.execute(statement.where(Hold.settled_at.is_(None)))).one()
    return OpenHolds(row[0], int(row[1]), row[2])


async def grants(tx: Tx, *, limit: int, before: UUID | None) -> Sequence[tuple[Posting, UUID, str]]:
    """Return what operators gave, to whom and who did, newest first, older than the given line."""
    statement = (
        select(Posting, Account.user_id, GrantOrder.ordered_by)
        .join(GrantOrder, GrantOrder.posting_id == Posting.id)
        .join(Account, Account.id == Posting.account_id)
        .order_by(GrantOrder.posting_id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(GrantOrder.posting_id < before)
    return [tuple(row) for row in await tx.execute(statement)]


async def by_key(tx: Tx, key: str) -> tuple[Posting, UUID] | None:
    """Return the posting of a key, and whose account it is on; None where the key was never posted."""
    statement = select(Posting, Account.user_id).join(Account, Account.id == Posting.account_id)
    row = (await tx.execute(statement.where(Posting.key == key))).first()
    return None if row is None else (row.Posting, row.user_id)


def _said(word: Word) -> ColumnElement[bool]:
    """Return the condition that the originals call a line so."""
    is_generated = Posting.key.regexp_match(GENERATED)
    match word:
        case Word.GENERATION:
            return and_(Posting.kind == Kind.CAPTURE, is_generated)
        case Word.SPEND:
            return and_(Posting.kind == Kind.CAPTURE, not_(is_generated))
        case _:
            return Posting.kind.in_(KINDS_OF[word])
