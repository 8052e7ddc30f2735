"""What a change in the middle of a period costs: credit for what is not used up, and the price of what is new."""

from dataclasses import dataclass
from decimal import Decimal

from embedded.emulator.catalogue import amount_of
from embedded.emulator.coupons import even_deleted
from embedded.emulator.money import part
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden


@dataclass(frozen=True, slots=True)
class Position:
    """A price and how many of it, for a period."""

    price: str
    quantity: int
    start: int
    end: int


def position(item: Body) -> Position:
    """Return what an item stands for now."""
    return Position(
        item["price"],
        item["quantity"] or 1,
        item["current_period_start"],
        item["current_period_end"],
    )


def credit(tx: Tx, subscription: Body, item: str, old: Position, moment: int) -> Body:
    """Put what was paid for the rest of the period to the customer's credit."""
    amount = -_rest(tx, subscription, old, moment)
    return _pending(tx, subscription, item, old, amount, "Unused time on", moment)


def debit(tx: Tx, subscription: Body, item: str, new: Position, moment: int) -> Body:
    """Charge what the rest of the period costs."""
    amount = _rest(tx, subscription, new, moment)
    return _pending(tx, subscription, item, new, amount, "Remaining time on", moment)


def _rest(tx: Tx, subscription: Body, what: Position, moment: int) -> int:
    price = tx.the("price", what.price)
    whole = Decimal(amount_of(price, what.quantity)) * _factor(tx, subscription)
    left = max(0, what.end - moment)
    return part(whole, left, max(1, what.end - what.start))


def _factor(tx: Tx, subscription: Body) -> Decimal:
    """Return the part of a price that is paid, after discounts by percent that go on."""
    factor = Decimal(1)
    for wanted in subscription["discounts"]:
        discount = tx.known("discount", wanted)
        coupon = even_deleted(tx, discount["source"]["coupon"]) if discount else None
        if coupon and coupon["percent_off"] and coupon["duration"] != "once":
            factor *= 1 - Decimal(str(coupon["percent_off"])) / 100
    return factor


def _pending(
    tx: Tx, subscription: Body, item: str, what: Position, amount: int, words: str, moment: int
) -> Body:
    price = tx.the("price", what.price)
    name = tx.the("product", price["product"])["name"]
    details = {"subscription": subscription["id"], "subscription_item": item}
    pending = tx.new(
        "invoiceitem",
        "ii",
        amount=amount,
        currency=price["currency"],
        customer=subscription["customer"],
        date=tx.now,
        description=f"{words} {name}",
        discountable=False,
        net_amount=amount,
        parent={"subscription_details": details, "type": "subscription_details"},
        period={"start": moment, "end": what.end},
        pricing={
            "price_details": {"price": price["id"], "product": price["product"]},
            "type": "price_details",
            "unit_amount_decimal": price["unit_amount_decimal"],
        },
        proration=True,
        proration_details={"discount_amounts": []},
        quantity=what.quantity,
        quantity_decimal=str(what.quantity),
    )
    pending.pop("created")
    hidden(pending)["subscription"] = subscription["id"]
    return tx.add(pending, "invoiceitem.created")
