"""The means of payment that Stripe offers to testers, and what each of them does."""

from dataclasses import dataclass
from typing import Any, Literal

from embedded.emulator.store import Body

Later = Literal["dispute", "inquiry", "not_received", "refund_pending", "refund_fails"]

EXPIRES_IN_YEARS = 3


@dataclass(frozen=True, slots=True)
class Decline:
    """Why a bank says no."""

    code: str
    decline_code: str
    message: str


DECLINED = Decline("card_declined", "generic_decline", "Your card was declined.")
INSUFFICIENT = Decline("card_declined", "insufficient_funds", "Your card has insufficient funds.")
LOST = Decline("card_declined", "lost_card", "Your card was declined.")
EXPIRED = Decline("expired_card", "expired_card", "Your card has expired.")
WRONG_CVC = Decline("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.")
BROKEN = Decline(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
)
NO_FUNDS = Decline(
    "payment_method_provider_decline",
    "insufficient_funds",
    "The customer's account has insufficient funds to cover this payment.",
)


@dataclass(frozen=True, slots=True)
class Means:
    """A test card or bank account: `decline` is what charging it meets, `attaches` whether it can be kept for later."""

    token: str
    number: str
    label: str
    brand: str = "visa"
    decline: Decline | None = None
    attaches: bool = True
    later: Later | None = None
    is_bank: bool = False

    @property
    def kind(self) -> str:
        """Return the type of payment method it is."""
        return "us_bank_account" if self.is_bank else "card"

    @property
    def last4(self) -> str:
        """Return its last digits."""
        return self.number[-4:]


MEANS = (
    Means("pm_card_visa", "4242424242424242", "A card that works"),
    Means("pm_card_mastercard", "5555555555554444", "Another card that works", "mastercard"),
    Means("pm_card_amex", "378282246310005", "A card of a third brand", "amex"),
    Means("pm_card_visa_chargeDeclined", "4000000000000002", "A card that is declined", decline=DECLINED, attaches=False),
    Means("pm_card_chargeDeclined", "4000000000000002", "A card that is declined", decline=DECLINED, attaches=False),
    Means("pm_card_visa_chargeDeclinedInsufficientFunds", "4000000000009995", "A card without funds", decline=INSUFFICIENT, attaches=False),
    Means("pm_card_visa_chargeDeclinedLostCard", "4000000000009987", "A lost card", decline=LOST, attaches=False),
    Means("pm_card_chargeDeclinedExpiredCard", "4000000000000069", "An expired card", decline=EXPIRED, attaches=False),
    Means("pm_card_chargeDeclinedIncorrectCvc", "4000000000000127", "A wrong security code", decline=WRONG_CVC, attaches=False),
    Means("pm_card_chargeDeclinedProcessingError", "4000000000000119", "A failure on the way", decline=BROKEN, attaches=False),
    Means("pm_card_chargeCustomerFail", "4000000000000341", "A card that can be kept and is declined later", decline=DECLINED),
    Means("pm_card_createDispute", "4000000000000259", "Paid, then disputed as fraudulent", later="dispute"),
    Means("pm_card_createDisputeProductNotReceived", "4000000000002685", "Paid, then disputed as not received", later="not_received"),
    Means("pm_card_createDisputeInquiry", "4000000000001976", "Paid, then inquired about", later="inquiry"),
    Means("pm_card_pendingRefund", "4000000000007726", "Refunds of it take a while", later="refund_pending"),
    Means("pm_card_refundFail", "4000000000005126", "Refunds of it fail later", later="refund_fails"),
    Means("pm_usBankAccount_success", "000123456789", "A bank debit that arrives later", "", later="refund_pending", is_bank=True),
    Means("pm_usBankAccount_insufficientFunds", "000222222227", "A bank debit that fails later", "", decline=NO_FUNDS, is_bank=True),
)  # fmt: skip

BY_TOKEN = {means.token: means for means in MEANS}
BY_NUMBER = {means.number: means for means in reversed(MEANS)}


def means_of(word: str) -> Means | None:
    """Return the means with this number or test token."""
    digits = word.replace(" ", "").replace("-", "")
    return BY_TOKEN.get(word) or BY_NUMBER.get(digits)


def behind(method: Body) -> Means:
    """Return the means that a payment method stands for."""
    return BY_TOKEN[method["_"]["means"]]


def card_details(means: Means, year: int) -> Body:
    """Return what a payment method says of its card."""
    return {
        "brand": means.brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass",
        },
        "country": "US",
        "display_brand": means.brand,
        "exp_month": 12,
        "exp_year": year + EXPIRES_IN_YEARS,
        "fingerprint": _fingerprint(means),
        "funding": "credit",
        "generated_from": None,
        "last4": means.last4,
        "networks": {"available": [means.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def bank_details(means: Means) -> Body:
    """Return what a payment method says of its bank account."""
    return {
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": None,
        "fingerprint": _fingerprint(means),
        "last4": means.last4,
        "networks": {"preferred": "ach", "supported": ["ach"]},
        "routing_number": "110000000",
        "status_details": {},
    }


def charge_details(method: Body) -> Body:
    """Return what a charge says of how it was paid."""
    kind = method["type"]
    details: dict[str, Any] = dict(method[kind])
    if kind == "us_bank_account":
        for name in ("financial_connections_account", "networks", "status_details"):
            details.pop(name)
        return {"type": kind, kind: {**details, "mandate": None, "payment_reference": None}}
    for name in ("display_brand", "generated_from", "networks", "three_d_secure_usage"):
        details.pop(name)
    more = {
        "amount_authorized": None,
        "authorization_code": None,
        "extended_authorization": {"status": "disabled"},
        "incremental_authorization": {"status": "unavailable"},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": "unavailable"},
        "network": details["brand"],
        "network_token": {"used": False},
        "network_transaction_id": "104102978678771",
        "overcapture": {"status": "unavailable", "maximum_amount_capturable": 0},
        "three_d_secure": None,
    }
    return {"type": kind, kind: {**details, **more}}


def _fingerprint(means: Means) -> str:
    return f"{int(means.number) * 7919 % 10**16:016d}"
