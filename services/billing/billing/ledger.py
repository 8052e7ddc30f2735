"""The ledger: grants, holds, captures and releases, the only ways to move credits.

Every operation takes a batch and is a few set-based statements, however large the batch and however often
one account is in it. The order of locks is the same everywhere: accounts by id first, then what hangs on
them. Keys in the database make each movement happen once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql

from billing.models import Account, Base, Hold, Kind, Lot, LotUse, Posting, SystemAccount
from shared.contracts.credits import Balance
from shared.contracts.tasks import Terms
from shared.db import Tx

COUNTERPARTS = {
    Kind.PURCHASE: SystemAccount.SALES,
    Kind.BONUS: SystemAccount.PROMOTION,
    Kind.ADMIN_GRANT: SystemAccount.ADJUSTMENT,
    Kind.CAPTURE: SystemAccount.DELIVERED,
}


@dataclass(frozen=True, slots=True)
class Grant:
    """Credits to come in for a user; the same `key` comes in once."""

    user_id: UUID
    amount: int
    kind: Kind
    key: str
    description: str
    payment_id: UUID | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant that was posted, and the account after it."""

    grant: Grant
    posting_id: UUID
    balance: Balance


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """Credits to be set aside for a task: the maximum of its terms."""

    user_id: UUID
    task_id: UUID
    terms: Terms


@dataclass(frozen=True, slots=True)
class Held:
    """The answer to a request: a hold, or None where there were not enough credits."""

    request: HoldRequest
    hold_id: UUID | None
    balance: Balance


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a task ended: delivered or not, and the units it used where somebody counted."""

    task_id: UUID
    is_delivered: bool
    units_used: int | None
    description: str


@dataclass(frozen=True, slots=True)
class Settled:
    """A hold that has just ended, and the account after it."""

    task_id: UUID
    user_id: UUID
    hold_id: UUID
    captured: int
    released: int
    balance: Balance


async def grant(tx: Tx, grants: Sequence[Grant]) -> list[Granted]:
    """Post the grants whose keys were never posted; return those, in their order."""
    accounts = await _opened(tx, {item.user_id for item in grants})
    keys = select(Posting.key).where(Posting.key.in_([item.key for item in grants]))
    posted = set(await tx.scalars(keys))
    now, postings, lots, done = await tx.now(), [], [], []
    for item in grants:
        if item.key in posted:
            continue
        posted.add(item.key)
        posting = _post(
            tx, accounts[item.user_id], item.amount, item.kind, item.key, item.description, now
        )
        posting["payment_id"] = item.payment_id
        postings.append(posting)
        lots.append(_lot(posting, item.expires_at))
        done.append(Granted(item, posting["id"], balance_of(accounts[item.user_id])))
    await _write(tx, {Posting: postings, Lot: lots})
    return done


async def hold(tx: Tx, requests: Sequence[HoldRequest]) -> list[Held]:
    """Set credits aside for each task that its user can afford, first come first served.

    A task that already has a hold is left out of the answer: its answer was given.
    """
    accounts = await _opened(tx, {item.user_id for item in requests})
    tasks = [item.task_id for item in requests]
    held = set(await tx.scalars(select(Hold.task_id).where(Hold.task_id.in_(tasks))))
    now, holds, answers = await tx.now(), [], []
    for item in requests:
        if item.task_id in held:
            continue
        held.add(item.task_id)
        account, hold_id = accounts[item.user_id], None
        if account.available >= item.terms.maximum:
            account.reserved += item.terms.maximum
            account.version += 1
            hold_id = tx.new_id()
            holds.append(_hold(hold_id, account, item, now))
        answers.append(Held(item, hold_id, balance_of(account)))
    await _write(tx, {Hold: holds})
    return answers


async def settle(tx: Tx, settlements: Sequence[Settlement]) -> list[Settled]:
    """End each task's hold: capture what delivered work cost, at most what was held; release the rest.

    A hold that has ended stays as it ended; a task without one (it was denied) has nothing to settle.
    """
    by_task = {item.task_id: item for item in reversed(settlements)}
    statement = select(Hold.account_id).where(Hold.task_id.in_(list(by_task)))
    accounts = await _locked(tx, set(await tx.scalars(statement)))
    still_open = (
        select(Hold)
        .where(Hold.task_id.in_(list(by_task)), Hold.settled_at.is_(None))
        .order_by(Hold.id)
        .execution_options(populate_existing=True)
    )
    holds = await tx.scalars(still_open)
    purse = _Purse(await _lots(tx, accounts))
    now, postings, uses, settled = await tx.now(), [], [], []
    for item in holds:
        account, settlement = accounts[item.account_id], by_task[item.task_id]
        captured = _cost(item, settlement)
        account.reserved -= item.amount
        if captured:
            posting = _post(
                tx,
                account,
                -captured,
                Kind.CAPTURE,
                f"capture:{item.id}",
                settlement.description,
                now,
            )
            posting["task_id"] = item.task_id
            postings.append(posting)
            uses += purse.spend(account.id, posting["id"], captured)
        else:
            account.version += 1
        item.captured, item.released, item.settled_at = captured, item.amount - captured, now
        settled.append(_settled(item, account))
    await _write(tx, {Posting: postings, LotUse: uses})
    await purse.write(tx)
    return settled


async def account_of(tx: Tx, user_id: UUID) -> Account | None:
    """Return a user's account, or None before anything was known of the user."""
    return await tx.scalar(select(Account).where(Account.user_id == user_id))


async def known_users(tx: Tx, users: set[UUID | None]) -> set[UUID]:
    """Return which of these users have an account."""
    statement = select(Account.user_id).where(Account.user_id.in_(users - {None}))
    return set(await tx.scalars(statement))


async def open_account(tx: Tx, user_id: UUID) -> None:
    """Open a user's account unless it is open."""
    await _opened(tx, {user_id})


def balance_of(account: Account) -> Balance:
    """Return the account's state as events carry it."""
    return Balance(
        balance=account.balance,
        reserved=account.reserved,
        available=account.available,
        version=account.version,
    )


class _Purse:
    """The lots of some accounts, spent in order: the earliest to expire first, bought ones last."""

    def __init__(self, lots: Iterable[Lot]) -> None:
        self._lots: dict[UUID, list[Lot]] = {}
        self._touched: dict[UUID, int] = {}
        for lot in lots:
            self._lots.setdefault(lot.account_id, []).append(lot)

    def spend(self, account_id: UUID, posting_id: UUID, amount: int) -> list[dict[str, Any]]:
        """Take an amount from an account's lots; return what was taken from which."""
        uses = []
        for lot in self._lots.get(account_id, []):
            part = min(amount, self._left(lot))
            if part:
                self._touched[lot.id] = self._left(lot) - part
                uses.append({"posting_id": posting_id, "lot_id": lot.id, "amount": part})
                amount -= part
        assert amount == 0, "a balance is the sum of its lots"
        return uses

    def _left(self, lot: Lot) -> int:
        return self._touched.get(lot.id, lot.remaining)

    async def write(self, tx: Tx) -> None:
        """Write what is left in the lots that were spent from."""
        if self._touched:
            rows = [{"lot": lot_id, "left": left} for lot_id, left in self._touched.items()]
            lots = Base.metadata.tables["lots"]
            statement = update(lots).where(lots.c.id == bindparam("lot"))
            await tx.execute(statement.values(remaining=bindparam("left")), rows)


async def _opened(tx: Tx, users: set[UUID]) -> dict[UUID, Account]:
    """Return the accounts of these users by user, locked; opened by whatever event comes first."""
    now = await tx.now()
    known = select(Account.user_id).where(Account.user_id.in_(users))
    missing = sorted(users - set(await tx.scalars(known)))
    if missing:
        rows = [
            {"id": tx.new_id(), "user_id": user_id, "balance": 0, "reserved": 0, "version": 0}
            | {"line": 0, "created_at": now}
            for user_id in missing
        ]
        await tx.execute(postgresql.insert(Account).values(rows).on_conflict_do_nothing())
    ids = await tx.scalars(select(Account.id).where(Account.user_id.in_(users)))
    return {account.user_id: account for account in (await _locked(tx, set(ids))).values()}


async def _locked(tx: Tx, ids: set[UUID]) -> dict[UUID, Account]:
    statement = select(Account).where(Account.id.in_(ids)).order_by(Account.id).with_for_update()
    rows = await tx.scalars(statement.execution_options(populate_existing=True))
    return {account.id: account for account in rows}


async def _lots(tx: Tx, accounts: Iterable[UUID]) -> Sequence[Lot]:
    is_bought = Lot.kind == Kind.PURCHASE
    order = (is_bought, Lot.expires_at.asc().nulls_last(), Lot.id)
    statement = (
        select(Lot).where(Lot.account_id.in_(list(accounts)), Lot.remaining > 0).order_by(*order)
    )
    return await tx.scalars(statement.execution_options(populate_existing=True))


async def _write(tx: Tx, rows: Mapping[type[Any], list[dict[str, Any]]]) -> None:
    """Write the accounts as they are now, and the new rows."""
    await tx.flush()
    for model, values in rows.items():
        if values:
            await tx.execute(insert(model), values)


def _post(
    tx: Tx, account: Account, amount: int, kind: Kind, key: str, description: str, now: datetime
) -> dict[str, Any]:
    account.balance += amount
    account.version += 1
    account.line += 1
    return {
        "id": tx.new_id(),
        "account_id": account.id,
        "counterpart": COUNTERPARTS[kind],
        "line": account.line,
        "amount": amount,
        "balance_after": account.balance,
        "kind": kind,
        "description": description,
        "key": key,
        "payment_id": None,
        "task_id": None,
        "created_at": now,
    }


def _lot(posting: Mapping[str, Any], expires_at: datetime | None) -> dict[str, Any]:
    return {
        "id": posting["id"],
        "account_id": posting["account_id"],
        "kind": posting["kind"],
        "amount": posting["amount"],
        "remaining": posting["amount"],
        "expires_at": expires_at,
    }


def _hold(hold_id: UUID, account: Account, request: HoldRequest, now: datetime) -> dict[str, Any]:
    return {
        "id": hold_id,
        "account_id": account.id,
        "task_id": request.task_id,
        "amount": request.terms.maximum,
        "terms": request.terms.model_dump(),
        "captured": 0,
        "released": 0,
        "created_at": now,
    }


def _cost(hold: Hold, settlement: Settlement) -> int:
    if not settlement.is_delivered:
        return 0
    return min(Terms.model_validate(hold.terms).cost(settlement.units_used), hold.amount)


def _settled(hold: Hold, account: Account) -> Settled:
    return Settled(
        task_id=hold.task_id,
        user_id=account.user_id,
        hold_id=hold.id,
        captured=hold.captured,
        released=hold.released,
        balance=balance_of(account),
    )
