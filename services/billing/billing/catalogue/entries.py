"""What can be bought: prices together with what their products are worth."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from billing.models import Price, Product
from shared.db import Tx
from shared.errors import Conflict, NotFound
from shared.sql import among

GRANTS_A_YEAR: Final = 12
PER_CENT: Final = "per_cent"
"""The kind of product whose prices buy a credit a cent."""


class PriceNotActive(Conflict):
    """The price is not sold any more."""

    code = "price_inactive"


@dataclass(frozen=True, slots=True)
class Entry:
    """A price and what it buys: `credits` a grant; `flaw` is why it cannot be bought."""

    price_id: str
    product_id: str
    lookup_key: str | None
    name: str
    description: str
    kind: str
    credits: int
    amount_cents: int
    currency: str
    interval: str | None
    grant_interval: str | None
    rollover: str
    badge: str | None
    display_order: int
    is_active: bool
    flaw: str | None

    @property
    def grant_count(self) -> int:
        """How many grants one payment of it brings: a year's plan may be granted by the month."""
        by_the_month = self.interval == "year" and self.grant_interval == "month"
        return GRANTS_A_YEAR if by_the_month else 1

    @property
    def total(self) -> int:
        """All credits that one payment of it brings."""
        return self.credits * self.grant_count


async def entries(tx: Tx, prices: Collection[str] | None = None) -> list[Entry]:
    """Return these prices (or all) with their products, in the order they are shown."""
    statement = select(Price, Product).join(Product, Product.id == Price.product_id)
    if prices is not None:
        statement = statement.where(among(Price.id, prices))
    fresh = statement.execution_options(populate_existing=True)
    rows = [(row.Price, row.Product) for row in await tx.execute(fresh)]
    found = [_entry(price, product) for price, product in rows]
    return sorted(found, key=lambda item: (item.display_order, item.amount_cents, item.price_id))


async def listed(tx: Tx) -> list[Entry]:
    """Return what everybody is offered: packs and plans."""
    is_shown = ("pack", "plan")
    return [
        item
        for item in await entries(tx)
        if item.is_active and item.flaw is None and item.kind in is_shown
    ]


async def buyable(tx: Tx, price_id: str) -> Entry:
    """Return a price that can be bought; raise NotFound or PriceNotActive."""
    found = await entries(tx, [price_id])
    if not found:
        message = "There is no such price."
        raise NotFound(message)
    if not found[0].is_active or found[0].flaw is not None:
        raise PriceNotActive
    return found[0]


def _entry(price: Price, product: Product) -> Entry:
    return Entry(
        price_id=price.id,
        product_id=product.id,
        lookup_key=price.lookup_key,
        name=product.name,
        description=product.description,
        kind=product.kind,
        credits=product.credits if product.kind != PER_CENT else price.amount_cents or 0,
        amount_cents=price.amount_cents or 0,
        currency=price.currency,
        interval=price.interval,
        grant_interval=product.grant_interval,
        rollover=product.rollover,
        badge=product.badge,
        display_order=product.display_order,
        is_active=price.is_active and product.is_active,
        flaw=product.flaw or _flaw(price, product),
    )


def _flaw(price: Price, product: Product) -> str | None:
    """Return why a price does not fit its product, None where it does."""
    if price.amount_cents is None:
        return "its price has no amount"
    if product.kind == "plan" and price.interval not in ("month", "year"):
        return "a plan needs a price by the month or the year"
    if product.kind != "plan" and price.interval is not None:
        return "only a plan has a price that is charged again"
    return None
