"""Billing's tables: what Stripe said, what was paid, and the ledger of credits."""

from billing.models.base import Base
from billing.models.books import Book, Proof
from billing.models.ledger import (
    Account,
    Hold,
    Kind,
    Lot,
    LotUse,
    Posting,
    SystemAccount,
    Usage,
)
from billing.models.payments import Address, Payment, PaymentStatus, StripeEvent
from billing.models.reversals import Debt, Reversal
from billing.models.statements import SigningKey

__all__ = [
    "Account",
    "Address",
    "Base",
    "Book",
    "Debt",
    "Hold",
    "Kind",
    "Lot",
    "LotUse",
    "Payment",
    "PaymentStatus",
    "Posting",
    "Proof",
    "Reversal",
    "SigningKey",
    "StripeEvent",
    "SystemAccount",
    "Usage",
]
