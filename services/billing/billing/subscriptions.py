"""Subscriptions: as Stripe last said they are, and what follows when one is not paid for, paid again, or over.

Events come in any order: what the latest said is shown, and Stripe is asked how it is. What cannot be taken back (a
mail, a pause, an end) follows from its answer alone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Executable, select, text

from billing.models import Customer, Payment, Subscription
from billing.said import LONG_AGO, Came, Said, in_order
from billing.shapes import Subscription as Plan
from shared import ids
from shared.db import Tx
from shared.sql import among, as_rows, insert_all

UNKNOWN: Final = "unknown"
LEASE_S: Final = 60
LOOK_AT: Final = insert_all(
    Subscription,
    *("id", "stripe_customer_id", "status", "cancel_at_period_end", "heard_at", "heard_id"),
    *("heard_count", "asked_count", "ask_at", "created_at"),
    tail="ORDER BY id ON CONFLICT (id) DO UPDATE SET heard_count = subscriptions.heard_count + 1,"
    " ask_at = least(subscriptions.ask_at, excluded.ask_at)",
)

ADOPT: Final = text("""
    UPDATE subscriptions AS s SET user_id = p.user_id FROM payments p
    WHERE s.user_id IS NULL AND p.stripe_subscription_id = s.id AND p.status = 'granted'
""")


@dataclass(frozen=True, slots=True)
class Question:
    """A subscription that Stripe is asked about, and how much had been heard of it then."""

    subscription_id: str
    heard_count: int


async def look_at(tx: Tx, customers: Mapping[str, str | None]) -> None:
    """Have Stripe asked how these subscriptions are (their customers by their ids)."""
    now = await tx.now()
    new = {"status": UNKNOWN, "cancel_at_period_end": False, "ask_at": now, "created_at": now}
    unheard = {"heard_at": LONG_AGO, "heard_id": "", "heard_count": 1, "asked_count": 0}
    rows = [
        {"id": subscription_id, "stripe_customer_id": customer, **new, **unheard}
        for subscription_id, customer in customers.items()
    ]
    if rows:
        await tx.execute(LOOK_AT, as_rows(rows))


async def apply(tx: Tx, said: Sequence[Said[Plan]]) -> list[Came]:
    """Note how subscriptions are by what was said, and have Stripe asked where that is news."""
    if not said:
        return []
    of_whom = {item.object.id: item.object.customer for item in said}
    known = await _locked(tx, list(of_whom))
    new = {item: customer for item, customer in of_whom.items() if item not in known}
    await look_at(tx, new)
    rows = known | await _locked(tx, list(new))
    came = {item: _note(rows[item.object.id], item) for item in in_order(said)}
    await _own(tx, rows, {item.object.id: item.object for item in said})
    await tx.flush()
    news = {item.object.id for item in said if came[item].is_news and item.object.id in known}
    await look_at(tx, {item: of_whom[item] for item in news})
    return [came[item] for item in said]


async def lease(tx: Tx, *, limit: int) -> list[Question]:
    """Return subscriptions that Stripe is to be asked about; others leave them alone for a while."""
    now = await tx.now()
    due = select(Subscription).where(Subscription.ask_at <= now).order_by(Subscription.ask_at)
    rows = await tx.scalars(due.limit(limit).with_for_update(skip_locked=True))
    for row in rows:
        row.ask_at = now + timedelta(seconds=LEASE_S)
    return [Question(row.id, row.heard_count) for row in rows]


async def answered(tx: Tx, question: Question, plan: Plan | None) -> Subscription | None:
    """Write down Stripe's answer, and return the subscription, locked, if there is anything to follow from it.

    Where Stripe knows nothing of it, what events said stands.
    """
    row = await tx.lock(Subscription, question.subscription_id)
    assert row is not None, "a subscription is never deleted"
    row.asked_count = question.heard_count
    row.ask_at = None if row.heard_count == row.asked_count else await tx.now()
    if plan is not None:
        _write(row, plan)
        await _own(tx, {row.id: row}, {row.id: plan})
    return row if row.status != UNKNOWN else None


async def adopt(tx: Tx) -> None:
    """Note whose subscriptions are that a guest began and paid: the account's that the payment went to."""
    await tx.execute(ADOPT)


async def _locked(tx: Tx, names: Collection[str]) -> dict[str, Subscription]:
    if not names:
        return {}
    statement = select(Subscription).where(among(Subscription.id, names)).order_by(Subscription.id)
    fresh = statement.with_for_update().execution_options(populate_existing=True)
    return {row.id: row for row in await tx.scalars(fresh)}


async def _own(tx: Tx, rows: Mapping[str, Subscription], plans: Mapping[str, Plan]) -> None:
    """Note whose subscriptions are that nobody's are yet: whom our checkout named, whose customer pays, who paid."""
    unowned = [row for row in rows.values() if row.user_id is None and row.id in plans]
    if not unowned:
        return
    customers = {row.stripe_customer_id for row in unowned}
    by_customer = await _users(
        tx,
        select(Customer.stripe_customer_id.label("name"), Customer.user_id).where(
            among(Customer.stripe_customer_id, customers)
        ),
    )
    theirs = among(Payment.stripe_subscription_id, [row.id for row in unowned])
    by_payment = await _users(
        tx,
        select(Payment.stripe_subscription_id.label("name"), Payment.user_id).where(
            theirs, Payment.status == "granted"
        ),
    )
    for row in unowned:
        row.user_id = (
            ids.read("usr", plans[row.id].metadata.get("user_id"))
            or by_payment.get(row.id)
            or by_customer.get(row.stripe_customer_id or "")
        )


async def _users(tx: Tx, pairs: Executable) -> dict[str, UUID]:
    return {row.name: row.user_id for row in await tx.execute(pairs)}


def _note(row: Subscription, item: Said[Plan]) -> Came:
    """Note what was said; of two events of one second nothing tells the later, so that Stripe is asked after both."""
    if not item.is_fetched and item.moment < (row.heard_at, row.heard_id):
        return Came(f"subscription {row.status} already", is_news=item.at == row.heard_at)
    if not item.is_fetched:
        row.heard_at, row.heard_id = item.moment
    is_news = _write(row, item.object) or not item.is_fetched
    return Came(f"subscription {row.status}", is_news=is_news)


def _write(row: Subscription, plan: Plan) -> bool:
    """Write down how a subscription is; tell whether that is new."""
    values = _values(plan)
    changed = {name for name, value in values.items() if getattr(row, name) != value}
    for name in changed:
        setattr(row, name, values[name])
    return bool(changed)


def _values(plan: Plan) -> dict[str, Any]:
    item = plan.items.data[0] if plan.items.data else None
    return {
        "stripe_customer_id": plan.customer,
        "status": plan.status,
        "price_id": item.price.id if item else None,
        "quantity": (item.quantity if item else None) or 1,
        "current_period_start": item.current_period_start if item else None,
        "current_period_end": item.current_period_end if item else None,
        "cancel_at_period_end": plan.cancel_at_period_end,
        "cancel_at": plan.cancel_at,
        "ended_at": plan.ended_at,
        "latest_invoice_id": plan.latest_invoice,
    }
