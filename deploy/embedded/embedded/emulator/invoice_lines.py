"""The lines of invoices and what they come to."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from embedded.emulator import discounts, shapes
from embedded.emulator.catalogue import amount_of
from embedded.emulator.money import part, shown
from embedded.emulator.store import Body
from embedded.emulator.totals import tax_percent
from embedded.emulator.tx import Tx, hidden

Span = tuple[int, int]
EACH = {"day": "day", "week": "week", "month": "month", "year": "year"}


def of_item(tx: Tx, item: Body, period: Span, *, is_free: bool = False) -> Body:
    """Return the line of a subscription's item for a period; a trial costs nothing."""
    price = tx.the("price", item["price"])
    quantity = item["quantity"] or 1
    amount = 0 if is_free else amount_of(price, quantity)
    details = {
        "invoice_item": None,
        "proration": False,
        "proration_details": {"credited_items": None},
        "subscription": item["subscription"],
        "subscription_item": item["id"],
    }
    parent = {
        "invoice_item_details": None,
        "subscription_item_details": details,
        "type": "subscription_item_details",
    }
    line = _line(tx, amount, price, quantity, period)
    return {
        **line,
        "description": _described(tx, price, quantity, is_free=is_free),
        "parent": parent,
        "subscription": item["subscription"],
    }


def of_pending(tx: Tx, pending: Body) -> Body:
    """Return the line of what was waiting to be invoiced."""
    price_id = ((pending["pricing"] or {}).get("price_details") or {}).get("price")
    price = tx.known("price", price_id)
    period = (pending["period"]["start"], pending["period"]["end"])
    line = _line(tx, pending["amount"], price, pending["quantity"], period)
    owner = ((pending["parent"] or {}).get("subscription_details") or {}).get("subscription")
    details = {
        "invoice_item": pending["id"],
        "proration": pending["proration"],
        "proration_details": {"credited_items": None},
        "subscription": owner,
    }
    parent = {
        "invoice_item_details": details,
        "subscription_item_details": None,
        "type": "invoice_item_details",
    }
    return {
        **line,
        "currency": pending["currency"],
        "description": pending["description"],
        "discountable": pending["discountable"],
        "metadata": pending["metadata"],
        "parent": parent,
        "subscription": owner,
    }


def add_up(tx: Tx, invoice: Body, lines: Sequence[Body], discounts: Sequence[Body]) -> None:
    """Put the lines into an invoice, with discounts, tax, and all that follows from them."""
    url = f"/v1/invoices/{invoice['id']}/lines"
    taken = [_take_off(tx, discount, lines, invoice["currency"]) for discount in discounts]
    percent = tax_percent(tx) if invoice["automatic_tax"]["enabled"] else Decimal(0)
    for line in lines:
        line["invoice"] = invoice["id"]
        net = line["amount"] - sum(off["amount"] for off in line["discount_amounts"])
        line["taxes"] = [_tax(net, percent)] if percent else []
    subtotal = sum(line["amount"] for line in lines)
    net = subtotal - sum(off["amount"] for off in taken)
    taxes = [tax for line in lines for tax in line["taxes"]]
    total = net + sum(tax["amount"] for tax in taxes)
    invoice |= {
        "lines": {
            "object": "list",
            "data": list(lines),
            "has_more": False,
            "total_count": len(lines),
            "url": url,
        },
        "discounts": [discount["id"] for discount in discounts],
        "subtotal": subtotal,
        "subtotal_excluding_tax": subtotal,
        "total": total,
        "total_excluding_tax": net,
        "total_discount_amounts": taken,
        "total_taxes": _summed(taxes),
    }


def _line(tx: Tx, amount: int, price: Body | None, quantity: int, period: Span) -> Body:
    pricing = None
    if price is not None:
        pricing = {
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        }
    return shapes.fresh(
        "line_item",
        id=f"il_{tx.chance(24)}",
        amount=amount,
        currency=price["currency"] if price else "usd",
        period={"start": period[0], "end": period[1]},
        pricing=pricing,
        quantity=quantity,
        quantity_decimal=str(quantity),
        subtotal=amount,
    )


def _described(tx: Tx, price: Body, quantity: int, *, is_free: bool) -> str:
    name = tx.the("product", price["product"])["name"]
    if is_free:
        return f"Trial period for {name}"
    each = shown(price["unit_amount"] or 0, price["currency"])
    return f"{quantity} \u00d7 {name} (at {each} / {EACH[price['recurring']['interval']]})"


def _take_off(tx: Tx, discount: Body, lines: Sequence[Body], currency: str) -> Body:
    amounts = [(_left(line), _product(line)) for line in lines]
    shares = discounts.off(tx, discount["source"]["coupon"], amounts, currency)
    for line, share in zip(lines, shares, strict=True):
        if share:
            line["discount_amounts"].append({"amount": share, "discount": discount["id"]})
    return {"amount": sum(shares), "discount": discount["id"]}


def _left(line: Body) -> int:
    if not line["discountable"] or line["amount"] < 0:
        return 0
    left: int = line["amount"] - sum(off["amount"] for off in line["discount_amounts"])
    return left


def _product(line: Body) -> str:
    return str(((line["pricing"] or {}).get("price_details") or {}).get("product", ""))


def _tax(net: int, percent: Decimal) -> Body:
    return {
        "amount": part(net, percent, 100),
        "tax_behavior": "exclusive",
        "tax_rate_details": {"tax_rate": "txr_emulated"},
        "taxability_reason": "standard_rated",
        "taxable_amount": net,
        "type": "tax_rate_details",
    }


def _summed(taxes: Sequence[Mapping[str, Any]]) -> list[Body]:
    if not taxes:
        return []
    names = ("amount", "taxable_amount")
    return [{**taxes[0], **{name: sum(tax[name] for tax in taxes) for name in names}}]


def of_draft(tx: Tx, subscription: Body, period: Span, *, is_free: bool = False) -> list[Body]:
    """Return a line for each item of a subscription."""
    found = tx.all("subscription_item", subscription=subscription["id"])
    return [of_item(tx, item, period, is_free=is_free) for item in found]


def waiting(tx: Tx, customer: str, subscription: str | None) -> list[Body]:
    """Return what waits to be invoiced to a customer, for a subscription and for none."""
    return [
        pending
        for pending in tx.all("invoiceitem", customer=customer, invoice=None)
        if hidden(pending).get("subscription") in (None, subscription)
    ]
