"""What a request says of a subscription's items: new ones, changed ones, ones to be removed."""

from collections.abc import Mapping
from typing import Any

from embedded.emulator.catalogue import price_of_data
from embedded.emulator.errors import StripeError, only_one, required
from embedded.emulator.metadata import merged
from embedded.emulator.store import Body
from embedded.emulator.subscribing import check_recurring
from embedded.emulator.tx import Tx


def subscription_line(tx: Tx, given: Mapping[str, Any], param: str) -> Body:
    only_one(given, "price", "price_data", "plan")
    if given.get("price_data"):
        price = price_of_data(tx, given["price_data"], f"{param}[price_data]")
    elif given.get("price") or given.get("plan"):
        price = tx.get("price", given.get("price") or given["plan"], param=f"{param}[price]")
        if not price["active"]:
            message = "The price specified is inactive. This field only accepts active prices."
            raise StripeError(message, param=f"{param}[price]")
    else:
        raise required(f"{param}[price]")
    check_recurring([price], f"{param}[price]")
    line = {"price": price["id"], "quantity": given.get("quantity", 1)}
    return {**line, "metadata": given.get("metadata")}


def item_change(tx: Tx, subscription: Body, given: Mapping[str, Any], number: int) -> Body:
    """Return how one item shall change: `item` None for a new one, `line` None for one to be removed."""
    param = f"items[{number}]"
    if not given.get("id"):
        return {"item": None, "line": subscription_line(tx, given, param)}
    item = tx.get("subscription_item", given["id"], param=f"{param}[id]")
    if item["subscription"] != subscription["id"]:
        message = f"No such subscription_item: '{item['id']}'"
        raise StripeError(message, param=f"{param}[id]", code="resource_missing")
    if given.get("deleted"):
        return {"item": item, "line": None}
    line = subscription_line(
        tx, {"price": item["price"], "quantity": item["quantity"], **given}, param
    )
    line["metadata"] = merged(
        item["metadata"], given.get("metadata", {}) if given.get("metadata") != "" else ""
    )
    return {"item": item, "line": line}
