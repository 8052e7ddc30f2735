"""A user's credits, and what operators give."""

from collections.abc import Sequence

from fastapi import APIRouter, Response

from billing import books, grants, ledger, reading, standing
from billing.models import Book, Lot
from billing.routes.refusals import refusals
from billing.routes.subscriptions import shown
from billing.schemas.books import BooksView
from billing.schemas.credits import Expiring, GrantRequest, Grants, GrantView, LotView, Summary
from billing.schemas.transactions import Transaction
from shared.http import CurrentOperator, CurrentUser, IdempotencyKey
from shared.http import Transaction as InTransaction
from shared.pages import Cursor, Limit, cursor_of, id_of

RECENT = 20

router = APIRouter()


@router.get("/api/credits/summary", operation_id="credits_summary", responses=refusals(401, 403))
async def summarize_credits(user: CurrentUser, tx: InTransaction) -> Summary:
    """The user's credits, where they came from and where they went."""
    account = await ledger.account_of(tx, user.id) or ledger.nobodys_account(user.id)
    lots = await reading.lots(tx, account)
    plan = await standing.current(tx, user.id)
    return Summary(
        credits=account.available,
        available=account.available,
        reserved=account.reserved,
        paused=account.paused,
        debt=account.debt,
        balance=account.balance,
        expiring=_expiring(lots),
        plan=await shown(tx, plan) if plan else None,
        books=_books(await books.latest_proved(tx)),
        lots=[LotView.model_validate(lot, from_attributes=True) for lot in lots],
        transactions=[
            Transaction.of(row) for row in await reading.lines(tx, account, limit=RECENT)
        ],
    )


@router.post(
    "/api/credits/grant",
    operation_id="grant_credits",
    status_code=201,
    responses={**refusals(401, 403, 404, 409, 422), 200: {"model": Transaction}},
)
async def grant_credits(
    body: GrantRequest,
    operator: CurrentOperator,
    tx: InTransaction,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Transaction:
    """Give a user credits; the same idempotency key, in the body or the header, gives them once and answers the same."""
    order = grants.Order(
        user_id=body.user_id or await grants.owner_of(tx, body.email or ""),
        amount=body.amount,
        kind=body.kind,
        reason=body.reason,
        expires_at=body.expires_at,
        key=f"admin:{body.key(idempotency_key)}",
        ordered_by=operator.name,
    )
    posting, is_new = await grants.give(tx, order)
    if not is_new:
        response.status_code = 200
    return Transaction.of(posting)


@router.get("/api/admin/grants", operation_id="list_grants", responses=refusals(401, 403))
async def list_grants(
    _: CurrentOperator, tx: InTransaction, limit: Limit = 50, cursor: Cursor = None
) -> Grants:
    """What operators gave, and who did, newest first."""
    rows = await reading.grants(tx, limit=limit, before=id_of(cursor))
    views = [
        GrantView(
            transaction_id=line.id,
            user_id=owner,
            amount=line.amount,
            kind=line.kind,
            reason=line.description,
            ordered_by=ordered_by,
            created_at=line.created_at,
        )
        for line, owner, ordered_by in rows
    ]
    return Grants(grants=views, next_cursor=cursor_of([line for line, *_ in rows], limit))


def _expiring(lots: Sequence[Lot]) -> Expiring | None:
    """Return what expires first."""
    moments = [lot.expires_at for lot in lots if lot.expires_at is not None]
    if not moments:
        return None
    first = min(moments)
    amount = sum(lot.remaining for lot in lots if lot.expires_at == first)
    return Expiring(amount=amount, expires_at=first)


def _books(book: Book | None) -> BooksView | None:
    if book is None or book.proved_at is None:
        return None
    return BooksView(day=book.day, balanced=book.is_balanced, proved_at=book.proved_at)
