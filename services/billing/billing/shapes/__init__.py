"""Stripe's objects in the few fields that we act upon (API 2026-10-28.endive), told by events or fetched."""

from billing.shapes.fields import Listed, Shape, Thing
from billing.shapes.invoicing import (
    Invoice,
    InvoiceLine,
    InvoicePayment,
    Subscription,
    SubscriptionItem,
)
from billing.shapes.returning import Charge, Dispute, Refund
from billing.shapes.selling import (
    CheckoutSession,
    LineItem,
    PaymentLink,
    Price,
    Product,
    Recurring,
)

__all__ = [
    "Charge",
    "CheckoutSession",
    "Dispute",
    "Invoice",
    "InvoiceLine",
    "InvoicePayment",
    "LineItem",
    "Listed",
    "PaymentLink",
    "Price",
    "Product",
    "Recurring",
    "Refund",
    "Shape",
    "Subscription",
    "SubscriptionItem",
    "Thing",
]
