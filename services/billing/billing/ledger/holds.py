"""Holds: credits set aside for a task, which end once, in a capture and a release."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from billing.ledger.accounts import (
    UPDATE_ACCOUNTS,
    LockedAccount,
    balance_of,
    locked,
    opened,
)
from billing.ledger.batch import Batch, write
from billing.ledger.postings import Cause
from billing.models import Hold, Kind
from shared.contracts.credits import Balance
from shared.contracts.tasks import Terms
from shared.db import Tx
from shared.sql import among, insert_all, update_all

HOLD = insert_all(
    Hold, *("id", "account_id", "task_id", "amount", "terms", "captured", "released", "created_at")
)
SETTLE = update_all(Hold, "captured", "released", "settled_at")


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
    """A hold that has just ended, and the account after it; `has_run_low` when the capture left little."""

    task_id: UUID
    user_id: UUID
    hold_id: UUID
    captured: int
    released: int
    balance: Balance
    settled_at: datetime
    has_run_low: bool


async def hold(tx: Tx, requests: Sequence[HoldRequest]) -> list[Held]:
    """Set credits aside for each task that its user can afford, first come first served.

    A task that already has a hold is left out of the answer: its answer was given.
    """
    accounts = await opened(tx, {item.user_id for item in requests})
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
    rows = {UPDATE_ACCOUNTS: [account.row for account in accounts.values()], HOLD: holds}
    await write(tx, rows)
    return answers


async def settle(tx: Tx, settlements: Sequence[Settlement]) -> list[Settled]:
    """End each task's hold: capture what delivered work cost, at most what was held; release the rest.

    A hold that has ended stays as it ended; a task without one (it was denied) has nothing to settle.
    """
    by_task = {item.task_id: item for item in reversed(settlements)}
    statement = select(Hold.account_id).where(among(Hold.task_id, list(by_task)))
    accounts = {item.id: item for item in await locked(tx, ids=set(await tx.scalars(statement)))}
    holds = await _open_holds(tx, list(by_task))
    taking = {item.id: item.reserved for item in accounts.values()}
    batch = await Batch.on(tx, accounts.values(), taking=taking)
    settled = [
        _settle(batch, accounts[item.account_id], item, by_task[item.task_id]) for item in holds
    ]
    await batch.write({SETTLE: [_ended(item) for item in settled]})
    return settled


async def _open_holds(tx: Tx, tasks: Sequence[UUID]) -> Sequence[Row[Any]]:
    columns = (Hold.id, Hold.account_id, Hold.task_id, Hold.amount, Hold.terms)
    is_theirs = among(Hold.task_id, tasks)
    statement = select(*columns).where(is_theirs, Hold.settled_at.is_(None)).order_by(Hold.id)
    return (await tx.execute(statement)).all()


def _settle(
    batch: Batch, account: LockedAccount, held: Row[Any], settlement: Settlement
) -> Settled:
    captured = _cost(held, settlement)
    account.reserved -= held.amount
    if captured:
        key, why = f"capture:{held.id}", settlement.description
        parts = batch.purse.to_spend(account.id, captured)
        batch.take(account, parts, Cause(Kind.CAPTURE, key, why, task_id=held.task_id))
    else:
        account.version += 1
    batch.free(account)
    return Settled(
        task_id=held.task_id,
        user_id=account.user_id,
        hold_id=held.id,
        captured=captured,
        released=held.amount - captured,
        balance=balance_of(account),
        settled_at=batch.now,
        has_run_low=account.ran_low(captured),
    )


def _cost(held: Row[Any], settlement: Settlement) -> int:
    if not settlement.is_delivered:
        return 0
    return min(Terms.model_validate(held.terms).cost(settlement.units_used), int(held.amount))


def _hold(
    hold_id: UUID, account: LockedAccount, request: HoldRequest, now: datetime
) -> dict[str, Any]:
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


def _ended(settled: Settled) -> dict[str, Any]:
    parts = {"captured": settled.captured, "released": settled.released}
    return {"id": settled.hold_id, **parts, "settled_at": settled.settled_at}
