"""Comparisons with Stripe, for operators."""

from fastapi import APIRouter

from billing import chores, reconciliation
from billing.routes.refusals import refusals
from billing.schemas.reconciliation import Asked, Reconciliations, ReconciliationView
from shared.http import CurrentOperator
from shared.http import Transaction as InTransaction
from shared.pages import Cursor, Limit, cursor_of, id_of

router = APIRouter()


@router.post(
    "/api/admin/reconcile",
    operation_id="reconcile",
    status_code=202,
    responses=refusals(401, 403),
)
async def reconcile(_: CurrentOperator, tx: InTransaction) -> Asked:
    """Have everything of the last weeks compared with Stripe now."""
    await chores.hasten(tx, chores.RECONCILE_DAILY)
    return Asked()


@router.get(
    "/api/admin/reconciliations", operation_id="list_reconciliations", responses=refusals(401, 403)
)
async def list_reconciliations(
    _: CurrentOperator, tx: InTransaction, limit: Limit = 50, cursor: Cursor = None
) -> Reconciliations:
    """Comparisons with Stripe, newest first."""
    rows = await reconciliation.listed(tx, limit=limit, before=id_of(cursor))
    views = [ReconciliationView.model_validate(row) for row in rows]
    return Reconciliations(reconciliations=views, next_cursor=cursor_of(rows, limit))
