"""The standard catalogue, as it is made at Stripe where there is none: one list, in `standard.json`."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from billing.gateway import Offer


@cache
def offers() -> tuple[Offer, ...]:
    """Return what the standard catalogue offers."""
    text = files("billing.catalogue").joinpath("standard.json").read_text()
    return tuple(_offer(item) for item in json.loads(text))


def _offer(item: Mapping[str, Any]) -> Offer:
    price = item["price"]
    return Offer(
        lookup_key=price["lookup_key"],
        name=item["name"],
        description=item["description"],
        amount_cents=price["unit_amount"],
        interval=price.get("interval"),
        metadata=item["metadata"],
    )
