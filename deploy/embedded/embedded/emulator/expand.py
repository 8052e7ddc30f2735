"""`expand[]`: what is named by its id is answered whole, and what is left out otherwise is put in."""

from collections.abc import Sequence
from typing import Any

from embedded.emulator.errors import StripeError
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

LEVELS_MAX = 4

# The kind of object a field names, for each kind of object that has one to be expanded.
NAMED: dict[str, dict[str, str]] = {
    "balance_transaction": {"source": "charge"},
    "billing_portal.session": {"configuration": "billing_portal.configuration"},
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
    },
    "checkout.session": {
        "customer": "customer",
        "invoice": "invoice",
        "payment_intent": "payment_intent",
        "payment_link": "payment_link",
        "setup_intent": "setup_intent",
        "subscription": "subscription",
    },
    "discount": {"customer": "customer", "promotion_code": "promotion_code"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "invoice": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "latest_revision": "invoice",
    },
    "invoice_payment": {"invoice": "invoice"},
    "invoiceitem": {"customer": "customer", "discounts": "discount", "invoice": "invoice"},
    "payment_intent": {
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
    },
    "payment_method": {"customer": "customer"},
    "price": {"product": "product"},
    "product": {"default_price": "price"},
    "promotion_code": {"customer": "customer"},
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
    },
    "setup_intent": {"customer": "customer", "payment_method": "payment_method"},
    "subscription": {
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "latest_invoice": "invoice",
        "pending_setup_intent": "setup_intent",
    },
    "subscription_item": {"discounts": "discount"},
    "line_item": {"discounts": "discount", "subscription": "subscription"},
}

# The same for fields of the mappings within an object, by their names.
NAMED_WITHIN: dict[tuple[str, str], str] = {
    ("invoice_settings", "default_payment_method"): "payment_method",
    ("subscription_details", "subscription"): "subscription",
    ("payment", "payment_intent"): "payment_intent",
    ("payment", "charge"): "charge",
    ("price_details", "price"): "price",
    ("promotion", "coupon"): "coupon",
    ("source", "coupon"): "coupon",
    ("discounts", "coupon"): "coupon",
    ("discounts", "promotion_code"): "promotion_code",
    ("total_discount_amounts", "discount"): "discount",
    ("discount_amounts", "discount"): "discount",
}


def expanded(tx: Tx, seen: Body, paths: Sequence[str]) -> Body:
    """Return what is seen with the fields on these paths expanded."""
    for path in paths:
        names = path.split(".")
        if len(names) > LEVELS_MAX + (names[0] == "data"):
            message = (
                f"You cannot expand more than {LEVELS_MAX} levels of a property. Property: {path}"
            )
            raise StripeError(message, param="expand")
        _expand(tx, seen, names, path)
    return seen


def _expand(tx: Tx, place: Body, names: Sequence[str], path: str, within: str = "") -> None:
    name, *rest = names
    value = _put_in(tx, place, name, path, within)
    for part in value if isinstance(value, list) else [value]:
        if rest and isinstance(part, dict):
            _expand(tx, part, rest, path, name)


def _put_in(tx: Tx, place: Body, name: str, path: str, within: str) -> Any:
    """Expand one field of one object and return what it has now."""
    include = tx.around.rules.included.get((place.get("object", ""), name))
    if include is not None and not isinstance(place.get(name), dict):
        place[name] = include(tx, place)
    kind = _kind(place, name, within)
    value = place.get(name)
    if kind is not None:
        place[name] = _whole(tx, kind, value)
    elif include is None and not isinstance(value, dict | list):
        message = f"This property cannot be expanded ({path})."
        raise StripeError(message, param="expand")
    return place[name]


def _kind(place: Body, name: str, within: str) -> str | None:
    if "object" in place:
        return NAMED.get(place["object"], {}).get(name)
    return NAMED_WITHIN.get((within, name))


def _whole(tx: Tx, kind: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(tx, kind, part) for part in value]
    if not isinstance(value, str):
        return value
    body = tx.known(kind, value)
    return value if body is None else tx.view(body)
