"""A user's statement, signed, in the form that is asked for; and the keys that verify it."""

from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, TypeAlias

from fastapi import APIRouter, Depends, Header, Query, Response

from billing import ledger
from billing.routes.negotiation import CSV, JSON, PDF, preferred
from billing.routes.refusals import refusals
from billing.schemas.statement import KeySet, Statement
from billing.settings import BillingSettings
from billing.statement import (
    LINES_MAX,
    PAPER_LINES_MAX,
    Document,
    Period,
    Press,
    StatementKeys,
    as_csv,
    canonical,
    collect,
)
from shared.db import Database, Tx
from shared.errors import Invalid
from shared.http import CurrentUser, resource
from shared.http import Transaction as InTransaction
from shared.moments import DayOrMoment
from shared.tokens import User

FORMS: Final = {JSON: "json", CSV: "csv", PDF: "pdf"}
OTHER_FORMS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            CSV: {"schema": {"type": "string"}},
            PDF: {"schema": {"type": "string", "format": "binary"}},
        }
    }
}
KEYS_KEPT_S: Final = 300

Span: TypeAlias = tuple[datetime | None, datetime | None]
TheKeys = Annotated[StatementKeys, resource(StatementKeys)]
TheSettings = Annotated[BillingSettings, resource(BillingSettings)]

router = APIRouter()


def _span(
    since: Annotated[DayOrMoment | None, Query(alias="from")] = None,
    until: Annotated[DayOrMoment | None, Query(alias="to")] = None,
) -> Span:
    return since, until


@router.get(
    "/api/credits/statement",
    operation_id="show_statement",
    response_model=Statement,
    responses={**refusals(401, 403, 429), **OTHER_FORMS},
)
async def show_statement(
    user: CurrentUser,
    database: Annotated[Database, resource(Database)],
    keys: TheKeys,
    settings: TheSettings,
    press: Annotated[Press, resource(Press)],
    span: Annotated[Span, Depends(_span)],
    accept: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """The user's lines over a period (this month so far, where none is named), signed: JSON, CSV or PDF."""
    form = preferred(accept, tuple(FORMS))
    with press.place(user.id) if form == PDF else nullcontext():
        async with database.transaction() as tx:
            document = await _signed(tx, user, keys, settings.site_url, form, span)
        written = await _written(document, form, press)
    since, until = (document["period"][end][:10] for end in ("from", "to"))
    name = f"statement-{since}-to-{until}.{FORMS[form]}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Vary": "Accept"}
    return Response(written, media_type=form, headers=headers)


@router.get("/.well-known/billing-keys.json", operation_id="statement_keys")
async def show_keys(tx: InTransaction, keys: TheKeys, response: Response) -> KeySet:
    """The public keys that verify statements."""
    response.headers["Cache-Control"] = f"public, max-age={KEYS_KEPT_S}"
    return KeySet.model_validate(await keys.public(tx))


async def _signed(
    tx: Tx,
    user: User,
    keys: StatementKeys,
    issuer: str,
    form: str,
    span: Span,
) -> Document:
    account = await ledger.account_of(tx, user.id) or ledger.nobodys_account(user.id)
    period = _period(*span, now=await tx.now())
    lines_max = PAPER_LINES_MAX if form == PDF else LINES_MAX
    document = await collect(tx, account, period, issuer=issuer, lines_max=lines_max)
    return await keys.signed(tx, document)


def _period(since: datetime | None, until: datetime | None, *, now: datetime) -> Period:
    until = until or now
    last = until - timedelta(microseconds=1)  # the first of a month ends the month before
    since = since or last.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if since >= until or since > now:
        message = "A statement's period begins before it ends, and has begun."
        raise Invalid(message)
    return Period(since, until)


async def _written(document: Document, form: str, press: Press) -> str | bytes:
    match form:
        case "text/csv":
            return as_csv(document)
        case "application/pdf":
            return await press.pdf(document)
        case _:
            return canonical(document)
