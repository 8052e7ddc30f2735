"""Telling: whatever Stripe says, by events or asked, is brought into the rows by one way: `apply`.

Each noun's business file is given all that was said of it at once. Any order, any number of times end in the same rows.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import Context
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import ValidationError

from billing import checkouts, disputes, invoices, refunds, shapes, subscriptions, visits
from billing.bills import note_paying
from billing.catalogue import Heard, hear_links, hear_prices, hear_products, remove
from billing.matching import settle_intents
from billing.models import Price, Product
from billing.said import Came, Said
from billing.shapes import Shape
from billing.shapes.fields import fields_of
from billing.stripe_webhook import EventFrame
from shared.db import Tx

Apply = Callable[[Tx, Sequence[Said[Any]]], Awaitable[Sequence[Came]]]

STORED: Final = "stored"
# What an event of these types is about, the longest first.
KINDS: Final[Mapping[str, type[Shape]]] = {
    "charge.dispute.": shapes.Dispute,
    "charge.refund.": shapes.Refund,
    "charge.refunded": shapes.Charge,
    "checkout.session.": shapes.CheckoutSession,
    "customer.subscription.": shapes.Subscription,
    "invoice_payment.": shapes.InvoicePayment,
    "invoice.": shapes.Invoice,
    "payment_link.": shapes.PaymentLink,
    "price.": shapes.Price,
    "product.": shapes.Product,
    "refund.": shapes.Refund,
}
# An invoice that is to come has no id, and one that was deleted never was a bill.
LEFT_ALONE: Final = {"invoice.upcoming", "invoice.deleted", "invoice.will_be_due"}


def read(event: EventFrame, context: Context | None = None) -> Said[Any] | str:
    """Return what an event says, or why it says nothing to us."""
    kind = _kind_of(event.type)
    if kind is None:
        return STORED
    try:
        found = kind.model_validate(event.data.get("object"))
    except ValidationError as flaw:
        return f"review: no {kind.__name__} as we know it ({fields_of(flaw)})"
    at = datetime.fromtimestamp(event.created, UTC)
    return Said(found, event.type, at, event.id, context)


async def apply(tx: Tx, said: Sequence[Said[Any]]) -> list[Came]:
    """Bring the rows up to what was said; return what came of each."""
    came: dict[Said[Any], Came] = {}
    for kind, apply_all in NOUNS.items():
        of_it = [item for item in said if type(item.object) is kind]
        if of_it:
            came.update(zip(of_it, await apply_all(tx, of_it), strict=True))
    return [came[item] for item in said]


def _kind_of(event_type: str) -> type[Shape] | None:
    if event_type in LEFT_ALONE:
        return None
    return next((kind for start, kind in KINDS.items() if event_type.startswith(start)), None)


async def _sessions(tx: Tx, said: Sequence[Said[shapes.CheckoutSession]]) -> list[Came]:
    """Bring in what was paid for on the spot; what begins a subscription is paid by an invoice."""
    await visits.note(tx, said)
    paying = [item for item in said if item.object.mode == "payment"]
    came = dict(zip(paying, await checkouts.apply(tx, paying), strict=True))
    return [came.get(item) or Came(f"visit {item.object.status or STORED}") for item in said]


async def _invoice_payments(tx: Tx, said: Sequence[Said[shapes.InvoicePayment]]) -> list[Came]:
    paying = [item.object for item in said]
    await note_paying(tx, paying)
    intents = {item.payment.payment_intent for item in paying}
    await settle_intents(tx, {intent for intent in intents if intent is not None})
    return [Came(f"invoice payment {item.status}") for item in paying]


async def _products(tx: Tx, said: Sequence[Said[shapes.Product]]) -> list[Came]:
    await hear_products(tx, _heard(said))
    await remove(tx, Product, {item.object.id for item in said if item.type.endswith(".deleted")})
    return [Came("catalogue")] * len(said)


async def _prices(tx: Tx, said: Sequence[Said[shapes.Price]]) -> list[Came]:
    await hear_prices(tx, _heard(said))
    await remove(tx, Price, {item.object.id for item in said if item.type.endswith(".deleted")})
    return [Came("catalogue")] * len(said)


async def _links(tx: Tx, said: Sequence[Said[shapes.PaymentLink]]) -> list[Came]:
    await hear_links(tx, _heard(said))
    return [Came("catalogue")] * len(said)


def _heard(said: Sequence[Said[Any]]) -> list[Heard[Any]]:
    return [Heard(item.object, item.at, item.event_id) for item in said]


# In the order in which rows are locked: pages before the subscriptions that begin there, subscriptions before the payments
# of their invoices, payments before accounts.
NOUNS: Final[Mapping[type[Shape], Apply]] = {
    shapes.Product: _products,
    shapes.Price: _prices,
    shapes.PaymentLink: _links,
    shapes.CheckoutSession: _sessions,
    shapes.Subscription: subscriptions.apply,
    shapes.Invoice: invoices.apply,
    shapes.InvoicePayment: _invoice_payments,
    shapes.Refund: refunds.apply,
    shapes.Charge: refunds.apply_charges,
    shapes.Dispute: disputes.apply,
}
