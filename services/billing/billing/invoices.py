"""Invoices: a paid bill of a subscription is a payment, for the credits that its lines bring."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import DateTime, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from billing import bills, completion, payers, plan_grants, plans, revocations, subscriptions
from billing.catalogue import Entry, entries
from billing.models import Payment, PaymentStatus, PlanGrant
from billing.payers import Payer
from billing.plans import Part
from billing.said import Came, Said
from billing.shapes import Invoice
from shared.db import Tx
from shared.sql import among, as_rows, insert_all

OPEN: Final = insert_all(
    Payment,
    *("id", "stripe_invoice_id", "stripe_subscription_id", "stripe_customer_id"),
    *("email", "email_key", "user_id", "amount_cents", "currency", "credits", "status"),
    *("created_at", "paid_at", "identify_at", "correlation_id", "traceparent"),
    tail="ORDER BY stripe_invoice_id ON CONFLICT (stripe_invoice_id) DO NOTHING",
)
ADD_GRANTS: Final = insert_all(
    PlanGrant,
    *("id", "key", "payment_id", "stripe_subscription_id", "price_id", "amount", "status"),
    *("due_at", "expires_at"),
    tail="ORDER BY key ON CONFLICT (key) DO NOTHING RETURNING key",
)

END_MONTHS: Final = text("""
    UPDATE plan_grants SET status = 'ended'
    WHERE stripe_subscription_id = :of AND payment_id <> :by
        AND status IN ('waiting', 'cut') AND due_at = ANY (:moments)
    RETURNING payment_id
""").bindparams(bindparam("moments", type_=ARRAY(DateTime(timezone=True))))


@dataclass(frozen=True, slots=True)
class Purchase:
    """A payment that has arrived, locked, and what was said of its invoice."""

    payment: Payment
    said: Said[Invoice]


async def apply(tx: Tx, said: Sequence[Said[Invoice]]) -> list[Came]:
    """Note how bills stand, and bring in what was paid for; return what came of each."""
    if not said:
        return []
    of_plans = [item for item in said if item.object.subscription is not None]
    bills_of = {item.object.subscription: item.object.customer for item in of_plans}
    await subscriptions.look_at(tx, {name: of for name, of in bills_of.items() if name})
    await bills.write(tx, [item.object for item in said])
    paid = {item.object.id: item for item in of_plans if item.object.status == "paid"}
    moved = await _pay(tx, list(paid.values())) if paid else {}
    return [_came(item, moved) for item in said]


async def settle(tx: Tx, purchases: Sequence[Purchase], known: Mapping[str, Entry]) -> None:
    """Write down what arrived payments bring, and publish them; each period brings its credits once."""
    now = await tx.now()
    parts = {item.payment.id: _parts(item, known, now) for item in purchases}
    rows = [
        {**_grant(item, part), "id": tx.new_id()}
        for item in purchases
        for part in parts[item.payment.id]
    ]
    added = set((await tx.execute(ADD_GRANTS, as_rows(rows))).scalars()) if rows else set()
    claims = await payers.claims(tx, [item.said.object for item in purchases])
    bringing: list[Purchase] = []
    for item in purchases:
        new = [part for part in parts[item.payment.id] if part.key in added]
        item.payment.identify_at = None
        if not new:
            item.payment.status, item.payment.note = _without_credits(item)
            continue
        item.payment.status, item.payment.price_id = PaymentStatus.PAID, new[0].price_id
        item.payment.credits = sum(part.amount for part in new)
        at_once = sum(part.amount for part in new if part.due_at <= now)
        claim = claims[item.said.object.id]
        item.said.publish(tx, completion.of(item.payment, claim=claim, credits_now=at_once))
        bringing.append(item)
    await _end_given_back(tx, bringing, known)


async def _pay(tx: Tx, said: Sequence[Said[Invoice]]) -> dict[str, str]:
    """Open a payment for each paid invoice, and settle those whose prices are known; return which moved, and to what."""
    await _open(tx, said)
    plans_paid = {item.object.subscription for item in said if item.object.subscription}
    await plan_grants.lock_payments(tx, plans_paid)
    arrived = await _arrived(tx, [item.object.id for item in said])
    lines = [line for item in said for line in item.object.lines.data]
    prices = {line.price_id for line in lines if line.price_id is not None}
    known = {entry.price_id: entry for entry in await entries(tx, prices)}
    purchases = [
        Purchase(arrived[item.object.id], item)
        for item in said
        if item.object.id in arrived and not plans.unknown_prices(item.object, known)
    ]
    if purchases:
        await settle(tx, purchases, known)
    return {invoice_id: payment.status for invoice_id, payment in arrived.items()}


async def _open(tx: Tx, said: Sequence[Said[Invoice]]) -> None:
    now, of_whom = await tx.now(), await payers.of_invoices(tx, [item.object for item in said])
    rows = [_opened(tx, item, of_whom[item.object.id], now) for item in said]
    await tx.execute(OPEN, as_rows(rows))


async def _arrived(tx: Tx, invoices: Collection[str]) -> dict[str, Payment]:
    """Return the payments of invoices that nobody has said yet what they bring, locked."""
    are_new = Payment.status == PaymentStatus.ARRIVED
    statement = select(Payment).where(among(Payment.stripe_invoice_id, invoices), are_new)
    rows = await tx.scalars(statement.order_by(Payment.id).with_for_update(key_share=True))
    return {payment.stripe_invoice_id or "": payment for payment in rows}


def _opened(tx: Tx, item: Said[Invoice], payer: Payer, now: datetime) -> dict[str, Any]:
    invoice, origin = item.object, item.origin(tx)
    return {
        "id": tx.new_id(),
        "stripe_invoice_id": invoice.id,
        "stripe_subscription_id": invoice.subscription,
        "stripe_customer_id": invoice.customer,
        "email": payer.email,
        "email_key": payer.email_key,
        "user_id": payer.user_id,
        "amount_cents": invoice.amount_paid,
        "currency": invoice.currency,
        "credits": 0,
        "status": PaymentStatus.ARRIVED,
        "created_at": now,
        "paid_at": now,
        "identify_at": now,
        "correlation_id": origin.correlation_id,
        "traceparent": origin.traceparent,
    }


def _parts(item: Purchase, known: Mapping[str, Entry], now: datetime) -> list[Part]:
    if item.payment.email is None:
        return []
    return plans.parts_of(item.said.object, known, now)


def _grant(item: Purchase, part: Part) -> dict[str, Any]:
    return {
        "key": part.key,
        "payment_id": item.payment.id,
        "stripe_subscription_id": item.payment.stripe_subscription_id,
        "price_id": part.price_id,
        "amount": part.amount,
        "status": "waiting",
        "due_at": part.due_at,
        "expires_at": part.expires_at,
    }


async def _end_given_back(
    tx: Tx, purchases: Sequence[Purchase], known: Mapping[str, Entry]
) -> None:
    """Let months not come any more that these invoices pay back; those that were brought stay."""
    ended: set[UUID] = set()
    for item in purchases:
        moments = plans.given_back(item.said.object, known)
        values = {"of": item.payment.stripe_subscription_id, "by": item.payment.id}
        if moments:
            ended |= set((await tx.execute(END_MONTHS, {**values, "moments": moments})).scalars())
    await revocations.settle(tx, ended)


def _without_credits(item: Purchase) -> tuple[PaymentStatus, str]:
    """Return where a payment stands that brings no credits."""
    if not item.payment.amount_cents:
        return PaymentStatus.CLOSED, "nothing was paid, and nothing comes of it"
    if item.payment.email is None:
        return PaymentStatus.REVIEW, "paid, but without an e-mail address"
    reason = "paid, but for nothing in the catalogue, or for a period that was paid before"
    return PaymentStatus.REVIEW, reason


def _came(item: Said[Invoice], moved: Mapping[str, str]) -> Came:
    invoice = item.object
    if invoice.id in moved:
        return Came(f"payment {moved[invoice.id]}", is_news=True)
    if invoice.status == "paid" and invoice.subscription is not None:
        return Came("payment known already")
    return Came(f"bill {invoice.status}")
