"""What a Checkout Session is worth in credits, as far as our own rows tell."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from billing.catalogue import Entry, entries
from billing.models import Checkout, PaymentLink
from billing.shapes import CheckoutSession
from shared import ids
from shared.db import Tx
from shared.sql import among

CHECKOUT_ID = "checkout_id"
PREFIX = "checkout"


@dataclass(frozen=True, slots=True)
class Worth:
    """The credits that a session buys, the price that says so, and for whom, if we opened it."""

    credits: int
    price_id: str | None = None
    user_id: UUID | None = None
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Sold:
    """What line items are worth, and what they cost before discounts and taxes."""

    worth: Worth
    cents: int


def items_of(session: CheckoutSession) -> list[tuple[str | None, int]]:
    """Return the prices and quantities that a fetched session sells."""
    found = session.line_items.data if session.line_items else []
    return [(item.price.id if item.price else None, item.quantity or 0) for item in found]


def of_items(items: Sequence[tuple[str | None, int]], by_price: Mapping[str, Entry]) -> Sold | None:
    """Return what prices and their quantities are worth; None where one of them is not in the catalogue."""
    found = [(by_price.get(price_id or ""), quantity) for price_id, quantity in items]
    known = [(entry, quantity) for entry, quantity in found if entry and entry.flaw is None]
    if not items or len(known) < len(items):
        return None
    worth = Worth(sum(entry.total * quantity for entry, quantity in known), known[0][0].price_id)
    return Sold(worth, sum(entry.amount_cents * quantity for entry, quantity in known))


async def worths(tx: Tx, sessions: Collection[CheckoutSession]) -> dict[str, Worth]:
    """Return what sessions are worth that we opened, that say what they sell, or that a link we know made; by their ids."""
    known = await _opened(tx, sessions)
    itemized = [item for item in sessions if item.id not in known and item.line_items is not None]
    if itemized:
        known |= await _itemized(tx, itemized)
    linked = [item for item in sessions if item.id not in known and item.payment_link is not None]
    return known | await _linked(tx, linked) if linked else known


def checkout_of(session: CheckoutSession) -> UUID | None:
    """Return the row of ours that a session says it was opened by."""
    return ids.read(PREFIX, session.metadata.get(CHECKOUT_ID, ""))


async def _opened(tx: Tx, sessions: Collection[CheckoutSession]) -> dict[str, Worth]:
    """Return the worth of those that we opened: that of their price at that time."""
    claims = {item.id: checkout_of(item) for item in sessions}
    wanted = {row_id for row_id in claims.values() if row_id is not None}
    if not wanted:
        return {}
    rows = {
        row.id: row for row in await tx.scalars(select(Checkout).where(among(Checkout.id, wanted)))
    }
    found = {session_id: rows.get(row_id) for session_id, row_id in claims.items() if row_id}
    return {
        session_id: Worth(row.credits, row.price_id, row.user_id, is_ours=True)
        for session_id, row in found.items()
        if row is not None and row.stripe_checkout_session_id in (None, session_id)
    }


async def _itemized(tx: Tx, sessions: Collection[CheckoutSession]) -> dict[str, Worth]:
    """Return the worth of those that were fetched with what they sell."""
    items = {session.id: items_of(session) for session in sessions}
    prices = {price_id for parts in items.values() for price_id, _ in parts if price_id}
    by_price = {item.price_id: item for item in await entries(tx, prices)} if prices else {}
    sold = {session_id: of_items(parts, by_price) for session_id, parts in items.items()}
    return {session_id: found.worth for session_id, found in sold.items() if found is not None}


async def _linked(tx: Tx, sessions: Collection[CheckoutSession]) -> dict[str, Worth]:
    """Return the worth of those whose payment link sells exactly what they cost.

    A payer may have been let choose another quantity: then Stripe is asked.
    """
    links = among(PaymentLink.id, {item.payment_link for item in sessions})
    items = {link.id: link.items for link in await tx.scalars(select(PaymentLink).where(links))}
    prices = {part["price"] for parts in items.values() for part in parts or ()}
    by_price = {item.price_id: item for item in await entries(tx, prices)} if prices else {}
    found = {}
    for session in sessions:
        parts = items.get(session.payment_link or "") or ()
        sold = of_items([(part["price"], part["quantity"]) for part in parts], by_price)
        if sold is not None and sold.cents == session.amount_subtotal:
            found[session.id] = sold.worth
    return found
