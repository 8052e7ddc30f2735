"""What a new account has at its first start: the standard catalogue, and an endpoint for the product's webhook."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import stripe

from embedded.emulator import deliveries
from embedded.emulator.events import new_account, new_endpoint
from embedded.emulator.portal_configurations import new_configuration
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

ACCOUNT_LENGTH = 16
WEBHOOK = "seed.webhook"


def plant(tx: Tx, *, webhook_url: str | None, webhook_secret: str) -> None:
    """Fill an empty account; at every start keep the product's endpoint in step, and resume deliveries."""
    deliveries.resume(tx)
    if not tx.tables.fact("account"):
        account = f"acct_{tx.chance(ACCOUNT_LENGTH)}"
        tx.tables.know("account", account)
        new_account(tx, account)
        for entry in standard_catalogue():
            _add(tx, entry)
        new_configuration(tx, is_default=True)
        tx.events.clear()
    if webhook_url is not None:
        _point(tx, webhook_url, webhook_secret)


@cache
def standard_catalogue() -> Sequence[Mapping[str, Any]]:
    """Return what the product sells, each with its price: the list that billing makes at Stripe."""
    text = files("billing").joinpath("catalogue", "standard.json").read_text()
    entries: Sequence[Mapping[str, Any]] = json.loads(text)
    return entries


def _add(tx: Tx, entry: Mapping[str, Any]) -> None:
    product = tx.new(
        "product",
        "prod",
        length=14,
        name=entry["name"],
        description=entry["description"],
        metadata=dict(entry["metadata"]),
        updated=tx.now,
    )
    price = _price(tx, product, entry["price"])
    product["default_price"] = price["id"]
    tx.add(product, "product.created")
    tx.add(price, "price.created")


def _price(tx: Tx, product: Body, given: Mapping[str, Any]) -> Body:
    recurring = None
    if "interval" in given:
        recurring = {
            "interval": given["interval"],
            "interval_count": 1,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        }
    return tx.new(
        "price",
        "price",
        product=product["id"],
        lookup_key=given["lookup_key"],
        recurring=recurring,
        type="recurring" if recurring else "one_time",
        unit_amount=given["unit_amount"],
        unit_amount_decimal=str(given["unit_amount"]),
    )


def _point(tx: Tx, url: str, secret: str) -> None:
    """Have the one endpoint that we made point at this address with this secret."""
    endpoint = tx.known("webhook_endpoint", tx.tables.fact(WEBHOOK))
    if endpoint is None:
        fields = {"enabled_events": ["*"], "api_version": stripe.api_version}
        endpoint = new_endpoint(tx, url, secret, description="The product", **fields)
        tx.tables.know(WEBHOOK, endpoint["id"])
        return
    endpoint["url"] = url
    hidden(endpoint)["secret"] = secret
    tx.keep(endpoint)
