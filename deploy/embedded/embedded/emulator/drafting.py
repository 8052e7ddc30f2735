"""How an invoice is put together: its lines, what waited to be invoiced, discounts, and the customer's balance."""

from collections.abc import Sequence
from typing import Any

from embedded.emulator.coupons import even_deleted
from embedded.emulator.invoice_lines import add_up, of_pending, waiting
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden


def draft(
    tx: Tx,
    customer: str,
    subscription: Body | None,
    reason: str,
    lines: Sequence[Body],
    **fields: Any,
) -> Body:
    """Make a draft of these lines and of all that waits to be invoiced."""
    invoice = prepared(tx, customer, subscription, reason, lines, **fields)
    pending = waiting(tx, customer, subscription["id"] if subscription else None)
    tx.add(invoice, "invoice.created")
    for one in pending:
        tx.change(one, invoice=invoice["id"])
    if subscription is not None:
        left = [one for one in subscription["discounts"] if not _is_used_up(tx, invoice, one)]
        tx.change(subscription, latest_invoice=invoice["id"], discounts=left)
    return invoice


def prepared(
    tx: Tx,
    customer: str,
    subscription: Body | None,
    reason: str,
    lines: Sequence[Body],
    **fields: Any,
) -> Body:
    """Return an invoice that nobody has seen yet."""
    owner = tx.the("customer", customer)
    times = {"period_start": tx.now, "period_end": tx.now}
    invoice = tx.new("invoice", "in", **{**times, **fields})
    invoice |= {
        "billing_reason": reason,
        "customer": customer,
        "customer_address": owner["address"],
        "customer_email": owner["email"],
        "customer_name": owner["name"],
        "customer_phone": owner["phone"],
        "customer_shipping": owner["shipping"],
        "customer_tax_exempt": owner["tax_exempt"],
        "starting_balance": owner["balance"],
    }
    if subscription is not None:
        _belong(invoice, subscription)
    pending = waiting(tx, customer, subscription["id"] if subscription else None)
    whole = [of_pending(tx, one) for one in pending] + list(lines)
    add_up(tx, invoice, whole, _discounts(tx, subscription))
    _apply_balance(invoice)
    return invoice


def _belong(invoice: Body, subscription: Body) -> None:
    hidden(invoice)["subscription"] = subscription["id"]
    details = {"metadata": subscription["metadata"], "subscription": subscription["id"]}
    invoice |= {
        "currency": subscription["currency"],
        "parent": {
            "quote_details": None,
            "subscription_details": details,
            "type": "subscription_details",
        },
        "default_payment_method": None,
        "description": subscription["description"],
    }
    if subscription["automatic_tax"]["enabled"]:
        tax = {
            "enabled": True,
            "liability": {"type": "self"},
            "provider": "stripe",
            "status": "complete",
        }
        invoice["automatic_tax"] = {"disabled_reason": None, **tax}


def _discounts(tx: Tx, subscription: Body | None) -> list[Body]:
    """Return the discounts that count for the next invoice of a subscription."""
    if subscription is None:
        return []
    found = [tx.known("discount", wanted) for wanted in subscription["discounts"]]
    return [one for one in found if one is not None and (one["end"] is None or one["end"] > tx.now)]


def _is_used_up(tx: Tx, invoice: Body, discount_id: str) -> bool:
    """Tell whether a discount was for one invoice, and that is this one."""
    taken = sum(
        off["amount"] for off in invoice["total_discount_amounts"] if off["discount"] == discount_id
    )
    coupon = even_deleted(tx, tx.the("discount", discount_id)["source"]["coupon"])
    return bool(taken) and str(coupon["duration"]) == "once"


def _apply_balance(invoice: Body) -> None:
    due = max(0, invoice["total"] + invoice["starting_balance"])
    invoice |= {"amount_due": due, "amount_remaining": due}
