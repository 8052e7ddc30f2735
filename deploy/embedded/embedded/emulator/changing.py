"""Changes of a subscription in the middle of its period, and what is invoiced for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from embedded.emulator import drafting, invoices
from embedded.emulator.errors import StripeError
from embedded.emulator.invoice_lines import of_draft
from embedded.emulator.periods import boundary
from embedded.emulator.prorating import Position, credit, debit, position
from embedded.emulator.renewing import end_trial, tell
from embedded.emulator.store import Body
from embedded.emulator.subscribing import add_item, expect, refused
from embedded.emulator.tx import Tx, hidden

UPDATE = "subscription_update"
FIELDS = ("price", "quantity", "metadata")


def change_items(
    tx: Tx, subscription: Body, changes: Sequence[Body], given: Mapping[str, Any], before: Body
) -> None:
    """Change the items; credit and charge what is left of the period as the behaviour says."""
    behaviour = given.get("proration_behavior", "create_prorations")
    moment = given.get("proration_date") or tx.now
    old = {item["id"]: position(item) for item in _items(tx, subscription)}
    _check_moment(old, moment)
    for change in changes:
        _apply(tx, subscription, change)
    hidden(subscription).pop("prices", None)
    starts_anew = given.get("billing_cycle_anchor") == "now" or _interval_changed(
        tx, subscription, old
    )
    if starts_anew:
        _restart(tx, subscription)
    tx.keep(subscription)
    is_counted = behaviour != "none" and subscription["status"] in ("active", "past_due", "unpaid")
    if is_counted:
        _prorate(tx, subscription, old, moment, charges=not starts_anew)
    if starts_anew and subscription["status"] != "trialing":
        item = _items(tx, subscription)[0]
        period = (item["current_period_start"], item["current_period_end"])
        _invoice_now(tx, subscription, of_draft(tx, subscription, period), given, before)
    elif is_counted and behaviour == "always_invoice":
        _invoice_now(tx, subscription, [], given, before)
    else:
        tell(tx, subscription, before)


def end_trial_now(tx: Tx, subscription: Body, wanted: Any, before: Body) -> None:
    """Move the end of a trial, or end it now."""
    if subscription["status"] != "trialing":
        message = "This subscription is not in a trial."
        raise StripeError(message, param="trial_end")
    if wanted == "now":
        end_trial(tx, subscription["id"])
        subscription.update(tx.the("subscription", subscription["id"]))
        invoice = tx.the("invoice", subscription["latest_invoice"])
        if invoice["status"] == "draft":
            _finalize(tx, invoice)
        return
    if wanted <= tx.now:
        message = "The trial_end must be in the future."
        raise StripeError(message, param="trial_end")
    for item in _items(tx, subscription):
        tx.change(item, current_period_end=wanted)
    tx.change(subscription, trial_end=wanted, billing_cycle_anchor=wanted)
    expect(tx, subscription, wanted)
    tell(tx, subscription, before)


def _apply(tx: Tx, subscription: Body, change: Body) -> None:
    item, line = change["item"], change["line"]
    if item is None:
        first = _items(tx, subscription)[0]
        period = (first["current_period_start"], first["current_period_end"])
        add_item(tx, subscription, line, period)
    elif line is None:
        tx.remove(item)
    else:
        tx.change(item, **{name: line[name] for name in FIELDS})
    if not _items(tx, subscription):
        message = "A subscription must have at least one active plan. In order to cancel a subscription, please use the cancel API endpoint."
        raise StripeError(message, param="items")


def _prorate(
    tx: Tx, subscription: Body, old: Mapping[str, Position], moment: int, *, charges: bool
) -> None:
    """Credit each item that changed for the rest of its period, and charge what took its place."""
    now = {item["id"]: position(item) for item in _items(tx, subscription)}
    for item, was in old.items():
        new = now.get(item)
        if new is None or (new.price, new.quantity) != (was.price, was.quantity) or not charges:
            credit(tx, subscription, item, was, moment)
            if new is not None and charges:
                debit(tx, subscription, item, new, moment)
    for item in set(now) - set(old) if charges else ():
        debit(tx, subscription, item, now[item], moment)


def _invoice_now(
    tx: Tx, subscription: Body, lines: Sequence[Body], given: Mapping[str, Any], before: Body
) -> None:
    invoice = drafting.draft(tx, subscription["customer"], subscription, UPDATE, lines)
    tell(tx, subscription, before)
    status = _finalize(tx, invoice)
    if (
        given.get("payment_behavior") == "error_if_incomplete"
        and status == "requires_payment_method"
    ):
        raise refused(tx, invoice)


def _finalize(tx: Tx, invoice: Body) -> str:
    invoices.finalize(tx, invoice)
    return invoices.attempt(tx, invoice) if invoice["status"] == "open" else "succeeded"


def _restart(tx: Tx, subscription: Body) -> None:
    """Let a new period begin now."""
    recurring = tx.the("price", _items(tx, subscription)[0]["price"])["recurring"]
    end = boundary(tx.now, recurring, 1)
    for item in _items(tx, subscription):
        tx.change(item, current_period_start=tx.now, current_period_end=end)
    subscription["billing_cycle_anchor"] = tx.now
    if subscription["cancel_at_period_end"]:
        subscription["cancel_at"] = end
    expect(tx, subscription, end)


def _interval_changed(tx: Tx, subscription: Body, old: Mapping[str, Position]) -> bool:
    def interval(price: str) -> tuple[str, int]:
        recurring = tx.the("price", price)["recurring"]
        return recurring["interval"], recurring["interval_count"]

    now = {interval(item["price"]) for item in _items(tx, subscription)}
    if len(now) > 1:
        message = "All prices on a subscription must have the same `recurring.interval` and `recurring.interval_count`."
        raise StripeError(message, param="items")
    return now != {interval(was.price) for was in old.values()}


def _check_moment(old: Mapping[str, Position], moment: int) -> None:
    if any(not was.start <= moment <= was.end for was in old.values()):
        message = "The proration_date must be within the current period."
        raise StripeError(message, param="proration_date")


def _items(tx: Tx, subscription: Body) -> list[Body]:
    return tx.all("subscription_item", subscription=subscription["id"])
