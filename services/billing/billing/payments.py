"""Payments: from what Stripe said to credits, once for each thing paid."""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from billing import ledger
from billing.models import Account, Address, Kind, Payment, PaymentStatus, StripeEvent
from billing.stripe_webhook import CheckoutSession, EventFrame, object_id
from shared.contracts.credits import CreditsGranted
from shared.contracts.payments import PaymentCompleted
from shared.db import Tx
from shared.events import Envelope

CURRENCY = "usd"
PAID = {"paid", "no_payment_required"}
_RANK = {status: rank for rank, status in enumerate(PaymentStatus)}
_SESSION_EVENTS = {
    "checkout.session.completed": PaymentStatus.OPEN,
    "checkout.session.async_payment_succeeded": PaymentStatus.OPEN,
    "checkout.session.async_payment_failed": PaymentStatus.FAILED,
    "checkout.session.expired": PaymentStatus.EXPIRED,
}


def email_key(email: str) -> str:
    """Return what makes two spellings of an address one."""
    return email.strip().casefold()


async def receive(tx: Tx, event: EventFrame, body: bytes, *, is_live: bool) -> None:
    """Store an event of Stripe's once, and what it says about a payment."""
    is_new = await tx.insert_once(
        StripeEvent,
        id=event.id,
        type=event.type,
        api_version=event.api_version,
        livemode=event.livemode,
        payload=body,
        outcome="received",
        received_at=await tx.now(),
    )
    if not is_new:
        return
    outcome = await _act(tx, event) if event.livemode == is_live else "other mode: no effect"
    stored = await tx.get(StripeEvent, event.id)
    assert stored is not None, "it was inserted above"
    stored.outcome = outcome


async def grant_waiting(
    tx: Tx,
    owners: Mapping[UUID, UUID],
    *,
    causes: Mapping[UUID, Envelope] = MappingProxyType({}),
    opened_account: bool = False,
) -> None:
    """Grant these payments to their owners (user by payment) where they are paid and not granted yet.

    `causes` are the events that are answered, by payment, where they are not the transaction's own.
    """
    statement = (
        select(Payment)
        .where(Payment.id.in_(list(owners)), Payment.status == PaymentStatus.PAID)
        .order_by(Payment.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    payments = await tx.scalars(statement)
    if not payments:
        return
    for payment in payments:
        payment.user_id, payment.status = owners[payment.id], PaymentStatus.GRANTED
    for item in await ledger.grant(tx, [_grant(payment) for payment in payments]):
        payment_id = item.grant.payment_id
        assert payment_id is not None, "it is a payment's grant"
        event = _granted(item, opened_account=opened_account)
        tx.publish(event, cause=causes.get(payment_id))


async def waiting_of(tx: Tx, user_id: UUID) -> Sequence[UUID]:
    """Return the paid payments that a signed-in user made before billing knew the user."""
    statement = select(Payment.id).where(
        Payment.user_id == user_id, Payment.status == PaymentStatus.PAID
    )
    return await tx.scalars(statement)


async def waiting_for(tx: Tx, address: str) -> Sequence[UUID]:
    """Return the payments of an address that nobody was granted yet, made by no user we know."""
    is_known = select(Account.id).where(Account.user_id == Payment.user_id).exists()
    statement = select(Payment.id).where(
        Payment.email_key == email_key(address), Payment.status == PaymentStatus.PAID, ~is_known
    )
    return await tx.scalars(statement)


async def verified_owners(tx: Tx, addresses: Sequence[str]) -> dict[str, UUID]:
    """Return which user each address is known to belong to, by its key."""
    keys = [email_key(address) for address in addresses]
    statement = select(Address).where(Address.email_key.in_(keys), Address.is_verified)
    return {row.email_key: row.user_id for row in await tx.scalars(statement)}


async def learn_address(tx: Tx, user_id: UUID, address: str, *, is_verified: bool) -> None:
    """Remember whose address it is; one that was confirmed stays with who confirmed it first."""
    row = {"email_key": email_key(address), "user_id": user_id, "is_verified": is_verified}
    statement = insert(Address).values(row)
    if is_verified:
        statement = statement.on_conflict_do_update(
            index_elements=[Address.email_key],
            set_={"is_verified": True, "user_id": user_id},
            where=Address.is_verified.is_(False),
        )
    else:
        statement = statement.on_conflict_do_nothing()
    await tx.execute(statement)


async def _act(tx: Tx, event: EventFrame) -> str:
    """Apply an event to its payment; return what came of it, for the record."""
    floor = _SESSION_EVENTS.get(event.type)
    if floor is None:
        return "stored"
    try:
        session = CheckoutSession.model_validate(event.data.get("object"))
    except ValidationError as flaw:
        fields = ", ".join(str(error["loc"][0]) for error in flaw.errors() if error["loc"])
        return f"review: not a Checkout Session as we know it ({fields})"
    if session.mode != "payment":
        return "stored"
    payment = await _payment(tx, session)
    status, note = _judge(session, floor)
    if _RANK[PaymentStatus(payment.status)] >= _RANK[status]:
        return f"payment {payment.status} already"
    payment.status, payment.note = status, note
    if status == PaymentStatus.PAID:
        payment.paid_at = await tx.now()
        tx.publish(_completed(payment))
    return f"payment {status}"


def _judge(session: CheckoutSession, floor: PaymentStatus) -> tuple[PaymentStatus, str | None]:
    """Tell where the payment stands by what the session says; only money that arrived is paid."""
    if session.payment_status not in PAID:
        return floor, None
    if session.currency != CURRENCY:
        return PaymentStatus.REVIEW, f"paid in {session.currency}, and no price says what it buys"
    if not session.amount_subtotal:
        return PaymentStatus.REVIEW, "paid, but for an amount that buys nothing"
    if session.email is None:
        return PaymentStatus.REVIEW, "paid, but without an e-mail address"
    return PaymentStatus.PAID, None


async def _payment(tx: Tx, session: CheckoutSession) -> Payment:
    """Return the session's payment, locked, brought up to what the session says."""
    now = await tx.now()
    await tx.insert_once(
        Payment,
        id=tx.new_id(),
        stripe_checkout_session_id=session.id,
        amount_cents=0,
        currency=CURRENCY,
        credits=0,
        status=PaymentStatus.OPEN,
        created_at=now,
    )
    statement = select(Payment).where(Payment.stripe_checkout_session_id == session.id)
    payment = await tx.scalar(statement.with_for_update())
    assert payment is not None, "it was inserted above"
    if payment.paid_at is None:
        _fill(payment, session)
    return payment


def _fill(payment: Payment, session: CheckoutSession) -> None:
    payment.stripe_payment_intent_id = object_id(session.payment_intent)
    payment.stripe_customer_id = object_id(session.customer)
    payment.email = session.email
    payment.email_key = email_key(session.email) if session.email else None
    payment.user_id = _user_id(session.client_reference_id)
    payment.amount_cents = session.amount_total or 0
    payment.currency = session.currency or CURRENCY
    # A payment link buys one credit a cent of its price: discounts and taxes do not change it.
    payment.credits = session.amount_subtotal or 0


def _user_id(reference: str | None) -> UUID | None:
    """Return the signed-in payer that our checkout put into the session, if any."""
    prefix, _, tail = (reference or "").partition("_")
    try:
        return UUID(hex=tail) if prefix == "usr" else None
    except ValueError:
        return None


def _completed(payment: Payment) -> PaymentCompleted:
    assert payment.email is not None, "a payment without an address is for review"
    return PaymentCompleted(
        payment_id=payment.id,
        email=payment.email,
        user_id=payment.user_id,
        claim_key_hash=hashlib.sha256(payment.stripe_checkout_session_id.encode()).hexdigest(),
        amount_cents=payment.amount_cents,
        currency=payment.currency,
        credits=payment.credits,
    )


def _grant(payment: Payment) -> ledger.Grant:
    assert payment.user_id is not None, "its owner was set before"
    return ledger.Grant(
        user_id=payment.user_id,
        amount=payment.credits,
        kind=Kind.PURCHASE,
        key=f"payment:{payment.id}",
        description=f"{payment.credits:,} credits bought",
        payment_id=payment.id,
    )


def _granted(item: ledger.Granted, *, opened_account: bool) -> CreditsGranted:
    return CreditsGranted(
        user_id=item.grant.user_id,
        transaction_id=item.posting_id,
        amount=item.grant.amount,
        kind=item.grant.kind,
        payment_id=item.grant.payment_id,
        opened_account=opened_account,
        balance=item.balance,
    )
