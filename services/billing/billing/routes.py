"""HTTP in: Stripe's webhook, a user's credits, what operators do."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response

from billing import grants, ledger, payments, statements
from billing.metrics import count_webhook
from billing.models import Kind, Lot, Payment, PaymentStatus, Posting
from billing.schemas import (
    WORDS,
    GrantRequest,
    LotView,
    Payments,
    PaymentView,
    Received,
    Summary,
    Transaction,
    Transactions,
)
from billing.settings import BillingSettings
from billing.stripe_events import StripeInbox
from billing.stripe_webhook import verify
from shared.clock import Clock
from shared.errors import Conflict, DomainError
from shared.http import CurrentOperator, CurrentUser, resource
from shared.http import Transaction as InTransaction
from shared.pages import Cursor, Limit, cursor_of, id_of
from shared.problems import Problem
from shared.tracing import step

WEBHOOK_BYTES_MAX = 256 * 1024
RECENT = 20

router = APIRouter()
REFUSALS: dict[int | str, dict[str, object]] = {401: {"model": Problem}, 403: {"model": Problem}}


@router.post(
    "/api/webhooks/stripe",
    operation_id="stripe_webhook",
    max_body_size=WEBHOOK_BYTES_MAX,
    responses={400: {"model": Problem}, 413: {"model": Problem}},
)
@router.post("/api/stripe/webhook", max_body_size=WEBHOOK_BYTES_MAX, include_in_schema=False)
async def receive_stripe_event(
    request: Request,
    inbox: Annotated[StripeInbox, resource(StripeInbox)],
    settings: Annotated[BillingSettings, resource(BillingSettings)],
    clock: Annotated[Clock, resource(Clock)],
    stripe_signature: Annotated[str | None, Header(max_length=4096)] = None,
) -> Received:
    """Store what Stripe says, once, and publish what was paid; nothing else happens here."""
    body = await request.body()
    try:
        with step("verify stripe event", service="billing") as verified:
            event = verify(body, stripe_signature, settings.webhook_secrets, clock.now())
            verified.set_attribute("stripe.event.type", event.type)
    except DomainError as refusal:
        count_webhook(refusal.code)
        raise
    is_new = await inbox.receive(event, body)
    count_webhook("accepted" if is_new else "duplicate")
    return Received()


@router.get("/api/credits/summary", operation_id="credits_summary", responses=REFUSALS)
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


@router.get("/api/credits/transactions", operation_id="list_transactions", responses=REFUSALS)
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
    responses={**REFUSALS, 200: {"model": Transaction}, 409: {"model": Problem}},
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


@router.get("/api/admin/payments", operation_id="list_payments", responses=REFUSALS)
async def list_payments(
    _: CurrentOperator,
    tx: InTransaction,
    status: PaymentStatus | None = None,
    email: Annotated[str | None, Query(max_length=320, pattern=r"^[^\x00]*$")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Payments:
    """Payments, newest first: those in `review` need a person."""
    key = payments.email_key(email) if email else None
    rows = await statements.payments(
        tx, status=status, email_key=key, limit=limit, before=id_of(cursor)
    )
    return Payments(payments=[_payment(row) for row in rows], next_cursor=cursor_of(rows, limit))


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


def _payment(row: Payment) -> PaymentView:
    return PaymentView.model_validate(row, from_attributes=True)
