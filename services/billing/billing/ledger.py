"""The ledger: grants, holds, captures and releases, the only ways to move credits.

Every operation takes a batch and is a few set-based statements, however large the batch and however often
one account is in it. The order of locks is the same everywhere: accounts by id first, then what hangs on
them. Keys in the database make each movement happen once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, TextClause, select, text

from billing.models import Account, Hold, Kind, Lot, LotUse, Posting, SystemAccount
from shared.contracts.credits import Balance
from shared.contracts.tasks import Terms
from shared.db import Tx
from shared.sql import among, as_rows, insert_all, update_all

COUNTERPARTS = {
    Kind.PURCHASE: SystemAccount.SALES,
    Kind.BONUS: SystemAccount.PROMOTION,
    Kind.ADMIN_GRANT: SystemAccount.ADJUSTMENT,
    Kind.CAPTURE: SystemAccount.DELIVERED,
}


OPEN_ACCOUNTS = insert_all(
    Account,
    *("id", "user_id", "balance", "reserved", "version", "line", "created_at"),
    tail="ORDER BY user_id ON CONFLICT (user_id) DO NOTHING",
)
KNOWN = text("SELECT user_id FROM accounts WHERE user_id = ANY (:users)")
LOCK = text("""
    SELECT id, user_id, balance, reserved, version, line FROM accounts
    WHERE id = ANY (:ids) OR user_id = ANY (:users) ORDER BY id FOR UPDATE
""")
UPDATE_ACCOUNTS = update_all(Account, "balance", "reserved", "version", "line")
POST = insert_all(
    Posting,
    *("id", "account_id", "counterpart", "line", "amount", "balance_after", "kind", "description"),
    *("key", "payment_id", "task_id", "created_at"),
)
ADD_LOTS = insert_all(Lot, "id", "account_id", "kind", "amount", "remaining", "expires_at")
SPEND_LOTS = update_all(Lot, "remaining")
NOTE_USES = insert_all(LotUse, "posting_id", "lot_id", "amount")
HOLD = insert_all(
    Hold, *("id", "account_id", "task_id", "amount", "terms", "captured", "released", "created_at")
)
SETTLE = update_all(Hold, "captured", "released", "settled_at")


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


@dataclass(slots=True)
class _Account:
    """A locked account in the middle of a batch."""

    id: UUID
    user_id: UUID
    balance: int
    reserved: int
    version: int
    line: int

    @property
    def available(self) -> int:
        """What can be spent: the balance less what is held."""
        return self.balance - self.reserved


async def grant(tx: Tx, grants: Sequence[Grant]) -> list[Granted]:
    """Post the grants whose keys were never posted; return those, in their order."""
    accounts = await _opened(tx, {item.user_id for item in grants})
    keys = select(Posting.key).where(among(Posting.key, [item.key for item in grants]))
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
    await _write(tx, accounts.values(), {POST: postings, ADD_LOTS: lots})
    return done


async def hold(tx: Tx, requests: Sequence[HoldRequest]) -> list[Held]:
    """Set credits aside for each task that its user can afford, first come first served.

    A task that already has a hold is left out of the answer: its answer was given.
    """
    accounts = await _opened(tx, {item.user_id for item in requests})
    tasks = [item.task_id for item in requests]
    held = set(await tx.scalars(select(Hold.task_id).where(among(Hold.task_id, tasks))))
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
    await _write(tx, accounts.values(), {HOLD: holds})
    return answers


async def settle(tx: Tx, settlements: Sequence[Settlement]) -> list[Settled]:
    """End each task's hold: capture what delivered work cost, at most what was held; release the rest.

    A hold that has ended stays as it ended; a task without one (it was denied) has nothing to settle.
    """
    by_task = {item.task_id: item for item in reversed(settlements)}
    statement = select(Hold.account_id).where(among(Hold.task_id, list(by_task)))
    accounts = {item.id: item for item in await _locked(tx, ids=set(await tx.scalars(statement)))}
    holds = await _open_holds(tx, list(by_task))
    purse = _Purse(await _lots(tx, accounts))
    now, postings, uses, settled = await tx.now(), [], [], []
    for item in holds:
        account, settlement = accounts[item.account_id], by_task[item.task_id]
        captured = _cost(item, settlement)
        account.reserved -= item.amount
        if captured:
            key, why = f"capture:{item.id}", settlement.description
            posting = _post(tx, account, -captured, Kind.CAPTURE, key, why, now)
            posting["task_id"] = item.task_id
            postings.append(posting)
            uses += purse.spend(account.id, posting["id"], captured)
        else:
            account.version += 1
        settled.append(_settled(item, account, captured))
    ended = [_ended(item, now) for item in settled]
    rows = {POST: postings, SPEND_LOTS: purse.touched, NOTE_USES: uses, SETTLE: ended}
    await _write(tx, accounts.values(), rows)
    return settled


async def account_of(tx: Tx, user_id: UUID) -> Account | None:
    """Return a user's account, or None before anything was known of the user."""
    return await tx.scalar(select(Account).where(Account.user_id == user_id))


async def known_users(tx: Tx, users: set[UUID | None]) -> set[UUID]:
    """Return which of these users have an account."""
    statement = select(Account.user_id).where(among(Account.user_id, users - {None}))
    return set(await tx.scalars(statement))


async def open_account(tx: Tx, user_id: UUID) -> None:
    """Open a user's account unless it is open."""
    await _opened(tx, {user_id})


def balance_of(account: Account | _Account) -> Balance:
    """Return the account's state as events carry it."""
    return Balance(
        balance=account.balance,
        reserved=account.reserved,
        available=account.available,
        version=account.version,
    )


class _Purse:
    """The lots of some accounts, spent in order: the earliest to expire first, bought ones last."""

    def __init__(self, lots: Iterable[Row[Any]]) -> None:
        self._lots: dict[UUID, list[Row[Any]]] = {}
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

    def _left(self, lot: Row[Any]) -> int:
        return self._touched.get(lot.id, int(lot.remaining))

    @property
    def touched(self) -> list[dict[str, Any]]:
        """What is left in the lots that were spent from."""
        return [{"id": lot_id, "remaining": left} for lot_id, left in self._touched.items()]


async def _opened(tx: Tx, users: set[UUID]) -> dict[UUID, _Account]:
    """Return the accounts of these users by user, locked; opened by whatever event comes first."""
    known = (await tx.execute(KNOWN, {"users": list(users)})).scalars()
    missing = users.difference(known)
    if missing:
        new = {"balance": 0, "reserved": 0, "version": 0, "line": 0, "created_at": await tx.now()}
        rows = [{**new, "id": tx.new_id(), "user_id": user_id} for user_id in missing]
        await tx.execute(OPEN_ACCOUNTS, as_rows(rows))
    return {account.user_id: account for account in await _locked(tx, users=users)}


async def _locked(
    tx: Tx, *, ids: Collection[UUID] = (), users: Collection[UUID] = ()
) -> list[_Account]:
    rows = await tx.execute(LOCK, {"ids": list(ids), "users": list(users)})
    return [_Account(**row) for row in rows.mappings()]


async def _open_holds(tx: Tx, tasks: Sequence[UUID]) -> Sequence[Row[Any]]:
    columns = (Hold.id, Hold.account_id, Hold.task_id, Hold.amount, Hold.terms)
    is_theirs = among(Hold.task_id, tasks)
    statement = select(*columns).where(is_theirs, Hold.settled_at.is_(None)).order_by(Hold.id)
    return (await tx.execute(statement)).all()


async def _lots(tx: Tx, accounts: Collection[UUID]) -> Sequence[Row[Any]]:
    is_bought = Lot.kind == Kind.PURCHASE
    order = (is_bought, Lot.expires_at.asc().nulls_last(), Lot.id)
    is_theirs = among(Lot.account_id, accounts)
    statement = select(Lot.id, Lot.account_id, Lot.remaining).where(is_theirs, Lot.remaining > 0)
    return (await tx.execute(statement.order_by(*order))).all()


async def _write(
    tx: Tx, accounts: Iterable[_Account], rows: Mapping[TextClause, Sequence[Mapping[str, Any]]]
) -> None:
    """Write the accounts as they are now, and what hangs on them."""
    for statement, values in {UPDATE_ACCOUNTS: [asdict(item) for item in accounts], **rows}.items():
        if values:
            await tx.execute(statement, as_rows(values))


def _post(
    tx: Tx, account: _Account, amount: int, kind: Kind, key: str, description: str, now: datetime
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


def _hold(hold_id: UUID, account: _Account, request: HoldRequest, now: datetime) -> dict[str, Any]:
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


def _cost(hold: Row[Any], settlement: Settlement) -> int:
    if not settlement.is_delivered:
        return 0
    return min(Terms.model_validate(hold.terms).cost(settlement.units_used), int(hold.amount))


def _settled(hold: Row[Any], account: _Account, captured: int) -> Settled:
    return Settled(
        task_id=hold.task_id,
        user_id=account.user_id,
        hold_id=hold.id,
        captured=captured,
        released=hold.amount - captured,
        balance=balance_of(account),
    )


def _ended(settled: Settled, now: datetime) -> dict[str, Any]:
    parts = {"captured": settled.captured, "released": settled.released}
    return {"id": settled.hold_id, **parts, "settled_at": now}
