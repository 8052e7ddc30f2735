"""Payments as rows, for tests that are not about how they come in."""

from datetime import datetime
from uuid import UUID

from billing.models import Payment


def paid(payment_id: UUID, user_id: UUID, credits_bought: int, now: datetime) -> Payment:
    """A payment that was granted, a cent a credit."""
    return Payment(
        id=payment_id,
        stripe_checkout_session_id=f"cs_test_{payment_id.hex}",
        user_id=user_id,
        amount_cents=credits_bought,
        currency="usd",
        credits=credits_bought,
        status="granted",
        created_at=now,
        paid_at=now,
    )
