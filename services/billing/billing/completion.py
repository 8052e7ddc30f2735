"""A payment whose money has arrived, as the other services hear of it."""

import hashlib

from billing.models import Payment
from shared.contracts.payments import PaymentCompleted


def of(payment: Payment, *, claim: str, credits_now: int | None = None) -> PaymentCompleted:
    """Return the event of a payment: whoever holds `claim` may claim an account that it opens.

    `credits_now` are those that come at once, where a plan brings the others later.
    """
    assert payment.email is not None, "a payment without an address is for review"
    return PaymentCompleted(
        payment_id=payment.id,
        email=payment.email,
        user_id=payment.user_id,
        claim_key_hash=hashlib.sha256(claim.encode()).hexdigest(),
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        credits=credits_now or payment.credits,
    )
