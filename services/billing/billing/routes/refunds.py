"""Refunds that operators ask for, and decide."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from billing import refund_requests
from billing.models import Payment, RefundRequest, RefundStep
from billing.routes.refusals import refusals
from billing.schemas.refunds import (
    RefundAsked,
    Refunds,
    RefundStatus,
    RefundView,
    Rejection,
    StepView,
)
from billing.settings import BillingSettings
from shared.db import Tx
from shared.http import ADMIN_KEY, CurrentOperator, Once, resource
from shared.http import Transaction as InTransaction
from shared.ids import PaymentId, RefundId
from shared.pages import Cursor, Limit, cursor_of, id_of

router = APIRouter()
DECIDED = refusals(401, 403, 404, 409)


@router.post(
    "/api/admin/payments/{payment_id}/refunds",
    operation_id="request_refund",
    status_code=201,
    responses=DECIDED,
    response_model=RefundView,
)
async def request_refund(
    payment_id: PaymentId,
    body: RefundAsked,
    operator: CurrentOperator,
    tx: InTransaction,
    once: Once,
) -> Response:
    """Ask that a payment goes back, in part or in full."""

    async def work() -> RefundView:
        asked = await refund_requests.request(
            tx,
            payment_id,
            amount_cents=body.amount_cents,
            reason=body.reason,
            operator=operator.name,
        )
        return await _one(tx, asked)

    return await once.run_for(tx, f"operator:{operator.name}", work, status=201)


@router.post(
    "/api/admin/refunds/{refund_id}/approve", operation_id="approve_refund", responses=DECIDED
)
async def approve_refund(
    refund_id: RefundId,
    operator: CurrentOperator,
    tx: InTransaction,
    settings: Annotated[BillingSettings, resource(BillingSettings)],
) -> RefundView:
    """Lock the credits, and have Stripe send the money."""
    decided = await refund_requests.approve(
        tx,
        refund_id,
        operator=operator.name,
        nobody=ADMIN_KEY,
        alone_cents_max=settings.refund_approval_cents,
    )
    return await _one(tx, decided)


@router.post(
    "/api/admin/refunds/{refund_id}/reject", operation_id="reject_refund", responses=DECIDED
)
async def reject_refund(
    refund_id: RefundId, body: Rejection, operator: CurrentOperator, tx: InTransaction
) -> RefundView:
    """Decide that the money stays."""
    decided = await refund_requests.reject(
        tx, refund_id, operator=operator.name, reason=body.reason
    )
    return await _one(tx, decided)


@router.get("/api/admin/refunds", operation_id="list_refunds", responses=refusals(401, 403))
async def list_refunds(
    _: CurrentOperator,
    tx: InTransaction,
    status: RefundStatus | None = None,
    payment_id: Annotated[PaymentId | None, Query()] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Refunds:
    """Refunds, newest first: those that are `requested` wait for somebody."""
    rows = await refund_requests.listed(
        tx, status=status, payment_id=payment_id, limit=limit, before=id_of(cursor)
    )
    return Refunds(refunds=await _views(tx, rows), next_cursor=cursor_of(rows, limit))


async def _one(tx: Tx, row: RefundRequest) -> RefundView:
    await tx.flush()
    [view] = await _views(tx, [row])
    return view


async def _views(tx: Tx, rows: Sequence[RefundRequest]) -> list[RefundView]:
    payments = await refund_requests.payments_of(tx, rows)
    steps = await refund_requests.steps(tx, rows)
    return [
        _view(row, payments[row.payment_id], [step for step in steps if step.request_id == row.id])
        for row in rows
    ]


def _view(row: RefundRequest, payment: Payment, steps: Sequence[RefundStep]) -> RefundView:
    return RefundView(
        id=row.id,
        payment_id=row.payment_id,
        payer=payment.email,
        amount_cents=row.amount_cents,
        currency=payment.currency,
        reason=row.reason,
        status=RefundStatus(row.status),
        stripe_refund_id=row.stripe_refund_id,
        failure=row.failure,
        requested_by=row.requested_by,
        created_at=row.created_at,
        steps=[StepView.model_validate(step) for step in steps],
    )
