"""What is sold: for everybody, and what operators do with it."""

from typing import Annotated

from fastapi import APIRouter, Response

from billing import catalogue
from billing.cashier import Cashier
from billing.catalogue import Changes, Entry
from billing.catalogue.syncing import Change
from billing.routes.refusals import refusals
from billing.schemas.catalogue import (
    AllPrices,
    PriceChange,
    PriceInFull,
    Prices,
    PriceView,
    Seeded,
    SkippedProduct,
    SyncRequest,
    SyncResult,
)
from shared.http import CurrentOperator, resource
from shared.http import Transaction as InTransaction

CACHED = "public, max-age=60, stale-while-revalidate=600"

router = APIRouter()
AtCashier = Annotated[Cashier, resource(Cashier)]


@router.get("/api/billing/prices", operation_id="list_prices")
async def list_prices(tx: InTransaction, response: Response) -> Prices:
    """Packs and plans, in the order they are shown."""
    response.headers["cache-control"] = CACHED
    return Prices(prices=[_price(item) for item in await catalogue.listed(tx)])


@router.post(
    "/api/billing/sync-prices",
    operation_id="sync_prices",
    responses=refusals(401, 403, 502, 503),
)
async def sync_prices(
    _: CurrentOperator, cashier: AtCashier, body: SyncRequest | None = None
) -> SyncResult:
    """Bring the catalogue up to Stripe's, or say what that would change."""
    is_dry = body is not None and body.dry_run
    changes = await (cashier.preview_prices() if is_dry else cashier.sync_prices())
    return _result(changes, is_dry=is_dry)


@router.get("/api/admin/prices", operation_id="list_all_prices", responses=refusals(401, 403))
async def list_all_prices(_: CurrentOperator, tx: InTransaction) -> AllPrices:
    """Every price, and why some cannot be bought."""
    rows = await catalogue.entries(tx)
    return AllPrices(prices=[PriceInFull.model_validate(row) for row in rows])


@router.post(
    "/api/admin/prices/seed",
    operation_id="seed_prices",
    responses=refusals(401, 403, 502, 503),
)
async def seed_prices(_: CurrentOperator, cashier: AtCashier) -> Seeded:
    """Make at Stripe what the standard catalogue has and Stripe has not, and sync."""
    made = await cashier.seed_prices()
    await cashier.sync_prices()
    return Seeded(made=made)


def _price(entry: Entry) -> PriceView:
    dollars = entry.amount_cents / 100
    return PriceView(
        price_id=entry.price_id,
        name=entry.name,
        description=entry.description,
        kind=entry.kind,
        credits=entry.credits,
        amount_cents=entry.amount_cents,
        currency=entry.currency,
        interval=entry.interval,
        grant_interval="month" if entry.grant_count > 1 else entry.interval,
        rollover=entry.rollover if entry.interval else None,
        badge=entry.badge,
        credits_per_dollar=round(entry.total / dollars, 2) if dollars else None,
    )


def _result(changes: Changes, *, is_dry: bool) -> SyncResult:
    return SyncResult(
        dry_run=is_dry,
        added=[_change(item) for item in changes.added],
        changed=[_change(item) for item in changes.changed],
        deactivated=[_change(item) for item in changes.deactivated],
        unchanged=changes.unchanged,
        skipped=[
            SkippedProduct(
                product_id=item.product_id, name=item.name, reason=item.reason or "not known"
            )
            for item in changes.skipped
        ],
    )


def _change(change: Change) -> PriceChange:
    entry = change.entry
    return PriceChange(price_id=entry.price_id, name=entry.name, fields=dict(change.fields))
