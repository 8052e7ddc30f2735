"""Progress: what is known of a payment page, truthfully from our rows: paid, granted, told by mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select

from billing import payments
from billing.models import Checkout, Payment, PaymentStatus
from billing.visits import OVER
from shared.db import Tx

ASK_AGAIN: Final = timedelta(seconds=3)
ARRIVED: Final = (
    PaymentStatus.ARRIVED,
    PaymentStatus.CLOSED,
    PaymentStatus.REVIEW,
    PaymentStatus.PAID,
    PaymentStatus.GRANTED,
)
WITHOUT_MONEY: Final = {PaymentStatus.FAILED: "failed", PaymentStatus.EXPIRED: "expired"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a page has come; `account` is whether its payment opened the account that was granted.

    `user_id` is whose account that is. `waits_for` is whose act the credits wait for: the payer's, who has to confirm the `address`, or a person's `review`.
    """

    status: str
    payment_status: str
    credits: int
    granted_at: datetime | None = None
    email: str | None = None
    email_state: str = "none"
    account: str | None = None
    waits_for: str | None = None
    user_id: UUID | None = None

    @property
    def is_final(self) -> bool:
        """Whether Stripe has nothing more to say of it."""
        return self.status in ("expired", "failed") or self.payment_status != "unpaid"


async def of_session(tx: Tx, session_id: str) -> Progress | None:
    """Return what is known of a Checkout Session; None where nobody has heard of it."""
    page = await tx.scalar(_page(session_id))
    payment = await _payment(tx, session_id, page)
    if page is None and payment is None:
        return None
    return Progress(
        status=_status(page, payment),
        payment_status=_payment_status(page, payment),
        credits=_credits(page, payment),
        granted_at=payment.granted_at if payment else None,
        email=(payment.email if payment else None) or (page.email if page else None),
        email_state=_email_state(payment),
        account=_account(payment),
        waits_for=await _waits_for(tx, payment),
        user_id=payment.user_id if payment and payment.granted_at else None,
    )


async def may_ask(tx: Tx, session_id: str) -> bool:
    """Tell whether Stripe is to be asked of a page again, and note that it is."""
    page = await tx.scalar(_page(session_id).with_for_update(skip_locked=True))
    if page is None:
        return await tx.scalar(_page(session_id)) is None
    now = await tx.now()
    if page.asked_at is not None and page.asked_at > now - ASK_AGAIN:
        return False
    page.asked_at = now
    return True


def _page(session_id: str) -> Select[Checkout]:
    return select(Checkout).where(Checkout.stripe_checkout_session_id == session_id)


async def _payment(tx: Tx, session_id: str, page: Checkout | None) -> Payment | None:
    """Return what was paid on a page, or the first bill of the subscription that it began."""
    on_it = select(Payment).where(Payment.stripe_checkout_session_id == session_id)
    found = await tx.scalar(on_it)
    if found is not None or page is None or page.stripe_subscription_id is None:
        return found
    of_plan = Payment.stripe_subscription_id == page.stripe_subscription_id
    return await tx.scalar(select(Payment).where(of_plan).order_by(Payment.id))


def _status(page: Checkout | None, payment: Payment | None) -> str:
    status = PaymentStatus(payment.status) if payment else PaymentStatus.OPEN
    if status in ARRIVED:
        return "complete"
    if status in WITHOUT_MONEY:
        return WITHOUT_MONEY[status]
    if page is None or page.status not in OVER:
        return "open" if page else "processing"
    if page.status == "expired":
        return "expired"
    return "processing" if page.payment_status == "unpaid" else "complete"


def _payment_status(page: Checkout | None, payment: Payment | None) -> str:
    if page is not None and page.payment_status != "unpaid":
        return page.payment_status
    is_paid = payment is not None and PaymentStatus(payment.status) in ARRIVED
    return "paid" if is_paid else "unpaid"


def _credits(page: Checkout | None, payment: Payment | None) -> int:
    """Return the credits that come at once: of a year's plan those of the first month; none before a review has ended."""
    if payment is not None and payment.status == PaymentStatus.REVIEW:
        return 0
    if page is not None and page.credits:
        return page.credits
    return payment.credits if payment else 0


def _email_state(payment: Payment | None) -> str:
    if payment is None or payment.granted_at is None:
        return "none"
    return payment.email_state or "queued"


async def _waits_for(tx: Tx, payment: Payment | None) -> str | None:
    if payment is not None and payment.status == PaymentStatus.REVIEW:
        return "review"
    if payment is None or payment.status != PaymentStatus.PAID:
        return None
    return "address" if await tx.scalar(payments.unproven([payment.id])) is not None else None


def _account(payment: Payment | None) -> str | None:
    if payment is None or payment.granted_at is None:
        return None
    return "new" if payment.opened_account else "existing"
