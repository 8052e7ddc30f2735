"""The lines of a checkout: prices and how many of each, that can be sold together."""

from collections.abc import Mapping, Sequence
from typing import Any

from embedded.emulator.catalogue import price_of_data
from embedded.emulator.errors import StripeError, only_one, required
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

LINES_MAX = 100


def lines_of(tx: Tx, given: Sequence[Mapping[str, Any]], mode: str) -> list[Body]:
    """Return what a session sells, or refuse what cannot be sold together."""
    if len(given) > LINES_MAX:
        message = f"You can only have up to {LINES_MAX} line items."
        raise StripeError(message, param="line_items")
    lines = [line_of(tx, line, f"line_items[{number}]") for number, line in enumerate(given)]
    prices = [tx.the("price", line["price"]) for line in lines]
    if mode == "payment" and any(price["recurring"] for price in prices):
        message = "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices."
        raise StripeError(message, param="mode")
    if mode == "subscription" and not any(price["recurring"] for price in prices):
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise StripeError(message, param="mode")
    if len({price["currency"] for price in prices}) > 1:
        message = "All line items must have the same currency."
        raise StripeError(message, param="line_items")
    return lines


def line_of(tx: Tx, given: Mapping[str, Any], param: str) -> Body:
    """Return a line that is sold: a price and how many of it."""
    only_one(given, "price", "price_data")
    if given.get("price"):
        price = tx.get("price", given["price"], param=f"{param}[price]")
        product = tx.the("product", price["product"])
        if not price["active"] or not product["active"]:
            message = "The price specified is inactive. This field only accepts active prices."
            raise StripeError(message, param=f"{param}[price]")
    elif given.get("price_data"):
        price = price_of_data(tx, given["price_data"], f"{param}[price_data]")
    else:
        raise required(f"{param}[price]")
    quantity = given.get("quantity")
    if quantity is None:
        raise required(f"{param}[quantity]")
    if quantity < 1:
        message = "This value must be greater than or equal to 1."
        raise StripeError(message, param=f"{param}[quantity]", code="parameter_invalid_integer")
    return {"id": f"li_{tx.chance(24)}", "price": price["id"], "quantity": quantity}
