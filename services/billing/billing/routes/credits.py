"""A user's credits, and what operators give."""

from fastapi import APIRouter, Response

from billing import grants, ledger, statements
from billing.models import Kind, Lot, Posting
from billing.routes.refusals import refusals
from billing.schemas.credits import (
    WORDS,
    GrantRequest,
    LotView,
    Summary,
    Transaction,
    Transactions,
)
from shared.errors import Conflict
from shared.http import CurrentOperator, CurrentUser
from shared.http import Transaction as InTransaction
from shared.pages import Cursor, Limit, cursor_of, id_of

RECENT = 20

router = APIRouter()


@router.get("/api/credits/summary", operation_id="credits_summary", responses=refusals(401, 403))
async def summarize_credits(user: CurrentUser, tx: InTransaction) -> Summary:
    """The user's credits, where they came from and where they went."""
    account = await ledger.account_of(tx, user.id)
    if account is None:
        return Summary(credits=0, available=0, reserved=0, balance=0, lots=[], transactions=[])
    return Summary(
        credits=account.available,
        available=account.available,
        reserved=account.reserved,
        balance=account.balance,
        lots=[_lot(lot) for lot in await statements.lots(tx, account)],
        transactions=[_line(row) for row in await statements.lines(tx, account, limit=RECENT)],
    )


@router.get(
    "/api/credits/transactions", operation_id="list_transactions", responses=refusals(401, 403)
)
@router.get("/api/transactions", include_in_schema=False)
async def list_transactions(
    user: CurrentUser, tx: InTransaction, limit: Limit = 50, cursor: Cursor = None
) -> Transactions:
    """Every movement of the user's credits, newest first."""
    account = await ledger.account_of(tx, user.id)
    if account is None:
        return Transactions(transactions=[], next_cursor=None)
    rows = await statements.lines(tx, account, limit=limit, before=id_of(cursor))
    return Transactions(
        transactions=[_line(row) for row in rows], next_cursor=cursor_of(rows, limit)
    )


@router.post(
    "/api/credits/grant",
    operation_id="grant_credits",
    status_code=201,
    responses={**refusals(401, 403, 409), 200: {"model": Transaction}},
)
async def grant_credits(
    body: GrantRequest, operator: CurrentOperator, tx: InTransaction, response: Response
) -> Transaction:
    """Give a user credits; the same idempotency key gives them once and answers the same."""
    key = f"admin:{body.idempotency_key}"
    grant = ledger.Grant(
        user_id=body.user_id,
        amount=body.amount,
        kind=Kind.ADMIN_GRANT,
        key=key,
        description=f"{body.reason} ({operator.name})",
    )
    if await grants.post(tx, grant) is None:
        response.status_code = 200
    posting, owner = await statements.by_key(tx, key)
    if (owner, posting.amount) != (body.user_id, body.amount):
        message = "This idempotency key was used for another grant."
        raise Conflict(message)
    return _line(posting)


def _line(row: Posting) -> Transaction:
    return Transaction(
        id=row.id,
        type=WORDS.get(Kind(row.kind), "bonus"),
        kind=row.kind,
        amount=row.amount,
        balance_after=row.balance_after,
        description=row.description,
        payment_id=row.payment_id,
        task_id=row.task_id,
        created_at=row.created_at,
    )


def _lot(row: Lot) -> LotView:
    return LotView.model_validate(row, from_attributes=True)
