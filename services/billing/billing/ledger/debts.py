"""Debts: what could not be taken back, the oldest first."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from billing.models import Debt, Kind
from shared.db import Tx
from shared.sql import insert_all, update_all

OPEN_DEBTS = text("""
    SELECT id, account_id, payment_id, kind, description, amount, repaid, forgiven, repaid_count
    FROM debts WHERE account_id = ANY (:accounts) AND amount > repaid + forgiven
    ORDER BY account_version
""")
ADD_DEBTS = insert_all(
    Debt,
    *("id", "account_id", "payment_id", "kind", "cause", "description", "amount", "repaid"),
    *("forgiven", "repaid_count", "account_version", "created_at"),
)
UPDATE_DEBTS = update_all(Debt, "repaid", "forgiven", "repaid_count")


@dataclass(slots=True)
class OpenDebt:
    """A debt in the middle of a batch."""

    id: UUID
    account_id: UUID
    payment_id: UUID
    kind: str
    description: str
    amount: int
    repaid: int = 0
    forgiven: int = 0
    repaid_count: int = 0

    @property
    def owed(self) -> int:
        """What is still owed."""
        return self.amount - self.repaid - self.forgiven

    @property
    def row(self) -> dict[str, Any]:
        """What changes of it."""
        parts = {"repaid": self.repaid, "forgiven": self.forgiven}
        return {"id": self.id, **parts, "repaid_count": self.repaid_count}


class Debts:
    """The open debts of some locked accounts."""

    def __init__(self) -> None:
        self._debts: dict[UUID, list[OpenDebt]] = {}

    @classmethod
    async def of(cls, tx: Tx, accounts: Collection[UUID]) -> "Debts":
        """Return what these accounts owe."""
        debts = cls()
        if accounts:
            rows = await tx.execute(OPEN_DEBTS, {"accounts": list(accounts)})
            for row in rows.mappings():
                debts.add(OpenDebt(**row))
        return debts

    def add(self, debt: OpenDebt) -> None:
        """Note what has just become owed."""
        self._debts.setdefault(debt.account_id, []).append(debt)

    def of_account(self, account_id: UUID) -> Iterator[OpenDebt]:
        """Return what an account owes, the oldest first."""
        return (debt for debt in self._debts.get(account_id, ()) if debt.owed)

    def of_payment(self, account_id: UUID, payment_id: UUID, kind: Kind) -> list[OpenDebt]:
        """Return what is owed for a payment: of this kind first, the youngest first."""
        debts = [debt for debt in self.of_account(account_id) if debt.payment_id == payment_id]
        debts.reverse()
        return sorted(debts, key=lambda debt: debt.kind != kind)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What became of them all."""
        return [debt.row for debts in self._debts.values() for debt in debts]
