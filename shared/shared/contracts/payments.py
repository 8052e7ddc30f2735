"""The story of a payment, told by billing."""

from pydantic import NonNegativeInt, PositiveInt

from shared.events import Event
from shared.ids import PaymentId, UserId


class PaymentCompleted(
    Event, name="payment.completed.v1", publisher="billing", consumers=("auth", "billing")
):
    """Money has arrived for a number of credits; `user_id` is known when the payer was signed in.

    `claim_key_hash` is the SHA-256 (hexadecimal) of the Checkout Session's id: whoever holds the id may claim
    an account that this payment opens.
    """

    payment_id: PaymentId
    email: str
    user_id: UserId | None = None
    claim_key_hash: str
    amount_cents: NonNegativeInt
    currency: str
    credits: PositiveInt
