"""Differences: what Stripe has and our rows say otherwise, each in a sentence that names both."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from billing import shapes
from billing.models import Dispute, Payment, PaymentStatus, Refund
from billing.shapes import Shape
from shared import ids
from shared.db import Tx
from shared.sql import among

PAID: Final = ("paid", "no_payment_required")
SETTLED: Final = (PaymentStatus.CLOSED, PaymentStatus.PAID, PaymentStatus.GRANTED)
PATIENCE: Final = timedelta(minutes=10)

Find = Callable[[Tx, Sequence[Any]], Awaitable[dict[str, str]]]


async def of(tx: Tx, objects: Sequence[Shape]) -> dict[str, str]:
    """Return how our rows differ from these objects of Stripe's, by the object's id."""
    found: dict[str, str] = {}
    for kind, find in FINDERS.items():
        of_it = [item for item in objects if type(item) is kind]
        if of_it:
            found |= await find(tx, of_it)
    return found


async def _sessions(tx: Tx, sessions: Sequence[shapes.CheckoutSession]) -> dict[str, str]:
    """Compare sessions that take a payment with their payments."""
    paying = [item for item in sessions if item.mode == "payment"]
    column = Payment.stripe_checkout_session_id
    known = await _payments(tx, column, [item.id for item in paying])
    return {
        item.id: f"session {item.id}: {flaw}"
        for item in paying
        if (flaw := await _flaw(tx, known.get(item.id), _paid(item)))
    }


async def _invoices(tx: Tx, invoices: Sequence[shapes.Invoice]) -> dict[str, str]:
    """Compare paid bills of subscriptions with their payments."""
    of_plans = [item for item in invoices if item.subscription is not None]
    known = await _payments(tx, Payment.stripe_invoice_id, [item.id for item in of_plans])
    return {
        item.id: f"invoice {item.id}: {flaw}"
        for item in of_plans
        if (flaw := await _flaw(tx, known.get(item.id), _billed(item)))
    }


async def _refunds(tx: Tx, refunds: Sequence[shapes.Refund]) -> dict[str, str]:
    names = [item.id for item in refunds]
    rows = {row.id: row for row in await tx.scalars(select(Refund).where(among(Refund.id, names)))}
    return {
        item.id: f"refund {item.id}: no payment of ours is known that it belongs to"
        for item in refunds
        if item.id not in rows or rows[item.id].payment_id is None
    }


async def _disputes(tx: Tx, disputes: Sequence[shapes.Dispute]) -> dict[str, str]:
    names = [item.id for item in disputes]
    statement = select(Dispute).where(among(Dispute.id, names))
    rows = {row.id: row for row in await tx.scalars(statement)}
    return {
        item.id: f"dispute {item.id}: no payment of ours is known that it is about"
        for item in disputes
        if item.id not in rows or rows[item.id].payment_id is None
    }


async def _payments(
    tx: Tx, column: InstrumentedAttribute[str | None], names: Collection[str]
) -> Mapping[str, Payment]:
    statement = select(Payment).where(among(column, names))
    fresh = statement.execution_options(populate_existing=True)
    return {str(getattr(row, column.key)): row for row in await tx.scalars(fresh)}


async def _flaw(tx: Tx, payment: Payment | None, paid_cents: int | None) -> str | None:
    """Return how a payment differs from what was paid for it (None: nothing was)."""
    if payment is None:
        return None if paid_cents is None else "paid at Stripe, and we have no payment of it"
    status, name = PaymentStatus(payment.status), ids.public("pay", payment.id)
    if paid_cents is None:
        return f"not paid at Stripe, and {name} is {status}" if status in SETTLED else None
    if status in SETTLED:
        differs = payment.amount_cents != paid_cents
        return (
            f"{paid_cents} cents at Stripe, {payment.amount_cents} in {name}" if differs else None
        )
    is_on_its_way = (
        status == PaymentStatus.ARRIVED and payment.created_at > await tx.now() - PATIENCE
    )
    note = f" ({payment.note})" if payment.note else ""
    return None if is_on_its_way else f"paid at Stripe, and {name} is {status}{note}"


def _paid(session: shapes.CheckoutSession) -> int | None:
    return session.amount_total or 0 if session.payment_status in PAID else None


def _billed(invoice: shapes.Invoice) -> int | None:
    return invoice.amount_paid if invoice.status == "paid" else None


FINDERS: Final[Mapping[type[Shape], Find]] = {
    shapes.CheckoutSession: _sessions,
    shapes.Invoice: _invoices,
    shapes.Refund: _refunds,
    shapes.Dispute: _disputes,
}
