"""Accounts: opened by whatever comes first, locked in the order of their ids."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text

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
LOCK = text("""
    SELECT id, user_id, balance, reserved, paused_remaining, debt, is_low, version, line, hash
    FROM accounts WHERE id = ANY (:ids) OR user_id = ANY (:users) ORDER BY id FOR UPDATE
""")
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

    Those that are there are locked before others are opened: nobody who has opened one waits for an older one.
    """
    found = {account.user_id: account for account in await locked(tx, users=users)}
    missing = users - found.keys()
    if missing:
        new = {**NOTHING, "is_low": False, "created_at": await tx.now()}
        rows = [{**new, "id": tx.new_id(), "user_id": user_id} for user_id in missing]
        await tx.execute(OPEN_ACCOUNTS, as_rows(rows))
        found |= {account.user_id: account for account in await locked(tx, users=missing)}
    return found


async def locked(
    tx: Tx, *, ids: Collection[UUID] = (), users: Collection[UUID] = ()
) -> list[LockedAccount]:
    """Return these accounts, locked."""
    rows = await tx.execute(LOCK, {"ids": list(ids), "users": list(users)})
    return [LockedAccount(*tuple(row)) for row in rows]
