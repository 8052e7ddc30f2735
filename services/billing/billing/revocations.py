"""Revocations: how many of a payment's credits are taken back for its refunds and disputes, or given back again.

What is to be taken follows from the refunds and disputes that are known, whatever was taken before and in whichever
order they came: the difference is revoked or reinstated.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text, update

from billing import ledger
from billing.models import Kind, Payment, PaymentStatus, PlanGrant
from shared.contracts.credits import CreditsGranted, CreditsRevoked
from shared.db import Tx
from shared.sql import among, as_rows, update_all

TAKING: Final = ["needs_response", "under_review", "lost"]
"""How disputes stand that take the money of a payment, or may."""
# Also those that are being granted: who does not wait for them would pass by what their grant does not see yet.
LOCK: Final = text("""
    SELECT id, user_id, credits, amount_cents, refund_taken, dispute_taken, stripe_invoice_id, status
    FROM payments WHERE id = ANY (:ids) ORDER BY id FOR NO KEY UPDATE
""")
# Of each payment: refunds that went or go back, those that failed, what charges say went back at least, and disputes
# that are open or lost. An approved request counts until its refund is known.
RETURNED: Final = text("""
    SELECT p.id,
        (SELECT coalesce(sum(amount_cents), 0) FROM refunds
         WHERE payment_id = p.id AND status NOT IN ('failed', 'canceled'))
        + (SELECT coalesce(sum(amount_cents), 0) FROM refund_requests
           WHERE payment_id = p.id AND status = 'approved' AND stripe_refund_id IS NULL) AS refunded,
        (SELECT coalesce(sum(refunded_cents), 0) FROM charges WHERE payment_id = p.id)
        - (SELECT coalesce(sum(amount_cents), 0) FROM refunds
           WHERE payment_id = p.id AND status IN ('failed', 'canceled')) AS floor,
        (SELECT coalesce(sum(amount_cents), 0) FROM disputes WHERE payment_id = p.id
         AND status = ANY (:taking)) AS disputed,
        (SELECT coalesce(max(number), 0) FROM reversals WHERE payment_id = p.id) AS number
    FROM unnest(CAST(:ids AS uuid[])) AS p (id)
""")
UNGRANTED: Final = text("""
    SELECT id, payment_id, amount, status FROM plan_grants
    WHERE payment_id = ANY (:ids) AND status <> 'granted' ORDER BY due_at DESC, id FOR NO KEY UPDATE
""")
NOTE: Final = update_all(Payment, "refund_taken", "dispute_taken")
TAKEN: Final = {
    Kind.REFUND: "Credits taken back: their payment was refunded",
    Kind.DISPUTE: "Credits taken back: their payment is disputed",
}
GIVEN: Final = {
    Kind.REFUND: "Credits given back: the refund did not happen",
    Kind.DISPUTE: "Credits given back: the dispute is over",
}


@dataclass(frozen=True, slots=True)
class Change:
    """How many credits of a payment are taken back more (or fewer), and why."""

    payment: Row[Any]
    kind: Kind
    amount: int
    number: int

    @property
    def key(self) -> str:
        """What makes it happen once: a payment's reversals are counted, under its lock."""
        return f"{self.kind}:{self.payment.id}:{self.number}"


@dataclass(slots=True)
class _Account:
    """What is to be taken of one payment."""

    payment: Row[Any]
    refund: int
    dispute: int
    number: int

    def changes(self) -> Iterable[Change]:
        """Yield how that differs from what was taken."""
        wanted = {Kind.REFUND: self.refund, Kind.DISPUTE: self.dispute}
        taken = {Kind.REFUND: self.payment.refund_taken, Kind.DISPUTE: self.payment.dispute_taken}
        for kind, amount in wanted.items():
            if amount != taken[kind]:
                self.number += 1
                yield Change(self.payment, kind, amount - taken[kind], self.number)


async def settle(tx: Tx, payments: Collection[UUID]) -> int:
    """Take back what is to be taken of these payments, and give back what is not any more; return of how many."""
    if not payments:
        return 0
    rows = await tx.execute(LOCK, {"ids": list(payments)})
    locked = {row.id: row for row in rows if row.status == PaymentStatus.GRANTED}
    if not locked:
        return 0
    accounts = await _accounts(tx, locked)
    changes = [change for account in accounts for change in account.changes()]
    if not changes:
        return 0
    await _give_back(tx, [change for change in changes if change.amount < 0])
    await _take_back(tx, [change for change in changes if change.amount > 0])
    taken = [
        {"id": item.payment.id, "refund_taken": item.refund, "dispute_taken": item.dispute}
        for item in accounts
    ]
    await tx.execute(NOTE, as_rows(taken))
    return len({change.payment.id for change in changes})


def share(credits_paid: int, paid_cents: int, back_cents: int) -> int:
    """Return the credits that a part of the money stands for: whole ones, all of them when all of it went back."""
    if paid_cents <= 0:
        return 0
    return credits_paid * min(back_cents, paid_cents) // paid_cents


async def _accounts(tx: Tx, locked: dict[UUID, Row[Any]]) -> list[_Account]:
    returned = (await tx.execute(RETURNED, {"ids": list(locked), "taking": TAKING})).all()
    of_plans = [row.id for row in locked.values() if row.stripe_invoice_id is not None]
    waiting = (await tx.execute(UNGRANTED, {"ids": of_plans})).all() if of_plans else []
    accounts, cut = [], list[UUID]()
    for row in returned:
        payment = locked[row.id]
        refunded = max(int(row.refunded), int(row.floor), 0)
        by_refund = share(payment.credits, payment.amount_cents, refunded)
        in_all = share(payment.credits, payment.amount_cents, refunded + int(row.disputed))
        kept = _kept([grant for grant in waiting if grant.payment_id == row.id], in_all)
        cut += kept.cut
        refund = max(0, by_refund - kept.amount)
        dispute = max(0, in_all - kept.amount) - refund
        accounts.append(_Account(payment, refund, dispute, int(row.number)))
    await _cut(tx, waiting, cut)
    return accounts


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was never brought of a payment: so many credits, and which grants are cut for that."""

    amount: int
    cut: list[UUID]


def _kept(ungranted: Sequence[Row[Any]], wanted: int) -> _Kept:
    """Return what need not be taken of what was brought: ended grants, and whole later ones, the last first."""
    amount = sum(grant.amount for grant in ungranted if grant.status == "ended")
    cut = []
    for grant in ungranted:
        if grant.status != "ended" and amount + grant.amount <= wanted:
            amount += grant.amount
            cut.append(grant.id)
    return _Kept(amount, cut)


async def _cut(tx: Tx, ungranted: Sequence[Row[Any]], cut: Collection[UUID]) -> None:
    """Cut these grants, and let those wait again that were cut and need not be any more."""
    for status, is_cut in (("cut", True), ("waiting", False)):
        theirs = [
            grant.id
            for grant in ungranted
            if grant.status not in ("ended", status) and (grant.id in cut) is is_cut
        ]
        if theirs:
            turn = update(PlanGrant).where(among(PlanGrant.id, theirs))
            await tx.execute(turn.values(status=status))


async def _take_back(tx: Tx, changes: Sequence[Change]) -> None:
    if not changes:
        return
    asked = [
        ledger.Revocation(
            user_id=item.payment.user_id,
            amount=item.amount,
            kind=item.kind,
            key=item.key,
            description=TAKEN[item.kind],
            payment_id=item.payment.id,
        )
        for item in changes
    ]
    for revoked in await ledger.revoke(tx, asked):
        tx.publish(
            CreditsRevoked(
                user_id=revoked.revocation.user_id,
                payment_id=revoked.revocation.payment_id,
                transaction_id=revoked.posting_id,
                kind=revoked.revocation.kind,
                amount=revoked.taken,
                owed=revoked.owed,
                balance=revoked.balance,
            )
        )


async def _give_back(tx: Tx, changes: Sequence[Change]) -> None:
    if not changes:
        return
    asked = [
        ledger.Reinstatement(
            user_id=item.payment.user_id,
            amount=-item.amount,
            kind=item.kind,
            key=item.key,
            description=GIVEN[item.kind],
            payment_id=item.payment.id,
        )
        for item in changes
    ]
    for given in await ledger.reinstate(tx, asked):
        if given.posting_id is not None:
            tx.publish(
                CreditsGranted(
                    user_id=given.reinstatement.user_id,
                    payment_id=given.reinstatement.payment_id,
                    transaction_id=given.posting_id,
                    kind=Kind.REINSTATEMENT,
                    amount=given.given,
                    repaid=given.repaid,
                    balance=given.balance,
                )
            )
