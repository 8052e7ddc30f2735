"""A hint of everybody's credits, so that signing in shows them; billing alone knows them."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from auth.models import BalanceHint
from shared.contracts.credits import Balance
from shared.db import Tx


async def note(tx: Tx, user_id: UUID, balance: Balance) -> None:
    """Remember a balance unless a later one is known; the user need not be."""
    new = insert(BalanceHint).values(
        user_id=user_id, available=balance.available, account_version=balance.version
    )
    later = new.on_conflict_do_update(
        index_elements=[BalanceHint.user_id],
        set_={"available": new.excluded.available, "account_version": new.excluded.account_version},
        where=BalanceHint.account_version < new.excluded.account_version,
    )
    await tx.execute(later)


async def available(tx: Tx, user_id: UUID) -> int:
    """Return the credits the user had when we last heard of them."""
    hint = await tx.get(BalanceHint, user_id)
    return hint.available if hint else 0
