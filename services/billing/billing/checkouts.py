"""Checkouts: what Stripe says about Checkout Sessions becomes payments, whose status only advances.

An event says how its session stood when the event was made; events come late, twice and in any order.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select

from billing.models import Payment, PaymentStatus
from billing.payments import email_key
from billing.stripe_webhook import CheckoutSession, EventFrame, object_id
from shared.contracts.payments import PaymentCompleted
from shared.db import Tx
from shared.sql import among, as_rows, insert_all

CURRENCY = "usd"
PAID = {"paid", "no_payment_required"}
RANK = {status: rank for rank, status in enumerate(PaymentStatus)}
FLOORS = {
    "checkout.session.completed": PaymentStatus.OPEN,
    "checkout.session.async_payment_succeeded": PaymentStatus.OPEN,
    "checkout.session.async_payment_failed": PaymentStatus.FAILED,
    "checkout.session.expired": PaymentStatus.EXPIRED,
}

COLUMNS = tuple(column.key for column in Payment.__table__.columns)
# In one order for all, so that no two transactions wait for each other's sessions.
INSERT_NEW = insert_all(
    Payment,
    *COLUMNS,
    tail="ORDER BY stripe_checkout_session_id ON CONFLICT (stripe_checkout_session_id) DO NOTHING"
    " RETURNING stripe_checkout_session_id",
)


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What an event says of a session, at least `floor`, and how to publish what comes of it."""

    session: CheckoutSession
    floor: PaymentStatus
    publish: Callable[[Tx, PaymentCompleted], None]


def read(event: EventFrame) -> tuple[CheckoutSession, PaymentStatus] | str:
    """Return the session that an event is about and the least it says of it, or why it is about none."""
    floor = FLOORS.get(event.type)
    if floor is None:
        return "stored"
    try:
        session = CheckoutSession.model_validate(event.data.get("object"))
    except ValidationError as flaw:
        fields = ", ".join(str(error["loc"][0]) for error in flaw.errors() if error["loc"])
        return f"review: not a Checkout Session as we know it ({fields})"
    return (session, floor) if session.mode == "payment" else "stored"


async def apply(tx: Tx, said: Sequence[Said]) -> list[str]:
    """Bring the payments up to what was said; return what came of each, for the record."""
    now, first = await tx.now(), {item.session.id: item for item in reversed(said)}
    opened = {item: _opened(tx.new_id(), item, now) for item in first.values()}
    new = await _insert(tx, list(opened.values()))
    rest = [item for item in said if item not in opened or item.session.id not in new]
    known = await _locked(tx, {item.session.id for item in rest})
    outcomes = []
    for item in said:
        if item in opened and item.session.id in new:
            payment, has_moved = opened[item], opened[item].status != PaymentStatus.OPEN
        else:
            payment = known[item.session.id]
            has_moved = _advance(payment, item, now)
        if has_moved and payment.status == PaymentStatus.PAID:
            item.publish(tx, _completed(payment))
        outcomes.append(f"payment {payment.status}" + ("" if has_moved else " already"))
    return outcomes


async def _insert(tx: Tx, payments: Sequence[Payment]) -> set[str]:
    """Insert those whose sessions nobody has heard of; return their sessions."""
    if not payments:
        return set()
    rows = [{name: getattr(payment, name) for name in COLUMNS} for payment in payments]
    return set((await tx.execute(INSERT_NEW, as_rows(rows))).scalars())


async def _locked(tx: Tx, sessions: Collection[str]) -> Mapping[str, Payment]:
    if not sessions:
        return {}
    of_them = among(Payment.stripe_checkout_session_id, sessions)
    statement = select(Payment).where(of_them).order_by(Payment.id).with_for_update()
    rows = await tx.scalars(statement.execution_options(populate_existing=True))
    return {payment.stripe_checkout_session_id: payment for payment in rows}


def _opened(payment_id: UUID, item: Said, now: datetime) -> Payment:
    payment = Payment(
        id=payment_id,
        stripe_checkout_session_id=item.session.id,
        status=PaymentStatus.OPEN,
        created_at=now,
    )
    _advance(payment, item, now)
    return payment


def _advance(payment: Payment, item: Said, now: datetime) -> bool:
    """Bring the payment up to what is said of its session; tell whether its status moved."""
    if payment.paid_at is None:
        _fill(payment, item.session)
    status, note = _judge(item.session, item.floor)
    if RANK[PaymentStatus(payment.status)] >= RANK[status]:
        return False
    payment.status, payment.note = status, note
    if status == PaymentStatus.PAID:
        payment.paid_at = now
    return True


def _judge(session: CheckoutSession, floor: PaymentStatus) -> tuple[PaymentStatus, str | None]:
    """Tell where the payment stands by what the session says; only money that arrived is paid."""
    if session.payment_status not in PAID:
        return floor, None
    if session.currency != CURRENCY:
        return PaymentStatus.REVIEW, f"paid in {session.currency}, and no price says what it buys"
    if not session.amount_subtotal:
        return PaymentStatus.REVIEW, "paid, but for an amount that buys nothing"
    if session.email is None:
        return PaymentStatus.REVIEW, "paid, but without an e-mail address"
    return PaymentStatus.PAID, None


def _fill(payment: Payment, session: CheckoutSession) -> None:
    payment.stripe_payment_intent_id = object_id(session.payment_intent)
    payment.stripe_customer_id = object_id(session.customer)
    payment.email = session.email
    payment.email_key = email_key(session.email) if session.email else None
    payment.user_id = _user_id(session.client_reference_id)
    payment.amount_cents = session.amount_total or 0
    payment.currency = session.currency or CURRENCY
    # A payment link buys one credit a cent of its price: discounts and taxes do not change it.
    payment.credits = session.amount_subtotal or 0


def _user_id(reference: str | None) -> UUID | None:
    """Return the signed-in payer that our checkout put into the session, if any."""
    prefix, _, tail = (reference or "").partition("_")
    try:
        return UUID(hex=tail) if prefix == "usr" else None
    except ValueError:
        return None


def _completed(payment: Payment) -> PaymentCompleted:
    assert payment.email is not None, "a payment without an address is for review"
    return PaymentCompleted(
        payment_id=payment.id,
        email=payment.email,
        user_id=payment.user_id,
        claim_key_hash=hashlib.sha256(payment.stripe_checkout_session_id.encode()).hexdigest(),
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        credits=payment.credits,
    )
