"""Matching: which payment a refund, a charge or a dispute belongs to; all that they name is a payment intent."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import TextClause, select, text, union

from billing import revocations
from billing.models import Charge, Dispute, Refund
from shared.db import Tx
from shared.sql import among

FACTS: Final = (Refund, Charge, Dispute)
PAUSES_S: Final = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)


def _match(table: str) -> TextClause:
    """Return the statement that gives facts of these payment intents their payments."""
    return text(f"""
        UPDATE {table} AS fact SET payment_id = paid.id, match_at = NULL FROM (
            SELECT id, stripe_payment_intent_id AS intent FROM payments
            WHERE stripe_payment_intent_id = ANY (:intents)
            UNION
            SELECT m.id, i.stripe_payment_intent_id FROM invoice_payments i
            JOIN payments m ON m.stripe_invoice_id = i.stripe_invoice_id
            WHERE i.stripe_payment_intent_id = ANY (:intents)
        ) AS paid
        WHERE fact.stripe_payment_intent_id = paid.intent AND fact.payment_id IS NULL
    """)  # noqa: S608 - a table of ours


MATCH: Final = tuple(_match(fact.__tablename__) for fact in FACTS)
# Which of these payments somebody wants money back of, by the payment intents that paid them.
CONCERNED: Final = text("""
    SELECT intent FROM (
        SELECT stripe_payment_intent_id AS intent FROM payments WHERE id = ANY (:ids)
        UNION ALL
        SELECT i.stripe_payment_intent_id FROM payments m
        JOIN invoice_payments i ON i.stripe_invoice_id = m.stripe_invoice_id WHERE m.id = ANY (:ids)
    ) AS paid
    WHERE EXISTS (SELECT FROM refunds WHERE stripe_payment_intent_id = intent)
       OR EXISTS (SELECT FROM charges WHERE stripe_payment_intent_id = intent)
       OR EXISTS (SELECT FROM disputes WHERE stripe_payment_intent_id = intent)
""")


async def settle_intents(tx: Tx, intents: Collection[str]) -> int:
    """Find the payments of what was said of these payment intents, and take or give back what follows.

    Returns of how many payments something was taken or given back.
    """
    if not intents:
        return 0
    for statement in MATCH:
        await tx.execute(statement, {"intents": list(intents)})
    of_them = (
        select(fact.payment_id).where(
            among(fact.stripe_payment_intent_id, intents), fact.payment_id.is_not(None)
        )
        for fact in FACTS
    )
    payments = await tx.execute(union(*of_them))
    return await revocations.settle(tx, set(payments.scalars()))


async def settle_payments(tx: Tx, payments: Collection[UUID]) -> None:
    """Take back of payments that were granted just now what was refunded or disputed before."""
    intents = await tx.execute(CONCERNED, {"ids": list(payments)})
    await settle_intents(tx, set(intents.scalars()))


async def lease(tx: Tx, *, limit: int) -> set[str]:
    """Return payment intents that no payment is known of, to be looked for; less and less often, and not for ever."""
    now, intents = await tx.now(), set[str]()
    for fact in FACTS:
        are_due = (fact.payment_id.is_(None), fact.match_at <= now)
        due = select(fact).where(*are_due).order_by(fact.match_at).limit(limit)
        rows: Sequence[Any] = await tx.scalars(due.with_for_update(skip_locked=True))
        for row in rows:
            is_last = row.match_count >= len(PAUSES_S)
            pause_s = 0 if is_last else PAUSES_S[row.match_count]
            row.match_at = None if is_last else now + timedelta(seconds=pause_s)
            row.match_count += 1
            intents.add(row.stripe_payment_intent_id or "")
    return intents - {""}


async def unmatched(tx: Tx, intents: Collection[str]) -> set[str]:
    """Return those of these payment intents that no payment is known of yet."""
    without = (
        select(fact.stripe_payment_intent_id).where(
            among(fact.stripe_payment_intent_id, intents), fact.payment_id.is_(None)
        )
        for fact in FACTS
    )
    found = await tx.execute(union(*without))
    return {intent for intent in found.scalars() if intent is not None}
