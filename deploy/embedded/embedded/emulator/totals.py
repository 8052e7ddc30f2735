"""What the lines of a checkout come to: subtotal, what is taken off, tax, total."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from embedded.emulator import shapes
from embedded.emulator.catalogue import amount_of
from embedded.emulator.discounts import off
from embedded.emulator.money import part
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

TAX = "tax.percent"


def tax_percent(tx: Tx) -> Decimal:
    """Return the tax that is added where it is asked for: none, unless a person has set one."""
    return Decimal(tx.tables.fact(TAX, "0"))


def items(
    tx: Tx,
    lines: Sequence[Mapping[str, Any]],
    discounts: Sequence[Mapping[str, Any]] = (),
    *,
    tax: Decimal,
) -> list[Body]:
    """Return the lines of a checkout as Stripe lists them."""
    found = [_item(tx, line) for line in lines]
    for discount in discounts:
        amounts = [
            (item["amount_subtotal"] - item["amount_discount"], item["price"]["product"])
            for item in found
        ]
        shares = off(tx, discount["coupon"], amounts, found[0]["currency"])
        for item, share in zip(found, shares, strict=True):
            item["amount_discount"] += share
    for item in found:
        net = item["amount_subtotal"] - item["amount_discount"]
        item["amount_tax"] = part(net, tax, 100)
        item["amount_total"] = net + item["amount_tax"]
    return found


def summed(found: Sequence[Body]) -> Body:
    """Return the totals of a session with these items."""
    return {
        "amount_subtotal": _sum(found, "amount_subtotal"),
        "amount_total": _sum(found, "amount_total"),
        "total_details": {
            "amount_discount": _sum(found, "amount_discount"),
            "amount_shipping": 0,
            "amount_tax": _sum(found, "amount_tax"),
        },
    }


def _item(tx: Tx, line: Mapping[str, Any]) -> Body:
    price = tx.the("price", line["price"])
    product = tx.the("product", price["product"])
    return shapes.fresh(
        "item",
        id=line["id"],
        amount_subtotal=amount_of(price, line["quantity"]),
        currency=price["currency"],
        description=product["name"],
        price=tx.view(price),
        quantity=line["quantity"],
    )


def _sum(found: Sequence[Body], name: str) -> int:
    return sum(int(item[name]) for item in found)
