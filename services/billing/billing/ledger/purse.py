"""The purse: what the lots of some accounts have left, and in which order it is taken."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY

from billing.models import Kind, Lot
from shared.db import Tx
from shared.sql import insert_all, update_all

ADD_LOTS = insert_all(
    Lot,
    *("id", "account_id", "kind", "amount", "remaining", "expires_at", "payment_id"),
    *("subscription_id", "is_paused", "notice_at"),
)
SPEND_LOTS = update_all(Lot, "remaining")
# The lots in the order they are spent, of each account as many as it takes to reach an amount.
LOTS = text("""
    SELECT id, account_id, kind, remaining, expires_at, payment_id, is_paused FROM (
        SELECT l.*, w.reach, sum(l.remaining) OVER (
            PARTITION BY l.account_id
            ORDER BY l.is_paused, l.kind = 'purchase', l.expires_at NULLS LAST, l.id
        ) - l.remaining AS before
        FROM unnest(:accounts, :reaches) AS w (account_id, reach)
        JOIN lots l ON l.account_id = w.account_id AND l.remaining > 0
    ) AS lots
    WHERE reach IS NULL OR before < reach
    ORDER BY is_paused, kind = 'purchase', expires_at NULLS LAST, id
""").bindparams(
    bindparam("accounts", type_=ARRAY(Uuid)), bindparam("reaches", type_=ARRAY(BigInteger))
)
NEVER: Final = datetime.max.replace(tzinfo=UTC)
NOTICE_DAYS: Final = (14, 3, 1)
"""How long before credits expire their owner is told."""


def spending_order() -> Sequence[Any]:
    """Return the order in which lots are spent: the earliest to expire first, bought ones last; after them paused ones."""
    return (Lot.is_paused, Lot.kind == Kind.PURCHASE, Lot.expires_at.asc().nulls_last(), Lot.id)


def next_notice(expires_at: datetime | None, now: datetime) -> datetime | None:
    """Return when an owner is told next of an expiry, if again; what lives for less than a stage has none of it."""
    if expires_at is None:
        return None
    stages = (expires_at - timedelta(days=days) for days in NOTICE_DAYS)
    return next((stage for stage in stages if stage > now), None)


@dataclass(slots=True)
class PurseLot:
    """A lot in the middle of a batch."""

    id: UUID
    account_id: UUID
    kind: str
    remaining: int
    expires_at: datetime | None
    payment_id: UUID | None
    is_paused: bool

    @property
    def place(self) -> tuple[bool, bool, datetime, UUID]:
        """Where it stands in the order of spending: see `spending_order`."""
        return (self.is_paused, self.kind == Kind.PURCHASE, self.expires_at or NEVER, self.id)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a lot's credits come from, and what follows from it."""

    kind: str
    expires_at: datetime | None = None
    payment_id: UUID | None = None
    subscription_id: str | None = None
    is_paused: bool = False

    def lot(self, posting: Mapping[str, Any]) -> dict[str, Any]:
        """Return the lot that a posting brings."""
        return {
            "id": posting["id"],
            "account_id": posting["account_id"],
            "kind": self.kind,
            "amount": posting["amount"],
            "remaining": posting["amount"],
            "expires_at": self.expires_at,
            "payment_id": self.payment_id,
            "subscription_id": self.subscription_id,
            "is_paused": self.is_paused,
            "notice_at": next_notice(self.expires_at, posting["created_at"]),
        }


Parts: TypeAlias = list[tuple[PurseLot, int]]
"""How much of which lot."""


class Purse:
    """The lots of some locked accounts, in the order they are spent."""

    def __init__(self) -> None:
        self._lots: dict[UUID, list[PurseLot]] = {}

    @classmethod
    async def of(cls, tx: Tx, accounts: Mapping[UUID, int | None]) -> "Purse":
        """Return the lots of these accounts from which so much may be taken, for None all of them."""
        purse = cls()
        if accounts:
            reach = {"accounts": list(accounts), "reaches": list(accounts.values())}
            for row in await tx.execute(LOTS, reach):
                purse._lots.setdefault(row.account_id, []).append(PurseLot(*tuple(row)))
        return purse

    def add(self, row: Mapping[str, Any]) -> None:
        """Put in a lot that has just come in."""
        lot = PurseLot(**{item.name: row[item.name] for item in fields(PurseLot)})
        lots = self._lots.setdefault(lot.account_id, [])
        lots.append(lot)
        lots.sort(key=lambda item: item.place)

    def lots(self, account_id: UUID) -> Iterator[PurseLot]:
        """Return what has something left, in the order it is spent."""
        return (lot for lot in self._lots.get(account_id, ()) if lot.remaining)

    def to_spend(self, account_id: UUID, amount: int) -> Parts:
        """Return what an amount is taken from; paused lots last, for what was held before they were."""
        parts = _taken(self.lots(account_id), amount)
        assert sum(part for _, part in parts) == amount, "a balance is the sum of its lots"
        return parts

    def to_take_back(
        self, account_id: UUID, amount: int, payment_id: UUID, *, available: int, paused: int
    ) -> Parts:
        """Return what can be taken for a payment: of its own lots first, then what would be spent last.

        Of what is paused only its own is taken, and of nothing more than is free of holds.
        """
        lots = list(self.lots(account_id))[::-1]
        own = [lot for lot in lots if lot.payment_id == payment_id]
        idle = _taken([lot for lot in own if lot.is_paused], min(amount, paused))
        left = min(amount - sum(part for _, part in idle), available)
        spendable = [lot for lot in lots if not lot.is_paused]
        spendable.sort(key=lambda lot: lot.payment_id != payment_id)
        return [*idle, *_taken(spendable, left)]


def _taken(lots: Iterable[PurseLot], amount: int) -> Parts:
    """Return what each lot gives, in turn, until the amount is reached."""
    parts: Parts = []
    for lot in lots:
        if amount <= 0:
            break
        part = min(amount, lot.remaining)
        parts.append((lot, part))
        amount -= part
    return parts
