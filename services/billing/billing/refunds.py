"""Refunds: what Stripe says of money on its way back, object by object; their statuses only advance."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from billing import matching, refund_requests
from billing.models import Charge, Refund
from billing.said import Came, Said
from billing.shapes import Charge as Charged
from billing.shapes import Refund as Returned
from shared import ids
from shared.db import Tx
from shared.sql import as_rows, insert_all

RANK: Final = {"pending": 0, "requires_action": 0, "succeeded": 1, "failed": 2, "canceled": 2}
_RANK: Final = " ".join(f"WHEN '{status}' THEN {rank}" for status, rank in RANK.items())
WRITE: Final = insert_all(
    Refund,
    *("id", "stripe_payment_intent_id", "request_id", "amount_cents", "currency", "status"),
    *("reason", "failure_reason", "created_at", "match_at"),
    tail="ORDER BY id ON CONFLICT (id) DO UPDATE SET status = excluded.status,"
    " failure_reason = excluded.failure_reason"
    f" WHERE CASE refunds.status {_RANK} END < CASE excluded.status {_RANK} END RETURNING id",
)
WRITE_CHARGES: Final = insert_all(
    Charge,
    *("id", "stripe_payment_intent_id", "refunded_cents", "match_at"),
    tail="ORDER BY id ON CONFLICT (id) DO UPDATE SET refunded_cents = excluded.refunded_cents"
    " WHERE charges.refunded_cents < excluded.refunded_cents RETURNING id",
)


async def apply(tx: Tx, said: Sequence[Said[Returned]]) -> list[Came]:
    """Note refunds, and take back or give back what follows for their payments."""
    if not said:
        return []
    now, furthest = await tx.now(), dict[str, Returned]()
    for item in said:
        known = furthest.get(item.object.id)
        if known is None or _rank(known) <= _rank(item.object):
            furthest[item.object.id] = item.object
    rows = [_row(refund, now) for refund in furthest.values()]
    written = set((await tx.execute(WRITE, as_rows(rows))).scalars())
    news = [refund for refund_id, refund in furthest.items() if refund_id in written]
    await refund_requests.note_made(tx, news)
    await matching.settle_intents(tx, {item.payment_intent for item in news if item.payment_intent})
    return [
        Came(f"refund {item.object.status}", is_news=item.object.id in written) for item in said
    ]


async def apply_charges(tx: Tx, said: Sequence[Said[Charged]]) -> list[Came]:
    """Note how much went back of charges at least, until their refunds are known."""
    if not said:
        return []
    now, most = await tx.now(), dict[str, Charged]()
    for item in said:
        known = most.get(item.object.id)
        if known is None or known.amount_refunded <= item.object.amount_refunded:
            most[item.object.id] = item.object
    rows = [_charge_row(charge, now) for charge in most.values()]
    written = set((await tx.execute(WRITE_CHARGES, as_rows(rows))).scalars())
    news = [charge for charge_id, charge in most.items() if charge_id in written]
    await matching.settle_intents(tx, {item.payment_intent for item in news if item.payment_intent})
    return [
        Came(f"charge refunded {item.object.amount_refunded}", is_news=item.object.id in written)
        for item in said
    ]


def _rank(refund: Returned) -> int:
    return RANK.get(refund.status, 0)


def _row(refund: Returned, now: datetime) -> dict[str, Any]:
    return {
        "id": refund.id,
        "stripe_payment_intent_id": refund.payment_intent,
        "request_id": ids.read("refund", refund.metadata.get(refund_requests.REQUEST_ID)),
        "amount_cents": refund.amount,
        "currency": refund.currency,
        "status": refund.status,
        "reason": refund.reason,
        "failure_reason": refund.failure_reason,
        "created_at": refund.created,
        "match_at": now if refund.payment_intent else None,
    }


def _charge_row(charge: Charged, now: datetime) -> dict[str, Any]:
    return {
        "id": charge.id,
        "stripe_payment_intent_id": charge.payment_intent,
        "refunded_cents": charge.amount_refunded,
        "match_at": now if charge.payment_intent else None,
    }
