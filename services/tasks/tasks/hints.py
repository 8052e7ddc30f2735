"""What is known here of a user's credits: a courtesy to who asks for work; billing's gate decides."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, insert

from shared.contracts.credits import Balance
from shared.db import Tx
from tasks import stream
from tasks.models import BalanceHint
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
AVAILABLE = text("""
    SELECT user_id, available FROM balance_hints WHERE user_id = ANY (:users)
    ORDER BY user_id FOR UPDATE
""").bindparams(bindparam("users", type_=ARRAY(Uuid)))
PENDING = text(f"""
    SELECT user_id, sum(maximum) AS maximum FROM tasks
    WHERE user_id = ANY (:users) AND status = '{Status.PENDING}' GROUP BY user_id
""").bindparams(bindparam("users", type_=ARRAY(Uuid)))  # noqa: S608 - a constant of ours


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
        await stream.emit(tx, Change(user_id, "credits", _credits(balance)))


async def credits_of(tx: Tx, user_id: UUID) -> dict[str, int]:
    """Return the user's credits as last heard of, all 0 for who has none."""
    return _credits(await tx.get(BalanceHint, user_id))


async def spare_of(tx: Tx, users: Iterable[UUID]) -> dict[UUID, int]:
    """Return what each has available less what pending tasks may take; the hints stay locked until the end."""
    asked = {"users": list(set(users))}
    spare = dict.fromkeys(asked["users"], 0)
    for row in await tx.execute(AVAILABLE, asked):
        spare[row.user_id] += row.available
    for row in await tx.execute(PENDING, asked):
        spare[row.user_id] -= int(row.maximum)
    return spare


def _credits(known: Balance | BalanceHint | None) -> dict[str, Any]:
    names = ("available", "reserved", "balance")
    return {name: getattr(known, name) if known else 0 for name in names}
