"""All families of objects put together: what can be asked, how it is seen, what comes due."""

from collections.abc import Mapping
from itertools import chain
from types import ModuleType
from typing import Any

from embedded.emulator import (
    catalogue,
    charging,
    checkout,
    coupons,
    customers,
    disputes,
    events,
    invoices,
    invoicing,
    methods,
    paying,
    payment_links,
    payments,
    pending_items,
    portal,
    portal_configurations,
    previews,
    promotion_codes,
    refunds,
    renewing,
    setups,
    subscribing,
    subscription_items,
    subscriptions,
)
from embedded.emulator.routing import Routes
from embedded.emulator.tx import Rules

FAMILIES: tuple[ModuleType, ...] = (
    customers,
    catalogue,
    coupons,
    promotion_codes,
    checkout,
    methods,
    setups,
    payments,
    charging,
    subscriptions,
    subscription_items,
    subscribing,
    renewing,
    invoices,
    invoicing,
    pending_items,
    previews,
    refunds,
    disputes,
    payment_links,
    portal,
    portal_configurations,
    events,
)


def routes() -> Routes:
    """Return every route of the API."""
    return Routes(chain.from_iterable(getattr(family, "ROUTES", ()) for family in FAMILIES))


def rules() -> Rules:
    """Return what transactions need to know of the families."""
    return Rules(
        views=_together("VIEWS"),
        included=_together("INCLUDED"),
        jobs=_together("JOBS"),
        outcomes=(invoices.hear_payment, paying.hear_payment),
    )


def _together(name: str) -> Mapping[Any, Any]:
    parts = [getattr(family, name, {}) for family in FAMILIES]
    return {key: value for part in parts for key, value in part.items()}
