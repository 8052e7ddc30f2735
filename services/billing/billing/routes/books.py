"""The books, for operators."""

from typing import Annotated

from fastapi import APIRouter, Query

from billing import books
from billing.models import Book
from billing.routes.refusals import refusals
from billing.schemas.books import CompareRequest, DayState, DayView, Report
from billing.sections import SECTIONS
from shared.http import CurrentOperator
from shared.http import Transaction as InTransaction
from shared.moments import Day

router = APIRouter()


@router.get("/api/admin/books", operation_id="show_books", responses=refusals(401, 403))
async def show_books(
    _: CurrentOperator,
    tx: InTransaction,
    limit: Annotated[int, Query(ge=1, le=366)] = 30,
    before: Annotated[Day | None, Query()] = None,
) -> Report:
    """Whether the books balance: each section as it is now, and the days, the latest first."""
    days = await books.closed_days(tx, limit=limit, before=before)
    return Report(
        sections={name: await section(tx) for name, section in SECTIONS.items()},
        days=[_day(book) for book in days],
    )


@router.post(
    "/api/admin/books/compare",
    operation_id="compare_books",
    status_code=202,
    responses=refusals(401, 403, 404),
)
async def compare_books(body: CompareRequest, _: CurrentOperator, tx: InTransaction) -> DayView:
    """Have a closed day compared again, after the reason why it differed was found."""
    return _day(await books.compare_again(tx, body.day))


def _day(book: Book) -> DayView:
    fields = {name: getattr(book, name) for name in DayView.model_fields if name != "state"}
    return DayView(state=DayState.of(book), **fields)
