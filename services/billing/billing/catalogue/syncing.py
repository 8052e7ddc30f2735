"""The whole catalogue compared with Stripe's, field by field, and brought up to it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from sqlalchemy import select

from billing import shapes
from billing.catalogue import terms
from billing.catalogue.entries import Entry, entries
from billing.catalogue.hearing import fetched, link_row, price_row, remove
from billing.gateway import Gateway, Odd, nobody_hears
from billing.models import PaymentLink, Price, Product
from shared.db import Tx


@dataclass(frozen=True, slots=True)
class Fetched:
    """What Stripe has; `is_whole` where all of it could be read."""

    products: Sequence[shapes.Product]
    prices: Sequence[shapes.Price]
    links: Sequence[shapes.PaymentLink]
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A price that differs, and in what: what was, what is."""

    entry: Entry
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A product, or a price of one, that cannot be bought, and why."""

    product_id: str
    name: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """How the catalogue differs from Stripe's; `skipped` are products that cannot be bought, and why."""

    added: list[Change] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    deactivated: list[Change] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


async def fetch(gateway: Gateway, *, differs: Odd = nobody_hears) -> Fetched:
    """Return Stripe's catalogue; `differs` is told of what cannot be read of it."""
    unread: list[str] = []

    def odd(sentence: str) -> None:
        unread.append(sentence)
        differs(sentence)

    return Fetched(
        products=[item async for item in gateway.every(shapes.Product, odd=odd)],
        prices=[item async for item in gateway.every(shapes.Price, odd=odd)],
        links=[item async for item in gateway.every(shapes.PaymentLink, odd=odd)],
        is_whole=not unread,
    )


async def preview(tx: Tx, found: Fetched) -> Changes:
    """Return what `write` would change."""
    try:
        async with tx.savepoint():
            _undo(await write(tx, found))
    except _Undone as undone:
        return undone.changes


async def write(tx: Tx, found: Fetched) -> Changes:
    """Bring the catalogue up to what Stripe has; what Stripe has not is sold no more. Return what changed."""
    before = {item.price_id: item for item in await entries(tx)}
    await learn(tx, found.products, found.prices)
    await fetched(tx, PaymentLink, [link_row(link) for link in found.links])
    if found.is_whole:  # what cannot be read is there all the same, and is sold as it was
        await _remove_others(tx, Product, {product.id for product in found.products})
        await _remove_others(tx, Price, {price.id for price in found.prices})
    after = {item.price_id: item for item in await entries(tx)}
    return _changes(before, after, await _skipped(tx))


async def learn(tx: Tx, products: Sequence[shapes.Product], prices: Sequence[shapes.Price]) -> None:
    """Write products and prices as Stripe has them now."""
    await fetched(tx, Product, [terms.read(product) for product in products])
    await fetched(tx, Price, [price_row(price) for price in prices])


class _Undone(Exception):
    """What was tried is taken back."""

    def __init__(self, changes: Changes) -> None:
        super().__init__()
        self.changes = changes


def _undo(changes: Changes) -> NoReturn:
    raise _Undone(changes)


async def _remove_others(
    tx: Tx, model: type[Product] | type[Price], there: Collection[str]
) -> None:
    active = select(model.id).where(model.is_active)
    gone = [item for item in await tx.scalars(active) if item not in there]
    if gone:
        await remove(tx, model, gone)


async def _skipped(tx: Tx) -> list[Skipped]:
    """Return the products that are active and cannot be bought."""
    flawed = select(Product.id, Product.name, Product.flaw).where(
        Product.is_active, Product.flaw.is_not(None)
    )
    rows = await tx.execute(flawed.order_by(Product.id))
    products = [Skipped(row.id, row.name, row.flaw) for row in rows]
    named = {item.product_id for item in products}
    prices = [
        Skipped(item.product_id, item.name, item.flaw)
        for item in await entries(tx)
        if item.is_active and item.flaw is not None and item.product_id not in named
    ]
    return [*products, *prices]


def _changes(
    before: Mapping[str, Entry], after: Mapping[str, Entry], skipped: list[Skipped]
) -> Changes:
    changes = Changes(skipped=skipped)
    for price_id, entry in after.items():
        fields = _difference(before[price_id], entry) if price_id in before else {}
        if price_id not in before:
            changes.added.append(Change(entry))
        elif "is_active" in fields and not entry.is_active:
            changes.deactivated.append(Change(entry, fields))
        elif fields:
            changes.changed.append(Change(entry, fields))
        else:
            changes.unchanged.append(price_id)
    return changes


def _difference(before: Entry, after: Entry) -> dict[str, tuple[Any, Any]]:
    old, new = asdict(before), asdict(after)
    return {name: (old[name], new[name]) for name in old if old[name] != new[name]}
