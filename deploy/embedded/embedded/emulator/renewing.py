"""What time does to subscriptions: they renew, trials end, and what was cancelled is over."""

from embedded.emulator import drafting, invoices, methods, standing
from embedded.emulator.invoice_lines import of_draft
from embedded.emulator.periods import next_boundary
from embedded.emulator.store import Body
from embedded.emulator.subscribing import expect
from embedded.emulator.tx import Tx, difference, hidden

CYCLE = "subscription_cycle"


def renew(tx: Tx, subscription_id: str) -> None:
    """Begin the next period and invoice it, or end what was to end with the last one."""
    subscription = tx.known("subscription", subscription_id)
    if subscription is None or subscription["status"] in (*standing.OVER, "incomplete", "paused"):
        return
    if subscription["cancel_at_period_end"]:
        reason = subscription["cancellation_details"]["reason"] or "cancellation_requested"
        standing.end(tx, subscription, reason)
        return
    item = next(iter(tx.all("subscription_item", subscription=subscription_id)))
    before = tx.view(subscription)
    begin_period(tx, subscription, item["current_period_end"])
    _invoice(tx, subscription, item["current_period_start"])
    tell(tx, subscription, before)


def begin_period(tx: Tx, subscription: Body, start: int, **fields: object) -> None:
    """Let every item begin a period; where a change waited for it, it counts from now on."""
    waiting = hidden(subscription).pop("prices", {})
    found = tx.all("subscription_item", subscription=subscription["id"])
    for item in found:
        item["price"] = waiting.get(item["id"], item["price"])
        recurring = tx.the("price", item["price"])["recurring"]
        end = next_boundary(subscription["billing_cycle_anchor"], recurring, start)
        item |= {"current_period_start": start, "current_period_end": end}
        tx.keep(item)
    subscription |= fields
    tx.keep(subscription)
    expect(tx, subscription, found[0]["current_period_end"])


def tell(tx: Tx, subscription: Body, before: Body) -> None:
    """Say what has changed of a subscription since it was seen."""
    after = tx.view(subscription)
    previous = difference(before, after)
    if previous:
        tx.emit(standing.UPDATED, after, previous)


def _invoice(tx: Tx, subscription: Body, last_start: int) -> None:
    item = next(iter(tx.all("subscription_item", subscription=subscription["id"])))
    period = (item["current_period_start"], item["current_period_end"])
    lines = of_draft(tx, subscription, period)
    times = {"period_start": last_start, "period_end": period[0]}
    is_unpaid = subscription["status"] == "unpaid"
    invoice = drafting.draft(
        tx,
        subscription["customer"],
        subscription,
        CYCLE,
        lines,
        auto_advance=not is_unpaid,
        automatically_finalizes_at=None if is_unpaid else tx.now + invoices.DRAFT_S,
        **times,
    )
    if not is_unpaid:
        tx.schedule(tx.now + invoices.DRAFT_S, "finalize_invoice", invoice["id"])


def end_trial(tx: Tx, subscription_id: str) -> None:
    """Begin the first period that costs something, or what shall happen instead where nothing pays for it."""
    subscription = tx.known("subscription", subscription_id)
    if subscription is None or subscription["status"] != "trialing":
        return
    if subscription["cancel_at_period_end"]:
        standing.end(tx, subscription, "cancellation_requested")
        return
    instead = subscription["trial_settings"]["end_behavior"]["missing_payment_method"]
    if methods.of(tx, subscription["customer"], subscription) is None and instead in INSTEAD:
        INSTEAD[instead](tx, subscription)
        return
    before = tx.view(subscription)
    begin_period(tx, subscription, tx.now, status="active", billing_cycle_anchor=tx.now)
    _invoice(tx, subscription, subscription["trial_start"])
    tell(tx, subscription, before)


def _cancel_unpaid(tx: Tx, subscription: Body) -> None:
    standing.end(tx, subscription, "payment_failed")


def _pause(tx: Tx, subscription: Body) -> None:
    kind = {"type": "trial_end_without_payment_method"}
    paused = {"subscription": kind, "transitioned_at": tx.now, "type": "subscription"}
    tx.change(subscription, standing.UPDATED, status="paused", status_details={"paused": paused})
    tx.emit("customer.subscription.paused", tx.view(subscription))


def warn(tx: Tx, subscription_id: str) -> None:
    """Say that a trial ends in three days."""
    subscription = tx.known("subscription", subscription_id)
    if subscription is not None and subscription["status"] == "trialing":
        tx.emit("customer.subscription.trial_will_end", tx.view(subscription))


def tell_upcoming(tx: Tx, subscription_id: str) -> None:
    """Say what the next invoice will be."""
    subscription = tx.known("subscription", subscription_id)
    if subscription is None or subscription["status"] not in ("active", "past_due"):
        return
    if not subscription["cancel_at_period_end"]:
        tx.emit("invoice.upcoming", tx.view(upcoming(tx, subscription)))


def upcoming(tx: Tx, subscription: Body) -> Body:
    """Return the invoice that the next renewal will make; it is not kept."""
    item = next(iter(tx.all("subscription_item", subscription=subscription["id"])))
    start = item["current_period_end"]
    recurring = tx.the("price", item["price"])["recurring"]
    end = next_boundary(subscription["billing_cycle_anchor"], recurring, start)
    times = {"period_start": item["current_period_start"], "period_end": start}
    lines = of_draft(tx, subscription, (start, end))
    customer = subscription["customer"]
    invoice = drafting.prepared(tx, customer, subscription, CYCLE, lines, **times)
    return {
        **invoice,
        "id": f"upcoming_{invoice['id']}",
        "next_payment_attempt": start + invoices.DRAFT_S,
    }


def cancel(tx: Tx, subscription_id: str) -> None:
    """End a subscription at the moment that was set for it."""
    subscription = tx.known("subscription", subscription_id)
    if subscription is not None and subscription["cancel_at"] is not None:
        standing.end(tx, subscription, "cancellation_requested")


def end(tx: Tx, subscription_id: str) -> None:
    """End a subscription now."""
    subscription = tx.known("subscription", subscription_id)
    if subscription is not None:
        standing.end(tx, subscription, "cancellation_requested")


INSTEAD = {"cancel": _cancel_unpaid, "pause": _pause}
JOBS = {
    "renew": renew,
    "end_trial": end_trial,
    "trial_will_end": warn,
    "tell_upcoming": tell_upcoming,
    "cancel_subscription": cancel,
    "end_subscription": end,
}
