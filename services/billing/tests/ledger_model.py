"""A ledger as one would do it by hand: lists of lots, holds and debts, and no thought of speed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(eq=False)
class ModelLot:
    id: UUID
    is_bought: bool
    remaining: int
    expires_at: datetime | None
    payment: UUID | None = None
    subscription: str | None = None
    is_paused: bool = False

    @property
    def turn(self):
        return (self.is_paused, self.is_bought, self.expires_at or FOREVER, self.id)


@dataclass(eq=False)
class ModelDebt:
    payment: UUID
    kind: str
    owed: int


@dataclass
class ModelAccount:
    """One user's credits; every method is an operation of the ledger."""

    lots: list[ModelLot] = field(default_factory=list)
    holds: dict[UUID, int] = field(default_factory=dict)
    debts: list[ModelDebt] = field(default_factory=list)
    revoked: dict[UUID, int] = field(default_factory=dict)

    @property
    def balance(self):
        return sum(lot.remaining for lot in self.lots)

    @property
    def reserved(self):
        return sum(self.holds.values())

    @property
    def debt(self):
        return sum(debt.owed for debt in self.debts)

    @property
    def available(self):
        usable = sum(lot.remaining for lot in self.lots if not lot.is_paused)
        return max(usable - self.reserved, 0)

    @property
    def paused(self):
        return self.balance - self.reserved - self.available

    def grant(self, lot):
        self.lots.append(lot)
        self._repay()

    def can_spend(self, amount):
        return self.available >= amount

    def spend(self, amount):
        self._draw(amount, sorted(self.lots, key=lambda lot: lot.turn))

    def hold(self, task, amount):
        self.holds[task] = amount

    def settle(self, task, cost):
        captured = min(cost, self.holds.pop(task))
        self.spend(captured)
        self._repay()
        return captured

    def revoke(self, payment, kind, amount):
        """Return what was taken; the rest is owed."""
        self.revoked[payment] = self.revoked.get(payment, 0) + amount
        taken = self._take_back(payment, amount)
        if taken < amount:
            self.debts.append(ModelDebt(payment, kind, amount - taken))
        return taken

    def reinstate(self, payment, kind, amount, lot_of: Callable[[int], ModelLot]):
        """Forgive, the youngest debts of this kind first; give back the rest."""
        self.revoked[payment] -= amount
        theirs = [debt for debt in reversed(self.debts) if debt.payment == payment]
        for debt in sorted(theirs, key=lambda debt: debt.kind != kind):
            part = min(debt.owed, amount)
            debt.owed -= part
            amount -= part
        if amount:
            self.grant(lot_of(amount))
        return amount

    def turn(self, subscription, *, is_paused):
        for lot in self.lots:
            if lot.subscription == subscription:
                lot.is_paused = is_paused
        self._repay()

    def expire(self, now):
        needed = self.reserved
        for lot in sorted(self.lots, key=lambda lot: lot.turn):
            kept = min(needed, lot.remaining)
            needed -= kept
            if lot.expires_at is not None and lot.expires_at <= now:
                lot.remaining = kept

    def _repay(self):
        for debt in self.debts:
            debt.owed -= self._take_back(debt.payment, debt.owed)

    def _take_back(self, payment, amount):
        by_turn = sorted(self.lots, key=lambda lot: lot.turn, reverse=True)
        own = [lot for lot in by_turn if lot.payment == payment]
        idle = [lot for lot in own if lot.is_paused]
        taken = self._draw(min(amount, self.paused), idle)
        usable = sorted(
            (lot for lot in by_turn if not lot.is_paused), key=lambda lot: lot not in own
        )
        return taken + self._draw(min(amount - taken, self.available), usable)

    def _draw(self, amount, lots):
        drawn = 0
        for lot in lots:
            part = min(amount - drawn, lot.remaining)
            lot.remaining -= part
            drawn += part
        return drawn
