"""A batch: movements on locked accounts, decided in memory and written in a few statements at the end."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import TextClause

from billing import chain
from billing.ledger.accounts import LOW, UPDATE_ACCOUNTS, LockedAccount
from billing.ledger.debts import UPDATE_DEBTS, Debts
from billing.ledger.postings import POST, Cause, line
from billing.ledger.purse import ADD_LOTS, SPEND_LOTS, Origin, Parts, Purse, PurseLot
from billing.models import Kind, LotUse
from shared.db import Tx
from shared.sql import as_rows, insert_all

NOTE_USES = insert_all(LotUse, "posting_id", "lot_id", "amount")
Rows: TypeAlias = Mapping[TextClause, Sequence[Mapping[str, Any]]]
"""The rows that each statement writes."""


class Batch:
    """What one operation does to some locked accounts: postings, lots, debts."""

    def __init__(
        self, tx: Tx, accounts: Collection[LockedAccount], purse: Purse, debts: Debts, now: datetime
    ) -> None:
        self.purse = purse
        self.debts = debts
        self.now = now
        self._tx = tx
        self._at = chain.moment(now)
        self._accounts = accounts
        self._postings: list[Mapping[str, Any]] = []
        self._lots: list[Mapping[str, Any]] = []
        self._uses: list[Mapping[str, Any]] = []
        self._touched: dict[UUID, PurseLot] = {}

    @classmethod
    async def on(
        cls,
        tx: Tx,
        accounts: Collection[LockedAccount],
        *,
        taking: Mapping[UUID, int | None] = MappingProxyType({}),
    ) -> "Batch":
        """Begin on locked accounts, with the lots that so much may be taken from, and all of those that owe."""
        owing = dict.fromkeys(account.id for account in accounts if account.debt)
        purse = await Purse.of(tx, {**taking, **owing})
        return cls(tx, accounts, purse, await Debts.of(tx, owing), await tx.now())

    def new_id(self) -> UUID:
        """Return a new id."""
        return self._tx.new_id()

    def bring_in(
        self, account: LockedAccount, amount: int, cause: Cause, origin: Origin
    ) -> tuple[UUID, int]:
        """Post what comes in, as a lot, and repay debts from it; return the posting and what was repaid."""
        posting_id = self._tx.new_id()
        posting = self._post(posting_id, account, amount, cause)
        lot = origin.lot(posting)
        self._lots.append(lot)
        if origin.is_paused:
            account.paused_remaining += amount
        if account.debt:
            self.purse.add(lot)
        return posting_id, self.free(account)

    def take(self, account: LockedAccount, parts: Parts, cause: Cause) -> UUID:
        """Post what leaves, out of these parts of lots."""
        posting_id = self._tx.new_id()
        self._post(posting_id, account, -sum(part for _, part in parts), cause)
        for lot, part in parts:
            lot.remaining -= part
            self._touched[lot.id] = lot
            if lot.is_paused:
                account.paused_remaining -= part
            self._uses.append({"posting_id": posting_id, "lot_id": lot.id, "amount": part})
        return posting_id

    def free(self, account: LockedAccount) -> int:
        """Repay debts, the oldest first, from what has become available; return how much."""
        before = account.debt
        for debt in self.debts.of_account(account.id) if before else ():
            parts = self.to_take_back(account, debt.owed, debt.payment_id)
            if parts:
                debt.repaid_count += 1
                key = f"repay:{debt.id}:{debt.repaid_count}"
                cause = Cause(Kind(debt.kind), key, debt.description, payment_id=debt.payment_id)
                self.take(account, parts, cause)
                repaid = sum(part for _, part in parts)
                debt.repaid += repaid
                account.debt -= repaid
        if account.available >= LOW:
            account.is_low = False
        return before - account.debt

    def to_take_back(self, account: LockedAccount, amount: int, payment_id: UUID) -> Parts:
        """Return what can be taken for a payment now, and of which lots."""
        return self.purse.to_take_back(
            account.id, amount, payment_id, available=account.available, paused=account.paused
        )

    async def write(self, rows: Rows | None = None) -> None:
        """Write the accounts as they are now, what hangs on them, and these rows after it."""
        touched = [{"id": lot.id, "remaining": lot.remaining} for lot in self._touched.values()]
        everything: Rows = {
            UPDATE_ACCOUNTS: [account.row for account in self._accounts],
            POST: self._postings,
            ADD_LOTS: self._lots,
            SPEND_LOTS: touched,
            NOTE_USES: self._uses,
            UPDATE_DEBTS: self.debts.rows,
        }
        await write(self._tx, {**everything, **(rows or {})})

    def _post(
        self, posting_id: UUID, account: LockedAccount, amount: int, cause: Cause
    ) -> Mapping[str, Any]:
        posting = line(posting_id, account, amount, cause, self.now, self._at)
        self._postings.append(posting)
        return posting


async def write(tx: Tx, rows: Rows) -> None:
    """Write rows, statement by statement, in this order."""
    for statement, values in rows.items():
        if values:
            await tx.execute(statement, as_rows(values))
