"""Accounts: opened by whatever comes first, locked in the order of their ids."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text

from billing.models import Account
from shared.contracts.credits import Balance
from shared.db import Tx
from shared.sql import among, as_rows, insert_all, update_all

LOW: Final = 10
"""Fewer available credits than this are low."""

OPEN_ACCOUNTS = insert_all(
    Account,
    *("id", "user_id", "balance", "reserved", "paused_remaining", "debt", "is_low"),
    *("version", "line", "created_at"),
    tail="ORDER BY user_id ON CONFLICT (user_id) DO NOTHING",
)
_LOCK = """
    SELECT id, user_id, balance, reserved, paused_remaining, debt, is_low, version, line, hash
    FROM accounts WHERE {} ORDER BY id FOR NO KEY UPDATE
"""
LOCK = text(_LOCK.format("id = ANY (:ids) OR user_id = ANY (:users)"))
LOCK_IF_ALL_ARE_THERE = text(
    _LOCK.format(
        "user_id = ANY (:users)"
        " AND (SELECT count(*) FROM accounts WHERE user_id = ANY (:users)) = cardinality(:users)"
    )
)
UPDATE_ACCOUNTS = update_all(
    Account,
    *("balance", "reserved", "paused_remaining", "debt", "is_low", "version", "line", "hash"),
)
NOTHING: Final = dict.fromkeys(
    ("balance", "reserved", "paused_remaining", "debt", "version", "line"), 0
)


@dataclass(slots=True)
class LockedAccount:
    """A locked account in the middle of a batch."""

    id: UUID
    user_id: UUID
    balance: int
    reserved: int
    paused_remaining: int
    debt: int
    is_low: bool
    version: int
    line: int
    hash: bytes | None

    @property
    def available(self) -> int:
        """What can be spent: holds are covered by what is not paused, as far as it reaches."""
        return max(self.balance - self.reserved - self.paused_remaining, 0)

    @property
    def paused(self) -> int:
        """What is neither held nor available."""
        return self.balance - self.reserved - self.available

    def ran_low(self, spent: int) -> bool:
        """Tell whether spending so much has just left little, once until there is more again."""
        has_fallen = not self.is_low and self.available < LOW <= self.available + spent
        self.is_low = self.is_low or has_fallen
        return has_fallen

    @property
    def row(self) -> dict[str, Any]:
        """What is written back."""
        return {
            "id": self.id,
            "balance": self.balance,
            "reserved": self.reserved,
            "paused_remaining": self.paused_remaining,
            "debt": self.debt,
            "is_low": self.is_low,
            "version": self.version,
            "line": self.line,
            "hash": self.hash,
        }


async def account_of(tx: Tx, user_id: UUID) -> Account | None:
    """Return a user's account, or None before anything was known of the user."""
    return await tx.scalar(select(Account).where(Account.user_id == user_id))


def nobodys_account(user_id: UUID) -> Account:
    """Return what is read where there is no account yet: nothing."""
    return Account(id=user_id, user_id=user_id, **NOTHING, paused=0)


async def known_users(tx: Tx, users: set[UUID | None]) -> set[UUID]:
    """Return which of these users have an account."""
    statement = select(Account.user_id).where(among(Account.user_id, users - {None}))
    return set(await tx.scalars(statement))


async def open_account(tx: Tx, user_id: UUID) -> None:
    """Open a user's account unless it is open."""
    await opened(tx, {user_id})


def balance_of(account: Account | LockedAccount) -> Balance:
    """Return the account's state as events carry it."""
    return Balance(
        balance=account.balance,
        reserved=account.reserved,
        available=account.available,
        version=account.version,
    )


async def opened(tx: Tx, users: set[UUID]) -> dict[UUID, LockedAccount]:
    """Return the accounts of these users by user, locked; opened by whatever event comes first.

    While any of them has to be opened none is locked: who opens one may wait for another who does.
    """
    found = _read(await tx.execute(LOCK_IF_ALL_ARE_THERE, {"users": list(users)}))
    if len(found) < len(users):
        new = {**NOTHING, "is_low": False, "created_at": await tx.now()}
        rows = [{**new, "id": tx.new_id(), "user_id": user_id} for user_id in users]
        await tx.execute(OPEN_ACCOUNTS, as_rows(rows))
        found = await locked(tx, users=users)
    return {account.user_id: account for account in found}


async def locked(
    tx: Tx, *, ids: Collection[UUID] = (), users: Collection[UUID] = ()
) -> list[LockedAccount]:
    """Return these accounts, locked."""
    return _read(await tx.execute(LOCK, {"ids": list(ids), "users": list(users)}))


def _read(rows: Iterable[Row[Any]]) -> list[LockedAccount]:
    return [LockedAccount(*tuple(row)) for row in rows]
