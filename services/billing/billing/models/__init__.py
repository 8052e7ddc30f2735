"""Billing's tables: what Stripe said, what was paid, and the ledger of credits."""

from billing.models.base import Base
from billing.models.books import Book, Proof
from billing.models.catalogue import PaymentLink, Price, Product
from billing.models.checkouts import Checkout, CheckoutRequest, Customer
from billing.models.ledger import (
    Account,
    GrantOrder,
    Hold,
    Kind,
    Lot,
    LotUse,
    Posting,
    SystemAccount,
    Usage,
)
from billing.models.payments import Address, Payment, PaymentStatus, StripeEvent
from billing.models.reconciliation import Chore, Reconciliation
from billing.models.returns import Charge, Dispute, Refund, RefundRequest, RefundStep
from billing.models.reversals import Debt, Reversal
from billing.models.statements import SigningKey
from billing.models.subscriptions import Invoice, InvoicePayment, PlanGrant, Subscription

__all__ = [
    "Account",
    "Address",
    "Base",
    "Book",
    "Charge",
    "Checkout",
    "CheckoutRequest",
    "Chore",
    "Customer",
    "Debt",
    "Dispute",
    "GrantOrder",
    "Hold",
    "Invoice",
    "InvoicePayment",
    "Kind",
    "Lot",
    "LotUse",
    "Payment",
    "PaymentLink",
    "PaymentStatus",
    "PlanGrant",
    "Posting",
    "Price",
    "Product",
    "Proof",
    "Reconciliation",
    "Refund",
    "RefundRequest",
    "RefundStep",
    "Reversal",
    "SigningKey",
    "StripeEvent",
    "Subscription",
    "SystemAccount",
    "Usage",
]
