"""Identification: Stripe is asked what was bought, where our own rows do not tell.

What Stripe does not know, or what no price of the catalogue stands for, buys a credit a cent of its price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select

from billing import catalogue, completion, invoices, plan_grants, plans
from billing.gateway import Gateway
from billing.models import Payment, PaymentStatus
from billing.said import Said
from billing.shapes import Invoice, Price, Product
from billing.worth import Sold, items_of, of_items
from shared.correlation import taking_up
from shared.db import Database, Tx
from shared.tracing import Origin

CURRENCY: Final = "usd"
LEASE_S: Final = 60
PAUSE_S_MAX: Final = 300


@dataclass(frozen=True, slots=True)
class Question:
    """A payment that arrived, and what was paid: a Checkout Session or an invoice."""

    payment_id: UUID
    session_id: str | None
    invoice_id: str | None
    count: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Found:
    """What Stripe says was bought: prices with quantities, or an invoice; nothing where it does not know."""

    items: Sequence[tuple[str | None, int]] = ()
    invoice: Invoice | None = None

    @property
    def prices(self) -> set[str]:
        """The prices that have to be known."""
        if self.invoice is not None:
            return plans.unknown_prices(self.invoice, {})
        return {price for price, _ in self.items if price is not None}


async def lease(tx: Tx, *, limit: int) -> list[Question]:
    """Return payments of which Stripe is to be asked; others leave them alone for a while."""
    now = await tx.now()
    due = select(Payment).where(Payment.status == PaymentStatus.ARRIVED, Payment.identify_at <= now)
    order = due.order_by(Payment.identify_at).limit(limit).with_for_update(skip_locked=True)
    rows = await tx.scalars(order)
    for row in rows:
        row.identify_at = now + timedelta(seconds=LEASE_S)
        row.identify_count += 1
    return [
        Question(
            *(row.id, row.stripe_checkout_session_id, row.stripe_invoice_id),
            *(row.identify_count, row.origin),
        )
        for row in rows
    ]


async def identify(database: Database, gateway: Gateway, question: Question) -> None:
    """Ask Stripe what a payment bought, and write it down."""
    with taking_up(question.origin):
        found = await _ask(gateway, question)
        async with database.transaction() as tx:
            missing = found.prices - {item.price_id for item in await _known(tx, found)}
        learned = [await gateway.price(price_id) for price_id in sorted(missing)]
        async with database.transaction() as tx:
            await _learn(tx, [price for price in learned if price is not None])
            await settle(tx, question.payment_id, found)


async def settle(tx: Tx, payment_id: UUID, found: Found) -> None:
    """Write down what an arrived payment bought, and publish it."""
    if found.invoice is not None and found.invoice.subscription is not None:
        await plan_grants.lock_payments(tx, [found.invoice.subscription])
    payment = await tx.lock(Payment, payment_id)
    if payment is None or payment.status != PaymentStatus.ARRIVED:
        return
    known = {item.price_id: item for item in await _known(tx, found)}
    if payment.stripe_invoice_id is not None:
        await _settle_invoice(tx, payment, found, known)
        return
    payment.identify_at = None
    sold = of_items(found.items, known)
    payment.status, payment.note = _judge(payment, sold)
    payment.credits = sold.worth.credits if sold else payment.subtotal_cents or 0
    payment.price_id = sold.worth.price_id if sold else None
    if payment.status == PaymentStatus.PAID:
        claim = payment.stripe_checkout_session_id or ""
        tx.publish(completion.of(payment, claim=claim))


async def put_off(tx: Tx, question: Question) -> None:
    """Ask again later: Stripe does not answer."""
    payment = await tx.lock(Payment, question.payment_id)
    if payment is not None and payment.status == PaymentStatus.ARRIVED:
        pause_s = min(2**question.count, PAUSE_S_MAX)
        payment.identify_at = await tx.now() + timedelta(seconds=pause_s)


async def _ask(gateway: Gateway, question: Question) -> Found:
    if question.invoice_id is not None:
        return Found(invoice=await gateway.invoice(question.invoice_id))
    session = await gateway.checkout_session(question.session_id or "")
    return Found(items_of(session)) if session is not None else Found()


async def _known(tx: Tx, found: Found) -> list[catalogue.Entry]:
    return await catalogue.entries(tx, found.prices) if found.prices else []


async def _learn(tx: Tx, prices: Sequence[Price]) -> None:
    products = {
        item.product.id: item.product for item in prices if isinstance(item.product, Product)
    }
    if prices:
        await catalogue.learn(tx, list(products.values()), prices)


async def _settle_invoice(
    tx: Tx, payment: Payment, found: Found, known: dict[str, catalogue.Entry]
) -> None:
    if found.invoice is None:
        payment.identify_at = None
        payment.status, payment.note = (
            PaymentStatus.REVIEW,
            "paid, but Stripe knows no such invoice",
        )
        return
    await invoices.settle(tx, [invoices.Purchase(payment, Said(found.invoice))], known)


def _judge(payment: Payment, sold: Sold | None) -> tuple[PaymentStatus, str | None]:
    if sold is not None:
        return PaymentStatus.PAID, None
    if payment.currency != CURRENCY:
        return (
            PaymentStatus.REVIEW,
            f"paid in {payment.currency}, and no price says what it buys",
        )
    if not payment.subtotal_cents:
        return PaymentStatus.REVIEW, "paid, but for an amount that buys nothing"
    return PaymentStatus.PAID, None
