"""Payments as operators see them."""

from typing import Annotated

from fastapi import APIRouter, Query

from billing import payments, reading
from billing.models import Payment, PaymentStatus
from billing.routes.refusals import refusals
from billing.schemas.payments import Closing, Payments, PaymentView
from shared.addresses import email_key
from shared.http import CurrentOperator
from shared.http import Transaction as InTransaction
from shared.ids import PaymentId
from shared.pages import Cursor, Limit, cursor_of, id_of

router = APIRouter()


@router.get("/api/admin/payments", operation_id="list_payments", responses=refusals(401, 403))
async def list_payments(
    _: CurrentOperator,
    tx: InTransaction,
    status: PaymentStatus | None = None,
    email: Annotated[str | None, Query(max_length=320, pattern=r"^[^\x00]*$")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Payments:
    """Payments, newest first: those in `review` need a person."""
    key = email_key(email) if email else None
    rows = await reading.payments(
        tx, status=status, email_key=key, limit=limit, before=id_of(cursor)
    )
    return Payments(payments=[_payment(row) for row in rows], next_cursor=cursor_of(rows, limit))


@router.post(
    "/api/admin/payments/{payment_id}/close",
    operation_id="close_payment",
    responses=refusals(401, 403, 404, 409),
)
async def close_payment(
    payment_id: PaymentId, body: Closing, operator: CurrentOperator, tx: InTransaction
) -> PaymentView:
    """Note what was decided about a payment in review; with credits it is granted to its payer, as any other is."""
    decided = payments.Decision(by=operator.name, reason=body.reason, credits=body.credits)
    return _payment(await payments.close(tx, payment_id, decided))


def _payment(row: Payment) -> PaymentView:
    return PaymentView.model_validate(row, from_attributes=True)
