"""Purchases: a row before Stripe is asked for a page to pay on, so that who asks twice is sent to one page.

A signed-in user has one open page for a price; a guest's requests are told apart by their Idempotency-Key.
"""

import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, delete, select, update

from billing import catalogue, standing
from billing.gateway import CheckoutOrder
from billing.models import Checkout, CheckoutRequest
from billing.shapes import CheckoutSession
from billing.worth import CHECKOUT_ID, PREFIX
from shared import ids
from shared.db import Tx
from shared.errors import Conflict

# As long as Stripe keeps a page open, and the key that it was asked for with.
OPEN_FOR: Final = timedelta(hours=24)
LEFT_MIN: Final = timedelta(minutes=30)
LEASE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who buys: a user, or a guest with the address they gave; and the key of their request, if it has one."""

    user_id: UUID | None
    email: str | None
    request_key: str | None = None
    request_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How pages are made that sell."""

    allows_promotion_codes: bool
    collects_tax: bool


async def begin(tx: Tx, buyer: Buyer, price_id: str) -> Checkout:
    """Return the page's row: the one that is open, or that was asked for with this key, or a new one."""
    before = await _asked_before(tx, buyer)
    if before is not None:
        return before
    entry = await catalogue.buyable(tx, price_id)
    is_plan = entry.interval is not None
    if buyer.user_id is not None:
        if is_plan:
            await standing.require_none(tx, buyer.user_id)
        await _close_stale(tx, buyer.user_id, price_id)
        await _close_other_plans(tx, buyer.user_id, price_id) if is_plan else None
    now, checkout_id = await tx.now(), tx.new_id()
    if not await _remember(tx, buyer, checkout_id):
        found = await _asked_before(tx, buyer)
        assert found is not None, "who has the key made the row"
        return found
    values = {
        "id": checkout_id,
        "user_id": buyer.user_id,
        "email": buyer.email,
        "price_id": price_id,
        "credits": entry.total if not is_plan else entry.credits,
        "mode": "subscription" if is_plan else "payment",
        "is_open": True,
        "status": "open",
        "payment_status": "unpaid",
        "created_at": now,
        "expires_at": now + OPEN_FOR,
    }
    if await tx.insert_once(Checkout, **values):
        return await _there(tx, select(Checkout).where(Checkout.id == checkout_id))
    theirs = select(Checkout).where(Checkout.user_id == buyer.user_id, Checkout.is_open)
    found = await _there(tx, theirs.where(Checkout.price_id == price_id))
    joined = update(CheckoutRequest).where(CheckoutRequest.checkout_id == checkout_id)
    await tx.execute(joined.values(checkout_id=found.id))
    return found


def order_of(row: Checkout, customer_id: str | None, terms: Terms) -> CheckoutOrder:
    """Return what Stripe is asked for, the same for the same row however often."""
    user = ids.public("usr", row.user_id) if row.user_id else None
    metadata = {CHECKOUT_ID: ids.public(PREFIX, row.id), "price_id": row.price_id or ""}
    return CheckoutOrder(
        key=row.id,
        mode="subscription" if row.mode == "subscription" else "payment",
        price_id=row.price_id or "",
        customer_id=customer_id,
        email=row.email if customer_id is None else None,
        reference=user,
        metadata=metadata | ({"user_id": user} if user else {}),
        allows_promotion_codes=terms.allows_promotion_codes,
        collects_tax=terms.collects_tax,
    )


async def opened(tx: Tx, checkout_id: UUID, session: CheckoutSession) -> None:
    """Note the page that Stripe made."""
    row = await tx.lock(Checkout, checkout_id)
    assert row is not None, "it was there before Stripe was asked"
    row.stripe_checkout_session_id, row.url = session.id, session.url


async def abandon(tx: Tx, checkout_id: UUID) -> None:
    """Let a page be that Stripe declined to make: who asks again gets another."""
    row = await tx.lock(Checkout, checkout_id)
    assert row is not None, "it was there before Stripe was asked"
    row.is_open, row.status = False, "expired"
    await tx.execute(delete(CheckoutRequest).where(CheckoutRequest.checkout_id == checkout_id))


async def lease_ending(tx: Tx) -> str | None:
    """Return a page that shall take no payment any more; others leave it alone for a while."""
    now = await tx.now()
    due = select(Checkout).where(
        Checkout.end_at <= now, Checkout.stripe_checkout_session_id.is_not(None)
    )
    row = await tx.scalar(due.limit(1).with_for_update(skip_locked=True))
    if row is None:
        return None
    row.end_at = now + timedelta(seconds=LEASE_S)
    return row.stripe_checkout_session_id


async def ended(tx: Tx, session_id: str) -> None:
    """Note that a page is over, or that Stripe was told so."""
    theirs = update(Checkout).where(Checkout.stripe_checkout_session_id == session_id)
    await tx.execute(theirs.values(end_at=None))


async def _asked_before(tx: Tx, buyer: Buyer) -> Checkout | None:
    """Return the row of this request's key; raise Conflict where the key was used for something else."""
    if buyer.request_key is None or buyer.request_hash is None:
        return None
    asked = await tx.get(CheckoutRequest, buyer.request_key)
    if asked is None:
        return None
    if not hmac.compare_digest(asked.request_hash, buyer.request_hash):
        message = "This Idempotency-Key was used with another request."
        raise Conflict(message)
    return await tx.get(Checkout, asked.checkout_id)


async def _remember(tx: Tx, buyer: Buyer, checkout_id: UUID) -> bool:
    """Keep the request's key, if it has one, for this row; tell whether nobody else has it."""
    if buyer.request_key is None or buyer.request_hash is None:
        return True
    return await tx.insert_once(
        CheckoutRequest,
        request_key=buyer.request_key,
        request_hash=buyer.request_hash,
        checkout_id=checkout_id,
        created_at=await tx.now(),
    )


async def _close_stale(tx: Tx, user_id: UUID, price_id: str) -> None:
    """Close the open page of a price that Stripe is about to close; until then it would take a payment beside the next."""
    now = await tx.now()
    is_stale = Checkout.expires_at <= now + LEFT_MIN
    mine = update(Checkout).where(
        Checkout.user_id == user_id, Checkout.price_id == price_id, Checkout.is_open, is_stale
    )
    await tx.execute(mine.values(is_open=False, end_at=now))


async def _close_other_plans(tx: Tx, user_id: UUID, price_id: str) -> None:
    """Close the pages of other plans: nobody shall subscribe twice from two tabs."""
    others = update(Checkout).where(
        Checkout.user_id == user_id,
        Checkout.mode == "subscription",
        Checkout.price_id != price_id,
        Checkout.is_open,
    )
    await tx.execute(others.values(is_open=False, end_at=await tx.now()))


async def _there(tx: Tx, which: Select[Checkout]) -> Checkout:
    row = await tx.scalar(which)
    assert row is not None, "it was inserted just now, here or at the same time"
    return row
