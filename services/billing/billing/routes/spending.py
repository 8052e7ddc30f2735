"""Spending credits, and what they went to."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response

from billing import ledger, usage
from billing.models import Usage
from billing.routes.refusals import refusals
from billing.schemas.spending import (
    ExampleAnswer,
    ExampleRequest,
    Feature,
    FeatureTotal,
    SpendRequest,
    SpentView,
    UsagePage,
    UsageView,
)
from billing.spending import Spending, Wanted
from shared.http import CurrentUser, Once, resource, response_of
from shared.http import Transaction as InTransaction
from shared.idempotency import Answer
from shared.moments import DayOrMoment
from shared.pages import Cursor, Limit, cursor_of, id_of

EXAMPLE_COST = 1
EXAMPLE_FEATURE = "example"

TheSpending = Annotated[Spending, resource(Spending)]
NeededKey = Annotated[str, Header(min_length=1, max_length=255, pattern=r"^[\x21-\x7e]+$")]

router = APIRouter()


@router.post(
    "/api/credits/spend",
    operation_id="spend_credits",
    status_code=201,
    response_model=SpentView,
    responses=refusals(401, 402, 409),
)
async def spend_credits(
    body: SpendRequest,
    user: CurrentUser,
    once: Once,
    spending: TheSpending,
    idempotency_key: NeededKey,  # noqa: ARG001 - `once` reads it; here it is asked for
) -> Response:
    """Spend credits at once, on what is delivered at once; the same key spends them once."""
    wanted = Wanted(user.id, body.amount, body.reason, body.feature, body.metadata)
    return response_of(await spending.spend(wanted, once.mark(user)))


@router.post(
    "/api/example/use-credits",
    operation_id="use_example",
    response_model=ExampleAnswer,
    responses=refusals(401, 402, 409),
)
async def use_example(
    body: ExampleRequest, user: CurrentUser, once: Once, spending: TheSpending
) -> Response:
    """The worked example of a feature that costs a credit: spend first, then deliver what was paid for."""
    wanted = Wanted(user.id, EXAMPLE_COST, "Example feature", EXAMPLE_FEATURE)
    paid = await spending.spend(wanted, once.mark(user))
    spent = SpentView.model_validate_json(paid.body)
    answer = ExampleAnswer(
        success=True,
        result=f"You said: {body.prompt}" if body.prompt else "You said nothing, and that is fine.",
        credits_used=EXAMPLE_COST,
        credits_left=spent.credits,
        transaction_id=spent.transaction_id,
    )
    return response_of(Answer(200, answer.model_dump_json().encode(), is_replay=paid.is_replay))


@router.get("/api/credits/usage", operation_id="list_usage", responses=refusals(401))
async def list_usage(
    user: CurrentUser,
    tx: InTransaction,
    feature: Annotated[Feature | None, Query()] = None,
    since: Annotated[DayOrMoment | None, Query(alias="from")] = None,
    until: Annotated[DayOrMoment | None, Query(alias="to")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> UsagePage:
    """What the user's credits were spent on, newest first, and how much each feature took in all."""
    account = await ledger.account_of(tx, user.id)
    if account is None:
        return UsagePage(usage=[], totals=[], next_cursor=None)
    wanted = usage.UsageFilter(feature, since, until)
    rows = await usage.listed(tx, account, wanted, limit=limit, before=id_of(cursor))
    totals = await usage.totals(tx, account, wanted)
    return UsagePage(
        usage=[_usage(row) for row in rows],
        totals=[FeatureTotal.model_validate(row, from_attributes=True) for row in totals],
        next_cursor=cursor_of(rows, limit),
    )


def _usage(row: Usage) -> UsageView:
    return UsageView(
        id=row.id,
        feature=row.feature,
        amount=row.amount,
        metadata=row.metadata_,
        created_at=row.created_at,
    )
