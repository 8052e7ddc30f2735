"""Usage: what the credits of an account were spent on, line by line and by feature."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select

from billing.models import Account, Usage
from shared.db import Tx


@dataclass(frozen=True, slots=True)
class UsageFilter:
    """Which usage is asked for: of a feature, from a moment on, up to another."""

    feature: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def of(self, account: Account) -> list[ColumnElement[bool]]:
        """Return the conditions."""
        wanted: list[ColumnElement[bool]] = [Usage.account_id == account.id]
        if self.feature is not None:
            wanted.append(Usage.feature == self.feature)
        if self.since is not None:
            wanted.append(Usage.created_at >= self.since)
        if self.until is not None:
            wanted.append(Usage.created_at < self.until)
        return wanted


async def listed(
    tx: Tx, account: Account, wanted: UsageFilter, *, limit: int, before: UUID | None
) -> Sequence[Usage]:
    """Return usage, newest first, older than the given one."""
    statement = select(Usage).where(*wanted.of(account)).order_by(Usage.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(Usage.id < before)
    return await tx.scalars(statement)


async def totals(tx: Tx, account: Account, wanted: UsageFilter) -> Sequence[Row[Any]]:
    """Return what went to each feature, the most first."""
    amount, count = func.sum(Usage.amount).label("amount"), func.count().label("count")
    statement = select(Usage.feature, amount, count).where(*wanted.of(account))
    by_feature = statement.group_by(Usage.feature).order_by(amount.desc(), Usage.feature)
    return (await tx.execute(by_feature)).all()
