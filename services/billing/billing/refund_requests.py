"""Refund requests: what an operator asks for, another approves where it is much, and a worker has Stripe do.

The credits are locked when a request is approved: they are taken back as if the money were on its way already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select

from billing import revocations
from billing.gateway import RefundOrder
from billing.models import Dispute, InvoicePayment, Payment, Refund, RefundRequest, RefundStep
from billing.shapes import Refund as Returned
from shared import ids
from shared.db import Tx
from shared.errors import Conflict, Forbidden, NotFound

REQUEST_ID: Final = "refund_request_id"
PREFIX: Final = "refund"
LEASE_S: Final = 60
IN_THE_MAKING: Final = ("requested", "approved")


class NotRefundable(Conflict):
    """There is nothing of this payment that could go back."""

    code = "not_refundable"


class RefundInTheMaking(Conflict):
    """A refund of this payment is in the making; wait until it is decided."""

    code = "refund_in_the_making"


class MoreThanIsLeft(Conflict):
    """So much was not paid, or went back already."""

    code = "more_than_is_left"


class AnotherOperatorDecides(Forbidden):
    """A refund of this amount is asked for by one person and approved by another; the admin key is neither."""

    code = "another_operator_decides"


@dataclass(frozen=True, slots=True)
class Order:
    """A refund to be made now."""

    request_id: UUID
    order: RefundOrder


async def request(
    tx: Tx, payment_id: UUID, *, amount_cents: int | None, reason: str, operator: str
) -> RefundRequest:
    """Ask for a refund, of all that is left unless an amount is given."""
    payment = await tx.lock(Payment, payment_id)
    if payment is None:
        raise NotFound
    wanted = await _allowed(tx, payment, amount_cents)
    request_id = tx.new_id()
    values = {
        "id": request_id,
        "payment_id": payment_id,
        "amount_cents": wanted,
        "reason": reason,
        "status": "requested",
        "requested_by": operator,
        "created_at": await tx.now(),
    }
    if not await tx.insert_once(RefundRequest, **values):
        raise RefundInTheMaking
    await _note(tx, request_id, "requested", by=operator, note=reason)
    asked = await tx.get(RefundRequest, request_id)
    assert asked is not None, "it was inserted just now"
    return asked


async def approve(
    tx: Tx, request_id: UUID, *, operator: str, nobody: str, alone_cents_max: int
) -> RefundRequest:
    """Lock the credits and have the money sent; above a limit only another person may.

    The limit is for all that goes back of one payment, in however many pieces. `nobody` is what
    those are called who have the admin key: each may be the other one too.
    """
    asked = await _undecided(tx, request_id)
    payment = await tx.get(Payment, asked.payment_id)
    assert payment is not None, "a payment is never deleted"
    await _allowed(
        tx, payment, asked.amount_cents
    )  # money may have gone back since it was asked for
    is_alone = operator in (nobody, asked.requested_by) or asked.requested_by == nobody
    if is_alone and await _decided_cents(tx, asked) + asked.amount_cents > alone_cents_max:
        raise AnotherOperatorDecides
    asked.status, asked.make_at = "approved", await tx.now()
    await tx.flush()
    await _note(tx, request_id, "approved", by=operator)
    await revocations.settle(tx, [asked.payment_id])
    return asked


async def reject(tx: Tx, request_id: UUID, *, operator: str, reason: str) -> RefundRequest:
    """Decide against a refund."""
    asked = await _undecided(tx, request_id)
    asked.status, asked.failure = "rejected", reason
    await _note(tx, request_id, "rejected", by=operator, note=reason)
    return asked


async def lease(tx: Tx) -> Order | None:
    """Return the approved refund that is due longest, to be made; others leave it alone for a while."""
    now = await tx.now()
    due = select(RefundRequest).where(
        RefundRequest.status == "approved",
        RefundRequest.stripe_refund_id.is_(None),
        RefundRequest.make_at <= now,
    )
    next_one = due.order_by(RefundRequest.make_at).limit(1).with_for_update(skip_locked=True)
    asked = await tx.scalar(next_one)
    if asked is None:
        return None
    asked.make_count += 1
    asked.make_at = now + timedelta(seconds=min(LEASE_S * asked.make_count, 3600))
    payment = await tx.get(Payment, asked.payment_id)
    assert payment is not None, "a payment is never deleted"
    intent = await _intent(tx, payment)
    assert intent is not None, "it was looked at when the refund was asked for"
    order = RefundOrder(
        key=asked.id,
        payment_intent=intent,
        amount_cents=asked.amount_cents,
        metadata={REQUEST_ID: ids.public(PREFIX, asked.id)},
        tried=asked.make_count > 1,
    )
    return Order(asked.id, order)


async def note_made(tx: Tx, refunds: Sequence[Returned]) -> None:
    """Note which requests these refunds of Stripe's are, and what became of them."""
    by_request = {ids.read(PREFIX, item.metadata.get(REQUEST_ID)): item for item in refunds}
    for request_id, refund in by_request.items():
        asked = await _locked_with_payment(tx, request_id) if request_id else None
        if asked is None or asked.stripe_refund_id not in (None, refund.id):
            continue
        if asked.stripe_refund_id is None:
            await _note(tx, asked.id, "made", by="stripe", note=refund.id)
        asked.stripe_refund_id, asked.make_at = refund.id, None
        asked.status = "made"
        if refund.status in ("failed", "canceled"):
            asked.status, asked.failure = "failed", refund.failure_reason or refund.status
            await _note(tx, asked.id, "failed", by="stripe", note=asked.failure)
    await tx.flush()


async def give_up(tx: Tx, request_id: UUID, reason: str) -> None:
    """Note that Stripe declined a refund, and give the credits back."""
    asked = await _locked_with_payment(tx, request_id)
    if asked is None or asked.status != "approved" or asked.stripe_refund_id is not None:
        return
    asked.status, asked.failure, asked.make_at = "failed", reason, None
    await tx.flush()
    await _note(tx, request_id, "failed", by="stripe", note=reason)
    await revocations.settle(tx, [asked.payment_id])


async def listed(
    tx: Tx, *, status: str | None, payment_id: UUID | None, limit: int, before: UUID | None
) -> Sequence[RefundRequest]:
    """Return refund requests, newest first, older than the given one."""
    statement = select(RefundRequest).order_by(RefundRequest.id.desc())
    if status is not None:
        statement = statement.where(RefundRequest.status == status)
    if payment_id is not None:
        statement = statement.where(RefundRequest.payment_id == payment_id)
    if before is not None:
        statement = statement.where(RefundRequest.id < before)
    return await tx.scalars(statement.limit(limit))


async def steps(tx: Tx, requests: Sequence[RefundRequest]) -> Sequence[RefundStep]:
    """Return who did what to these requests, in order."""
    theirs = RefundStep.request_id.in_([item.id for item in requests])
    return await tx.scalars(select(RefundStep).where(theirs).order_by(RefundStep.id))


async def payments_of(tx: Tx, requests: Sequence[RefundRequest]) -> dict[UUID, Payment]:
    """Return the payments that these requests are of, by their ids."""
    theirs = Payment.id.in_([item.payment_id for item in requests])
    return {row.id: row for row in await tx.scalars(select(Payment).where(theirs))}


async def _allowed(tx: Tx, payment: Payment, amount_cents: int | None) -> int:
    """Return how many cents may go back: so many, or all that is left; raise NotRefundable or MoreThanIsLeft."""
    left = await _left(tx, payment)
    if payment.status != "granted" or left <= 0 or await _intent(tx, payment) is None:
        raise NotRefundable
    unwon = (Dispute.payment_id == payment.id, Dispute.status.in_(revocations.TAKING))
    if await tx.scalar(select(Dispute.id).where(*unwon).limit(1)) is not None:
        message = "This payment is disputed: Stripe sends its money back, or not."
        raise NotRefundable(message)
    wanted = left if amount_cents is None else amount_cents
    if wanted > left:
        message = f"No more than {left} cents of this payment can go back."
        raise MoreThanIsLeft(message, refundable_cents=left)
    return wanted


async def _left(tx: Tx, payment: Payment) -> int:
    """Return how many cents of a payment did not go back yet."""
    gone = select(func.coalesce(func.sum(Refund.amount_cents), 0)).where(
        Refund.payment_id == payment.id, Refund.status.not_in(("failed", "canceled"))
    )
    return payment.amount_cents - int(await tx.scalar(gone) or 0)


async def _decided_cents(tx: Tx, asked: RefundRequest) -> int:
    """Return how many cents of a payment others of its requests send back, or sent."""
    decided = select(func.coalesce(func.sum(RefundRequest.amount_cents), 0)).where(
        RefundRequest.payment_id == asked.payment_id, RefundRequest.status.in_(("approved", "made"))
    )
    return int(await tx.scalar(decided) or 0)


async def _intent(tx: Tx, payment: Payment) -> str | None:
    """Return the payment intent that the money came by."""
    if payment.stripe_payment_intent_id is not None:
        return payment.stripe_payment_intent_id
    of_bill = InvoicePayment.stripe_invoice_id == payment.stripe_invoice_id
    intents = select(InvoicePayment.stripe_payment_intent_id).where(of_bill)
    return await tx.scalar(intents.order_by(InvoicePayment.stripe_payment_intent_id))


async def _undecided(tx: Tx, request_id: UUID) -> RefundRequest:
    asked = await _locked_with_payment(tx, request_id)
    if asked is None:
        raise NotFound
    if asked.status != "requested":
        message = f"This refund is {asked.status} already."
        raise Conflict(message)
    return asked


async def _locked_with_payment(tx: Tx, request_id: UUID) -> RefundRequest | None:
    """Return a request, locked: its payment first, as everywhere."""
    asked = await tx.get(RefundRequest, request_id)
    if asked is None:
        return None
    await tx.lock(Payment, asked.payment_id)
    return await tx.lock(RefundRequest, request_id)


async def _note(tx: Tx, request_id: UUID, step: str, *, by: str, note: str | None = None) -> None:
    now = await tx.now()
    row = RefundStep(id=tx.new_id(), request_id=request_id, step=step, by=by, note=note)
    row.created_at = now
    tx.add(row)
