"""Bills: invoices as their payers see them, and which payment intent paid which."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import or_, select

from billing.models import Customer, Invoice, InvoicePayment, Subscription
from billing.shapes import Invoice as Bill
from billing.shapes import InvoicePayment as Paying
from shared.clock import first_id
from shared.db import Tx
from shared.sql import as_rows, insert_all

# A bill has one id whoever hears of it, and who hears of it at once meets the other at the first of its keys.
# What a bill was before it can become what follows.
STAGES: Final = ("draft", "open", "uncollectible", "void", "paid")
SHOWN: Final = ("open", "paid", "uncollectible", "void")
COLUMNS: Final = tuple(column.key for column in Invoice.__table__.columns)
_ORDER: Final = ", ".join(f"'{stage}'" for stage in STAGES)
_CHANGED: Final = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name != "id")
WRITE: Final = insert_all(
    Invoice,
    *COLUMNS,
    tail=f"ORDER BY stripe_invoice_id ON CONFLICT (id) DO UPDATE SET {_CHANGED}"
    f" WHERE array_position(ARRAY[{_ORDER}], invoices.status)"
    f" <= array_position(ARRAY[{_ORDER}], excluded.status) RETURNING stripe_invoice_id",
)
NOTE_PAYING: Final = insert_all(
    InvoicePayment,
    *("stripe_payment_intent_id", "stripe_invoice_id"),
    tail="ORDER BY stripe_payment_intent_id ON CONFLICT DO NOTHING",
)


async def write(tx: Tx, bills: Sequence[Bill]) -> None:
    """Note how bills stand; a bill goes forward alone."""
    latest: dict[str, Bill] = {}
    for bill in bills:
        known = latest.get(bill.id)
        if bill.status in STAGES and (known is None or _stage(known) <= _stage(bill)):
            latest[bill.id] = bill
    if latest:
        await tx.execute(WRITE, as_rows(_row(bill) for bill in latest.values()))
    await note_paying(tx, [item for bill in bills if bill.payments for item in bill.payments.data])


async def note_paying(tx: Tx, paying: Collection[Paying]) -> None:
    """Note which payment intents pay which bills."""
    pairs = {item.payment.payment_intent: item.invoice for item in paying}
    rows = [
        {"stripe_payment_intent_id": intent, "stripe_invoice_id": invoice}
        for intent, invoice in pairs.items()
        if intent is not None
    ]
    if rows:
        await tx.execute(NOTE_PAYING, as_rows(rows))


async def of_user(tx: Tx, user_id: UUID, *, limit: int, before: UUID | None) -> Sequence[Invoice]:
    """Return a user's bills, newest first, older than the given one."""
    is_theirs = or_(
        Invoice.stripe_customer_id.in_(
            select(Customer.stripe_customer_id).where(Customer.user_id == user_id)
        ),
        Invoice.stripe_subscription_id.in_(
            select(Subscription.id).where(Subscription.user_id == user_id)
        ),
    )
    statement = select(Invoice).where(is_theirs, Invoice.status.in_(SHOWN))
    if before is not None:
        statement = statement.where(Invoice.id < before)
    return await tx.scalars(statement.order_by(Invoice.id.desc()).limit(limit))


def _stage(bill: Bill) -> int:
    return STAGES.index(bill.status)


def _row(bill: Bill) -> Mapping[str, Any]:
    return {
        "id": _id(bill),
        "stripe_invoice_id": bill.id,
        "number": bill.number,
        "stripe_customer_id": bill.customer,
        "stripe_subscription_id": bill.subscription,
        "status": bill.status,
        "amount_due_cents": bill.amount_due,
        "amount_paid_cents": bill.amount_paid,
        "currency": bill.currency,
        "hosted_url": bill.hosted_invoice_url,
        "pdf_url": bill.invoice_pdf,
        "created_at": bill.created,
    }


def _id(bill: Bill) -> UUID:
    """Return the one id of a bill: sorted by when it was made, whoever hears of it first."""
    tail = int.from_bytes(hashlib.sha256(bill.id.encode()).digest()[:9])
    version = 0x7 << 76 | 0b10 << 62
    return UUID(int=first_id(bill.created).int | version | (tail & ~(0xF << 76 | 0b11 << 62)))
