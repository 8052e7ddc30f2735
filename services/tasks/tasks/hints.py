"""What is known here of a user's credits: a courtesy to who asks for work; billing's gate decides."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from shared.contracts.credits import Balance
from shared.db import Tx
from tasks import stream
from tasks.models import BalanceHint, Task
from tasks.status import Status
from tasks.stream import Change

_NEW = insert(BalanceHint)
LEARN = _NEW.on_conflict_do_update(
    index_elements=[BalanceHint.user_id],
    set_={
        name: _NEW.excluded[name]
        for name in ("balance", "reserved", "available", "account_version")
    },
    where=BalanceHint.account_version < _NEW.excluded.account_version,
).returning(BalanceHint.user_id)
AVAILABLE = (
    select(BalanceHint.available).where(BalanceHint.user_id == bindparam("user")).with_for_update()
)
PENDING = select(func.coalesce(func.sum(Task.maximum), 0)).where(
    Task.user_id == bindparam("user"), Task.status == Status.PENDING
)


async def learn(tx: Tx, user_id: UUID, balance: Balance) -> None:
    """Keep the balance and show it, unless a later one is known."""
    row = {
        "user_id": user_id,
        "balance": balance.balance,
        "reserved": balance.reserved,
        "available": balance.available,
        "account_version": balance.version,
    }
    if (await tx.execute(LEARN, row)).first() is not None:
        await stream.emit(tx, user_id, Change("credits", _credits(balance)))


async def credits_of(tx: Tx, user_id: UUID) -> dict[str, int]:
    """Return the user's credits as last heard of, all 0 for who has none."""
    return _credits(await tx.get(BalanceHint, user_id))


async def spare(tx: Tx, user_id: UUID) -> int:
    """Return what is available less what pending tasks may take, and keep the hint locked until the end."""
    available = (await tx.execute(AVAILABLE, {"user": user_id})).scalar()
    pending = (await tx.execute(PENDING, {"user": user_id})).scalar_one()
    return (available or 0) - int(pending)


def _credits(known: Balance | BalanceHint | None) -> dict[str, Any]:
    names = ("available", "reserved", "balance")
    return {name: getattr(known, name) if known else 0 for name in names}
