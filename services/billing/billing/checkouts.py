"""Checkouts: what Stripe says about Checkout Sessions becomes payments, whose status only advances.

An event says how its session stood when the event was made; events come late, twice and in any order.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing import completion
from billing.models import Payment, PaymentStatus
from billing.said import Came, Said
from billing.shapes import CheckoutSession
from billing.worth import Worth, worths
from shared import ids
from shared.addresses import email_key
from shared.db import Tx
from shared.sql import among, as_rows, insert_all

CURRENCY: Final = "usd"
PAID: Final = {"paid", "no_payment_required"}
RANK: Final = {status: rank for rank, status in enumerate(PaymentStatus)}
FLOORS: Final = {
    "checkout.session.async_payment_failed": PaymentStatus.FAILED,
    "checkout.session.expired": PaymentStatus.EXPIRED,
}
COLUMNS: Final = (
    *("id", "stripe_checkout_session_id", "stripe_payment_intent_id", "stripe_customer_id"),
    *("price_id", "email", "email_key", "user_id", "amount_cents", "subtotal_cents", "currency"),
    *("credits", "status", "note", "created_at", "paid_at", "identify_at"),
    *("correlation_id", "traceparent"),
)
# In one order for all, so that no two transactions wait for each other's sessions.
INSERT_NEW: Final = insert_all(
    Payment,
    *COLUMNS,
    tail="ORDER BY stripe_checkout_session_id ON CONFLICT (stripe_checkout_session_id) DO NOTHING"
    " RETURNING stripe_checkout_session_id",
)


async def apply(tx: Tx, said: Sequence[Said[CheckoutSession]]) -> list[Came]:
    """Bring the payments up to what was said of their sessions; return what came of each."""
    if not said:
        return []
    now, worth = await tx.now(), await worths(tx, [item.object for item in said])
    first = {item.object.id: item for item in reversed(said)}
    opened = {
        item: _opened(tx, item, worth.get(session_id), now) for session_id, item in first.items()
    }
    new = await _insert(tx, list(opened.values()))
    rest = [item for item in said if item not in opened or item.object.id not in new]
    known = await _locked(tx, {item.object.id for item in rest})
    came = []
    for item in said:
        session_id = item.object.id
        if item in opened and session_id in new:
            payment, has_moved = opened[item], opened[item].status != PaymentStatus.OPEN
        else:
            payment = known[session_id]
            has_moved = _advance(payment, item, worth.get(session_id), now)
        if has_moved and payment.status == PaymentStatus.PAID:
            item.publish(tx, completion.of(payment, claim=session_id))
        came.append(
            Came(f"payment {payment.status}" + ("" if has_moved else " already"), has_moved)
        )
    return came


async def _insert(tx: Tx, payments: Sequence[Payment]) -> set[str]:
    """Insert those whose sessions nobody has heard of; return their sessions."""
    rows = [{name: getattr(payment, name) for name in COLUMNS} for payment in payments]
    return set((await tx.execute(INSERT_NEW, as_rows(rows))).scalars())


async def _locked(tx: Tx, sessions: Collection[str]) -> Mapping[str, Payment]:
    if not sessions:
        return {}
    of_them = among(Payment.stripe_checkout_session_id, sessions)
    statement = select(Payment).where(of_them).order_by(Payment.id).with_for_update(key_share=True)
    rows = await tx.scalars(statement.execution_options(populate_existing=True))
    return {payment.stripe_checkout_session_id or "": payment for payment in rows}


def _opened(tx: Tx, item: Said[CheckoutSession], worth: Worth | None, now: datetime) -> Payment:
    origin = item.origin(tx)
    payment = Payment(
        id=tx.new_id(),
        stripe_checkout_session_id=item.object.id,
        status=PaymentStatus.OPEN,
        created_at=now,
        correlation_id=origin.correlation_id,
        traceparent=origin.traceparent,
    )
    _advance(payment, item, worth, now)
    return payment


def _advance(
    payment: Payment, item: Said[CheckoutSession], worth: Worth | None, now: datetime
) -> bool:
    """Bring the payment up to what is said of its session; tell whether its status moved.

    What a person closed stays closed, whatever the catalogue learns later.
    """
    if payment.status == PaymentStatus.CLOSED:
        return False
    if payment.paid_at is None:
        _fill(payment, item.object, worth)
    status, note = _judge(item, worth)
    if RANK[PaymentStatus(payment.status)] >= RANK[status]:
        return False
    payment.status, payment.note = status, note
    if worth is not None:
        payment.credits, payment.price_id = worth.credits, worth.price_id
    if RANK[status] >= RANK[PaymentStatus.ARRIVED]:
        payment.paid_at = payment.paid_at or now
    payment.identify_at = now if status == PaymentStatus.ARRIVED else None
    return True


def _judge(item: Said[CheckoutSession], worth: Worth | None) -> tuple[PaymentStatus, str | None]:
    """Tell where the payment stands by what is said of its session; only money that arrived is paid."""
    session = item.object
    if session.payment_status not in PAID:
        return _floor(item), None
    if session.email is None:
        return PaymentStatus.REVIEW, "paid, but without an e-mail address"
    if worth is None:
        return PaymentStatus.ARRIVED, None
    return PaymentStatus.PAID, None


def _floor(item: Said[CheckoutSession]) -> PaymentStatus:
    """Return the least that is said of a payment whose money has not arrived."""
    if item.is_fetched and item.object.status == "expired":
        return PaymentStatus.EXPIRED
    return FLOORS.get(item.type, PaymentStatus.OPEN)


def _fill(payment: Payment, session: CheckoutSession, worth: Worth | None) -> None:
    payment.stripe_payment_intent_id = session.payment_intent
    payment.stripe_customer_id = session.customer
    payment.email = session.email
    payment.email_key = email_key(session.email) if session.email else None
    payment.user_id = _payer(session, worth)
    payment.amount_cents = session.amount_total or 0
    payment.subtotal_cents = session.amount_subtotal
    payment.currency = session.currency or CURRENCY
    payment.credits = worth.credits if worth else 0
    payment.price_id = worth.price_id if worth else None


def _payer(session: CheckoutSession, worth: Worth | None) -> UUID | None:
    """Return the signed-in payer, if any: of our own checkouts we know, elsewhere anybody may name one."""
    if worth is not None and worth.is_ours:
        return worth.user_id
    return ids.read("usr", session.client_reference_id)
