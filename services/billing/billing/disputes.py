"""Disputes: payers who asked their bank for the money. One counts while it is open, and when it is lost."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from billing import matching
from billing.models import Dispute
from billing.said import Came, Said, in_order
from billing.shapes import Dispute as Claim
from shared.db import Tx
from shared.sql import as_rows, insert_all

# An inquiry may become a dispute; one that is closed may be judged anew, and the later word counts.
RANK: Final = {
    **dict.fromkeys(("warning_needs_response", "warning_under_review", "warning_closed"), 0),
    **dict.fromkeys(("needs_response", "under_review"), 1),
    **dict.fromkeys(("won", "lost", "prevented"), 2),
}
_RANK: Final = " ".join(f"WHEN '{status}' THEN {rank}" for status, rank in RANK.items())
_CHANGED: Final = ("status", "amount_cents", "reason", "heard_at", "heard_id")
_SET: Final = ", ".join(f"{name} = excluded.{name}" for name in _CHANGED)
_ORDER: Final = f"(CASE {{0}}.status {_RANK} ELSE 0 END, {{0}}.heard_at, {{0}}.heard_id)"
WRITE: Final = insert_all(
    Dispute,
    *("id", "stripe_payment_intent_id", "amount_cents", "currency", "status", "reason"),
    *("created_at", "heard_at", "heard_id", "match_at"),
    tail=f"ORDER BY id ON CONFLICT (id) DO UPDATE SET {_SET}"
    f" WHERE {_ORDER.format('disputes')} < {_ORDER.format('excluded')}"
    " AND (disputes.status, disputes.amount_cents) <> (excluded.status, excluded.amount_cents)"
    " RETURNING id",
)


async def apply(tx: Tx, said: Sequence[Said[Claim]]) -> list[Came]:
    """Note disputes, and take back or give back what follows for their payments."""
    if not said:
        return []
    now = await tx.now()
    ordered = sorted(in_order(said), key=lambda item: RANK.get(item.object.status, 0))
    furthest = {item.object.id: item for item in ordered}
    rows = [_row(item, now) for item in furthest.values()]
    written = set((await tx.execute(WRITE, as_rows(rows))).scalars())
    intents = {furthest[dispute_id].object.payment_intent for dispute_id in written}
    await matching.settle_intents(tx, {intent for intent in intents if intent is not None})
    return [
        Came(f"dispute {item.object.status}", is_news=item.object.id in written) for item in said
    ]


def _row(item: Said[Claim], now: datetime) -> dict[str, Any]:
    claim = item.object
    return {
        "id": claim.id,
        "stripe_payment_intent_id": claim.payment_intent,
        "amount_cents": claim.amount,
        "currency": claim.currency,
        "status": claim.status,
        "reason": claim.reason,
        "created_at": claim.created,
        "heard_at": item.at,
        "heard_id": item.event_id,
        "match_at": now if claim.payment_intent else None,
    }
