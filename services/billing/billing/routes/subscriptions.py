"""A user's plan and bills."""

from fastapi import APIRouter

from billing import bills, catalogue, standing
from billing.models import Invoice, Subscription
from billing.routes.refusals import refusals
from billing.schemas.subscriptions import Invoices, InvoiceView, SubscriptionView
from shared.db import Tx
from shared.http import CurrentUser
from shared.http import Transaction as InTransaction
from shared.pages import Cursor, Limit, cursor_of, id_of

router = APIRouter()


@router.get("/api/billing/subscription", operation_id="get_subscription", responses=refusals(401))
async def get_subscription(user: CurrentUser, tx: InTransaction) -> SubscriptionView:
    """The plan that the user has now."""
    return await shown(tx, await standing.current(tx, user.id))


@router.get("/api/billing/invoices", operation_id="list_invoices", responses=refusals(401))
async def list_invoices(
    user: CurrentUser, tx: InTransaction, limit: Limit = 50, cursor: Cursor = None
) -> Invoices:
    """The user's bills, newest first."""
    rows = await bills.of_user(tx, user.id, limit=limit, before=id_of(cursor))
    return Invoices(invoices=[_bill(row) for row in rows], next_cursor=cursor_of(rows, limit))


async def shown(tx: Tx, plan: Subscription | None) -> SubscriptionView:
    """Return a plan as its owner sees it."""
    if plan is None:
        return SubscriptionView(status="none")
    price_id = await standing.price_of(tx, plan)
    found = await catalogue.entries(tx, [price_id] if price_id else [])
    entry = found[0] if found else None
    return SubscriptionView(
        status="active" if plan.status in standing.BEGINNING else plan.status,
        plan=entry.name if entry else None,
        price_id=price_id,
        credits=entry.credits * plan.quantity if entry else None,
        interval=entry.interval if entry else None,
        current_period_end=plan.current_period_end,
        cancel_at_period_end=plan.cancel_at_period_end,
        next_grant_at=await standing.next_grant_at(tx, plan),
        grace_until=plan.grace_until if plan.status in standing.UNPAID else None,
        is_paused=plan.paused_at is not None,
    )


def _bill(row: Invoice) -> InvoiceView:
    is_paid = row.status == "paid"
    return InvoiceView(
        number=row.number,
        created_at=row.created_at,
        amount_cents=row.amount_paid_cents if is_paid else row.amount_due_cents,
        currency=row.currency,
        status=row.status,
        hosted_url=row.hosted_url,
        pdf_url=row.pdf_url,
    )
