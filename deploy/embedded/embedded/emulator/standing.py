"""How a subscription stands: in force, behind with a payment, or over."""

from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

UPDATED = "customer.subscription.updated"
OVER = ("canceled", "incomplete_expired")
JOBS_OF_ONE = (
    "renew",
    "end_trial",
    "trial_will_end",
    "cancel_subscription",
    "expire_incomplete",
    "tell_upcoming",
)


def in_force(tx: Tx, subscription: Body) -> None:
    """Let a subscription be in force, now that what it owed is paid or under way."""
    tx.unschedule("expire_incomplete", subscription["id"])
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        tx.change(subscription, UPDATED, status="active")


def behind(tx: Tx, subscription: Body) -> None:
    """Say that a payment for a subscription in force has failed."""
    if subscription["status"] == "active":
        tx.change(subscription, UPDATED, status="past_due")


def end(tx: Tx, subscription: Body, reason: str) -> Body:
    """End a subscription now; what it was still to do is forgotten, and open invoices are asked for no more."""
    if subscription["status"] in OVER:
        return subscription
    for job in JOBS_OF_ONE:
        tx.unschedule(job, subscription["id"])
    for invoice in tx.all("invoice", customer=subscription["customer"], status=["draft", "open"]):
        if hidden(invoice).get("subscription") == subscription["id"]:
            tx.unschedule("finalize_invoice", invoice["id"])
            tx.unschedule("retry_invoice", invoice["id"])
            tx.change(invoice, "invoice.updated", auto_advance=False, next_payment_attempt=None)
    details = {**subscription["cancellation_details"], "reason": reason}
    tx.change(
        subscription,
        status="canceled",
        canceled_at=subscription["canceled_at"] or tx.now,
        cancellation_details=details,
        ended_at=tx.now,
    )
    tx.emit("customer.subscription.deleted", tx.view(subscription))
    return subscription


def delinquent(tx: Tx, customer_id: str) -> None:
    """See whether a customer owes something, and say so where that has changed."""
    customer = tx.known("customer", customer_id)
    if customer is None or customer.get("deleted"):
        return
    owes = any(
        invoice["attempted"]
        and invoice["status"] == "open"
        and not hidden(invoice).get("under_way")
        for invoice in tx.all("invoice", customer=customer_id, status="open")
    )
    tx.change(customer, "customer.updated", delinquent=owes)
