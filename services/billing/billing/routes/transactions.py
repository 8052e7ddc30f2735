"""The lines of a user's ledger: in pages, as a table of all of them, and one by one with its trace."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import Row

from billing import ledger, reading, tables
from billing.models import Account, Kind, Posting
from billing.reading import LineFilter
from billing.routes.negotiation import CSV, JSON, preferred
from billing.routes.refusals import refusals
from billing.schemas.transactions import (
    Brought,
    Destination,
    HeldFor,
    PaidWith,
    Source,
    Transaction,
    Transactions,
    TransactionTrace,
)
from billing.words import Word
from shared.db import Database, Tx
from shared.errors import NotFound
from shared.http import CurrentUser, resource
from shared.http import Transaction as InTransaction
from shared.ids import PaymentId, TaskId, TransactionId
from shared.moments import DayOrMoment
from shared.pages import Cursor, Limit, cursor_of, id_of

CSV_PAGE = 500
COLUMNS = tuple(Transaction.model_fields)

router = APIRouter()


def _filter(
    kind: Kind | None = None,
    word: Annotated[Word | None, Query(alias="type")] = None,
    since: Annotated[DayOrMoment | None, Query(alias="from")] = None,
    until: Annotated[DayOrMoment | None, Query(alias="to")] = None,
    payment_id: PaymentId | None = None,
    task_id: TaskId | None = None,
) -> LineFilter:
    return LineFilter(kind, word, since, until, payment_id, task_id)


@router.get(
    "/api/credits/transactions",
    operation_id="list_transactions",
    response_model=Transactions,
    responses={**refusals(401, 403), 200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
@router.get("/api/transactions", response_model=Transactions, include_in_schema=False)
async def list_transactions(
    user: CurrentUser,
    wanted: Annotated[LineFilter, Depends(_filter)],
    tx: InTransaction,
    database: Annotated[Database, resource(Database)],
    accept: Annotated[str | None, Header(max_length=1000)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response | Transactions:
    """Every movement of the user's credits, newest first; with `Accept: text/csv` all of them as one table."""
    account = await ledger.account_of(tx, user.id) or ledger.nobodys_account(user.id)
    if preferred(accept, (JSON, CSV)) == CSV:
        name = f"transactions-{await tx.now():%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
        table = _table(database, account, wanted)
        return StreamingResponse(table, media_type=f"{CSV}; header=present", headers=headers)
    rows = await reading.lines(tx, account, wanted, limit=limit, before=id_of(cursor))
    return Transactions(
        transactions=[Transaction.of(row) for row in rows], next_cursor=cursor_of(rows, limit)
    )


@router.get(
    "/api/credits/transactions/{transaction_id}",
    operation_id="show_transaction",
    responses=refusals(401, 403, 404),
)
async def show_transaction(
    transaction_id: TransactionId, user: CurrentUser, tx: InTransaction
) -> TransactionTrace:
    """One line: the credits that it took, back to their payment, or where those that it brought went; its task."""
    account = await ledger.account_of(tx, user.id)
    row = await reading.line(tx, account, transaction_id) if account else None
    if row is None:
        raise NotFound
    hold = await reading.hold_of(tx, row)
    return TransactionTrace(
        transaction=Transaction.of(row),
        spent_from=[_source(item) for item in await reading.spent_from(tx, row)],
        brought=await _brought(tx, row),
        hold=HeldFor.model_validate(hold, from_attributes=True) if hold else None,
    )


def _source(item: Row[Any]) -> Source:
    return Source(
        transaction_id=item.Lot.id,
        kind=item.Lot.kind,
        taken=item.taken,
        payment=PaidWith.of(item.Payment),
    )


async def _brought(tx: Tx, row: Posting) -> Brought | None:
    found = await reading.brought(tx, row)
    if found is None:
        return None
    lot, payment = found.Lot, found.Payment
    went_to = await reading.went_to(tx, row)
    return Brought(
        amount=lot.amount,
        remaining=lot.remaining,
        expires_at=lot.expires_at,
        is_paused=lot.is_paused,
        payment=PaidWith.of(payment),
        went_to=[
            Destination(transaction=Transaction.of(item.Posting), taken=item.taken)
            for item in went_to
        ],
    )


async def _table(database: Database, account: Account, wanted: LineFilter) -> AsyncIterator[str]:
    """Yield all lines that are wanted as CSV, a page at a time, each read in a transaction of its own."""
    yield tables.rows([COLUMNS])
    before, page = None, CSV_PAGE
    while page == CSV_PAGE:
        async with database.transaction() as tx:
            rows = await reading.lines(tx, account, wanted, limit=CSV_PAGE, before=before)
        page = len(rows)
        if rows:
            before = rows[-1].id
            lines = (Transaction.of(row).model_dump(mode="json") for row in rows)
            yield tables.rows([line[name] for name in COLUMNS] for line in lines)
