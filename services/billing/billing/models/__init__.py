"""Billing's tables: what Stripe said, what was paid, and the ledger of credits."""

from billing.models.base import Base
from billing.models.ledger import (
    Account,
    Hold,
    Kind,
    Lot,
    LotUse,
    Posting,
    Proof,
    SystemAccount,
)
from billing.models.payments import Address, Payment, PaymentStatus, StripeEvent

__all__ = [
    "Account",
    "Address",
    "Base",
    "Hold",
    "Kind",
    "Lot",
    "LotUse",
    "Payment",
    "PaymentStatus",
    "Posting",
    "Proof",
    "StripeEvent",
    "SystemAccount",
]
