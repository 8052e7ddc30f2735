"""What events say of products, prices and payment links: of two, the later counts, in whichever order they come."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar

from sqlalchemy import TextClause, update

from billing import chores, shapes
from billing.catalogue import terms
from billing.models import PaymentLink, Price, Product
from billing.models.base import Base
from shared.db import Tx
from shared.sql import among, as_rows, insert_all

ShapeT = TypeVar("ShapeT", bound=shapes.Shape)

NEVER_HEARD: Final = {"heard_at": datetime(1970, 1, 1, tzinfo=UTC), "heard_id": ""}
HEARD: Final = tuple(NEVER_HEARD)


@dataclass(frozen=True, slots=True)
class Heard(Generic[ShapeT]):
    """What an event says of an object, and when that was."""

    object: ShapeT
    at: datetime
    event_id: str


def columns_of(model: type[Base]) -> tuple[str, ...]:
    """Return the names of a table's columns."""
    return tuple(column.key for column in model.__table__.columns)


def _upsert(model: type[Base], *kept: str, where: str = "") -> TextClause:
    """Return the statement that writes rows by their ids, of those that are there all but the kept columns."""
    columns = columns_of(model)
    changed = ", ".join(
        f"{name} = excluded.{name}" for name in columns if name != "id" and name not in kept
    )
    tail = f"ORDER BY id ON CONFLICT (id) DO UPDATE SET {changed} {where}"
    return insert_all(model, *columns, tail=tail)


def _later(model: type[Base], *kept: str) -> TextClause:
    table = model.__tablename__
    order = "({0}.heard_at, {0}.heard_id)"
    return _upsert(model, *kept, where=f"WHERE {order.format(table)} <= {order.format('excluded')}")


HEAR: Final[Mapping[type[Base], TextClause]] = {
    Product: _later(Product),
    Price: _later(Price),
    PaymentLink: _later(PaymentLink, "items"),
}
FETCHED: Final[Mapping[type[Base], TextClause]] = {
    model: _upsert(model, *HEARD) for model in (Product, Price, PaymentLink)
}


async def hear_products(tx: Tx, heard: Collection[Heard[shapes.Product]]) -> None:
    """Note what events say of products."""
    await _hear(tx, Product, heard, terms.read)


async def hear_prices(tx: Tx, heard: Collection[Heard[shapes.Price]]) -> None:
    """Note what events say of prices."""
    await _hear(tx, Price, heard, price_row)


async def hear_links(tx: Tx, heard: Collection[Heard[shapes.PaymentLink]]) -> None:
    """Note what events say of payment links; what they sell is asked of Stripe."""
    await _hear(tx, PaymentLink, heard, link_row)


async def remove(tx: Tx, model: type[Product] | type[Price], ids: Collection[str]) -> None:
    """Sell no more what was deleted at Stripe."""
    await tx.execute(update(model).where(among(model.id, ids)).values(is_active=False))


async def fetched(tx: Tx, model: type[Base], rows: Collection[Mapping[str, Any]]) -> None:
    """Write rows as Stripe has them now."""
    if rows:
        await tx.execute(FETCHED[model], as_rows({**row, **NEVER_HEARD} for row in rows))


def price_row(price: shapes.Price) -> dict[str, Any]:
    """Return a price's columns."""
    return {
        "id": price.id,
        "product_id": price.product_id,
        "lookup_key": price.lookup_key,
        "amount_cents": price.unit_amount,
        "currency": price.currency,
        "interval": _interval(price.recurring),
        "is_active": price.active,
    }


def link_row(link: shapes.PaymentLink) -> dict[str, Any]:
    """Return a payment link's columns; `items` are None where they were not asked for."""
    found = link.line_items
    is_whole = found is not None and not found.has_more
    return {
        "id": link.id,
        "is_active": link.active,
        "items": [_item(item) for item in found.data] if found and is_whole else None,
    }


def _item(item: shapes.LineItem) -> dict[str, Any]:
    return {"price": item.price.id if item.price else None, "quantity": item.quantity or 0}


def _interval(recurring: shapes.Recurring | None) -> str | None:
    """Return what a price is charged by; every other month is not `month`."""
    if recurring is None:
        return None
    count = recurring.interval_count
    return recurring.interval if count == 1 else f"{count} {recurring.interval}s"


async def _hear(
    tx: Tx,
    model: type[Base],
    heard: Collection[Heard[ShapeT]],
    row: Callable[[ShapeT], dict[str, Any]],
) -> None:
    """Write the latest that was heard of each, and have all of the catalogue compared soon."""
    rows = [{**row(item.object), "heard_at": item.at, "heard_id": item.event_id} for item in heard]
    await tx.execute(HEAR[model], as_rows(_latest(rows)))
    await chores.hasten(tx, chores.SYNC_PRICES)


def _latest(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    latest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["heard_at"], row["heard_id"])):
        latest[row["id"]] = row
    return latest.values()
