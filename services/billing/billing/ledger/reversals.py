"""Reversals: credits of a payment taken back after a refund or a dispute, and given back where that came to nothing.

Each is done once for its key. What cannot be taken is owed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Row, select, text

from billing.ledger.accounts import LockedAccount, balance_of, opened
from billing.ledger.batch import Batch
from billing.ledger.debts import ADD_DEBTS
from billing.ledger.postings import COUNTERPARTS, Cause
from billing.ledger.purse import Origin
from billing.models import Kind, Reversal
from shared.contracts.credits import Balance
from shared.db import Tx
from shared.sql import among, insert_all

NOTE_REVERSALS = insert_all(
    Reversal,
    *("id", "account_id", "payment_id", "number", "kind", "key", "amount", "moved"),
    *("credits", "revoked_after", "created_at"),
)
# What is known of payments: their credits, how much is taken back so far, and their latest lot.
PAYMENTS = text("""
    SELECT m.id, m.credits, coalesce(last.number, 0) AS number,
           coalesce(last.revoked_after, 0) AS revoked, lot.kind, lot.expires_at,
           lot.subscription_id, coalesce(lot.is_paused, false) AS is_paused
    FROM payments m
    LEFT JOIN LATERAL (SELECT number, revoked_after FROM reversals WHERE payment_id = m.id
                       ORDER BY number DESC LIMIT 1) AS last ON true
    LEFT JOIN LATERAL (SELECT l.kind, l.expires_at, l.subscription_id, l.is_paused
                       FROM postings p JOIN lots l ON l.id = p.id
                       WHERE p.payment_id = m.id AND p.amount > 0
                       ORDER BY p.id DESC LIMIT 1) AS lot ON true
    WHERE m.id = ANY (:ids)
""")


@dataclass(frozen=True, slots=True)
class Revocation:
    """Credits of a payment to be taken back: `kind` is refund or dispute; the same `key` takes them once."""

    user_id: UUID
    amount: int
    kind: Kind
    key: str
    description: str
    payment_id: UUID


@dataclass(frozen=True, slots=True)
class Revoked:
    """What was taken back now, what is owed instead, and the account after it.

    There is a posting where something was taken.
    """

    revocation: Revocation
    posting_id: UUID | None
    taken: int
    owed: int
    balance: Balance


@dataclass(frozen=True, slots=True)
class Reinstatement:
    """Credits of a payment to be given back: `kind` is what they were taken for; the same `key` gives them once."""

    user_id: UUID
    amount: int
    kind: Kind
    key: str
    description: str
    payment_id: UUID


@dataclass(frozen=True, slots=True)
class Reinstated:
    """What was forgiven of debts of that payment, what was given back, and the account after it.

    There is a posting where something was given back; `repaid` of that went to debts of other payments.
    """

    reinstatement: Reinstatement
    posting_id: UUID | None
    forgiven: int
    given: int
    repaid: int
    balance: Balance


ItemT = TypeVar("ItemT", Revocation, Reinstatement)


@dataclass(slots=True)
class _Payment:
    """How much of a payment is taken back, in the middle of a batch, and what its credits were like."""

    credits: int
    number: int
    revoked: int
    origin: Origin


async def revoke(tx: Tx, revocations: Sequence[Revocation]) -> list[Revoked]:
    """Take credits back, first of the payment's own, never what holds set aside; what is missing is owed.

    A key that was used before is left out of the answer: it had its effect.
    """
    accounts = await opened(tx, {item.user_id for item in revocations})
    payments, todo = await _payments(tx, revocations), await _new(tx, revocations)
    taking = dict.fromkeys(account.id for account in accounts.values())
    batch = await Batch.on(tx, accounts.values(), taking=taking)
    done, notes, debts = [], [], []
    for item in todo:
        account, payment = accounts[item.user_id], payments[item.payment_id]
        revoked = _revoke(batch, account, item)
        note = _note(batch, account, item, revoked.posting_id)
        notes.append({**note, **_counted(payment, item.amount), "moved": revoked.taken})
        if revoked.owed:
            debts.append(_debt(account, item, note, revoked.owed))
        done.append(revoked)
    await batch.write({NOTE_REVERSALS: notes, ADD_DEBTS: debts})
    return done


async def reinstate(tx: Tx, reinstatements: Sequence[Reinstatement]) -> list[Reinstated]:
    """Give back what was taken of a payment: forgive what is owed for it first, then post the rest as a lot like its own.

    A key that was used before is left out of the answer: it had its effect.
    """
    accounts = await opened(tx, {item.user_id for item in reinstatements})
    payments, todo = await _payments(tx, reinstatements), await _new(tx, reinstatements)
    batch, done, notes = await Batch.on(tx, accounts.values()), [], []
    for item in todo:
        account, payment = accounts[item.user_id], payments[item.payment_id]
        reinstated = _reinstate(batch, account, item, payment.origin)
        note = _note(batch, account, item, reinstated.posting_id)
        kind, moved = Kind.REINSTATEMENT, reinstated.given
        notes.append({**note, **_counted(payment, -item.amount), "kind": kind, "moved": moved})
        done.append(reinstated)
    await batch.write({NOTE_REVERSALS: notes})
    return done


def _revoke(batch: Batch, account: LockedAccount, item: Revocation) -> Revoked:
    parts = batch.to_take_back(account, item.amount, item.payment_id)
    taken = sum(part for _, part in parts)
    cause = Cause(item.kind, item.key, item.description, payment_id=item.payment_id)
    posting_id = batch.take(account, parts, cause) if taken else None
    if posting_id is None:
        account.version += 1
    account.debt += item.amount - taken
    return Revoked(item, posting_id, taken, item.amount - taken, balance_of(account))


def _reinstate(
    batch: Batch, account: LockedAccount, item: Reinstatement, origin: Origin
) -> Reinstated:
    forgiven = _forgive(batch, account, item)
    given, posting_id, repaid = item.amount - forgiven, None, 0
    if given:
        counterpart = COUNTERPARTS[item.kind]
        cause = Cause(
            *(Kind.REINSTATEMENT, item.key, item.description),
            payment_id=item.payment_id,
            counterpart=counterpart,
        )
        posting_id, repaid = batch.bring_in(account, given, cause, origin)
    else:
        account.version += 1
    return Reinstated(item, posting_id, forgiven, given, repaid, balance_of(account))


def _forgive(batch: Batch, account: LockedAccount, item: Reinstatement) -> int:
    """Forgive what is owed for the payment, as far as the amount reaches; return how much."""
    left = item.amount
    for debt in batch.debts.of_payment(account.id, item.payment_id, item.kind):
        part = min(left, debt.owed)
        debt.forgiven += part
        account.debt -= part
        left -= part
    return item.amount - left


async def _new(tx: Tx, items: Sequence[ItemT]) -> list[ItemT]:
    """Return those whose keys are new, the first of each key."""
    keys = [item.key for item in items]
    known = set(await tx.scalars(select(Reversal.key).where(among(Reversal.key, keys))))
    first: dict[str, ItemT] = {}
    for item in items:
        if item.key not in known:
            first.setdefault(item.key, item)
    return list(first.values())


async def _payments(
    tx: Tx, items: Sequence[Revocation] | Sequence[Reinstatement]
) -> dict[UUID, _Payment]:
    rows = await tx.execute(PAYMENTS, {"ids": list({item.payment_id for item in items})})
    return {row.id: _Payment(row.credits, row.number, row.revoked, _origin(row)) for row in rows}


def _origin(row: Row[Any]) -> Origin:
    """Return what a lot like the payment's own is like; a payment that was never granted has had none."""
    return Origin(
        kind=row.kind or Kind.PURCHASE,
        expires_at=row.expires_at,
        payment_id=row.id,
        subscription_id=row.subscription_id,
        is_paused=row.is_paused,
    )


def _note(
    batch: Batch,
    account: LockedAccount,
    item: Revocation | Reinstatement,
    posting_id: UUID | None,
) -> dict[str, Any]:
    return {
        "id": posting_id or batch.new_id(),
        "account_id": account.id,
        "payment_id": item.payment_id,
        "kind": item.kind,
        "key": item.key,
        "amount": item.amount,
        "created_at": batch.now,
    }


def _counted(payment: _Payment, change: int) -> dict[str, int]:
    """Return how much of a payment is taken back after a reversal, and which of its reversals that is."""
    payment.number += 1
    payment.revoked += change
    assert 0 <= payment.revoked <= payment.credits, "no more is taken back than was paid for"
    counted = {"number": payment.number, "revoked_after": payment.revoked}
    return {**counted, "credits": payment.credits}


def _debt(
    account: LockedAccount, item: Revocation, note: Mapping[str, Any], owed: int
) -> dict[str, Any]:
    return {
        "id": note["id"],
        "account_id": account.id,
        "payment_id": item.payment_id,
        "kind": item.kind,
        "cause": item.key,
        "description": item.description,
        "amount": owed,
        "repaid": 0,
        "forgiven": 0,
        "repaid_count": 0,
        "account_version": account.version,
        "created_at": note["created_at"],
    }
