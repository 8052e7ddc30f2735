"""Visits: how the pages stand that we sent payers to, and those that begin a subscription."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import or_, select

from billing.models import Checkout
from billing.said import LONG_AGO, Said
from billing.shapes import CheckoutSession
from billing.worth import checkout_of
from shared.db import Tx
from shared.sql import among, as_rows, insert_all

OVER: Final = ("complete", "expired")
HEAR_OF: Final = insert_all(
    Checkout,
    *("id", "stripe_checkout_session_id", "credits", "mode", "is_open", "status"),
    *("payment_status", "created_at", "expires_at"),
    tail="ORDER BY stripe_checkout_session_id ON CONFLICT DO NOTHING",
)


async def note(tx: Tx, said: Sequence[Said[CheckoutSession]]) -> None:
    """Note how these pages stand; those of others where they are not paid yet, or begin a subscription."""
    ours = {item: checkout_of(item.object) for item in said}
    theirs = [item for item in said if ours[item] is None and _is_of_interest(item.object)]
    if theirs:
        await _hear_of(tx, theirs)
    names = {item.object.id for item in said if ours[item] is None}
    rows_of_ours = {row_id for row_id in ours.values() if row_id is not None}
    are_known = or_(
        among(Checkout.id, rows_of_ours), among(Checkout.stripe_checkout_session_id, names)
    )
    statement = select(Checkout).where(are_known).order_by(Checkout.id).with_for_update()
    rows = await tx.scalars(statement.execution_options(populate_existing=True))
    by_id = {row.id: row for row in rows}
    by_session = {row.stripe_checkout_session_id: row for row in rows}
    for item in said:
        row_id = ours[item]
        row = by_id.get(row_id) if row_id else by_session.get(item.object.id)
        if row is not None and row.stripe_checkout_session_id in (None, item.object.id):
            _advance(row, item.object)


def _is_of_interest(session: CheckoutSession) -> bool:
    is_unpaid = session.mode == "payment" and session.payment_status == "unpaid"
    return session.mode == "subscription" or is_unpaid


async def _hear_of(tx: Tx, said: Sequence[Said[CheckoutSession]]) -> None:
    """Write down pages that payment links made."""
    now = await tx.now()
    first = {item.object.id: item for item in reversed(said)}
    rows: list[dict[str, Any]] = [
        {
            "id": tx.new_id(),
            "stripe_checkout_session_id": session_id,
            "credits": 0,
            "mode": item.object.mode,
            "is_open": False,
            "status": "open",
            "payment_status": "unpaid",
            "created_at": now,
            "expires_at": LONG_AGO,
        }
        for session_id, item in first.items()
    ]
    await tx.execute(HEAR_OF, as_rows(rows))


def _advance(row: Checkout, session: CheckoutSession) -> None:
    """Bring a page up to what is said of it: it is over once, and paid once."""
    row.stripe_checkout_session_id = session.id
    row.stripe_subscription_id = session.subscription or row.stripe_subscription_id
    row.email = row.email or session.email
    row.url = row.url or session.url
    if row.status not in OVER and session.status in OVER:
        row.status, row.is_open, row.end_at = session.status, False, None
    if row.payment_status == "unpaid":
        row.payment_status = session.payment_status
