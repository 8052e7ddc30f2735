"""What customers may do at the billing portal."""

from typing import Any

from embedded.emulator import lists
from embedded.emulator.errors import StripeError
from embedded.emulator.metadata import merged
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

KIND = "billing_portal.configuration"


def create(tx: Tx, call: Call) -> Body:
    """Make a configuration."""
    configuration = new_configuration(tx, features={})
    configuration["features"] = _features(tx, configuration["features"], call.params["features"])
    return tx.change(configuration, "billing_portal.configuration.created", **_fields(call, {}))


def new_configuration(tx: Tx, *, is_default: bool = False, features: Body | None = None) -> Body:
    """Keep a new configuration; the first one of an account allows all that its customers need."""
    configuration = tx.new(KIND, "bpc", is_default=is_default, updated=tx.now)
    wanted = _generous() if features is None else features
    configuration["features"] = _features(tx, configuration["features"], wanted)
    return tx.keep(configuration)


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a configuration."""
    return tx.at_path(KIND, call.ids["configuration"], param="configuration")


def update(tx: Tx, call: Call) -> Body:
    """Change a configuration; the default one cannot be put away."""
    configuration = retrieve(tx, call)
    fields = _fields(call, configuration)
    if call.get("active") is False and configuration["is_default"]:
        message = "You cannot deactivate the default configuration."
        raise StripeError(message, param="active")
    if call.get("features") is not None:
        fields["features"] = _features(tx, configuration["features"], call.params["features"])
    return tx.change(
        configuration, "billing_portal.configuration.updated", **fields, updated=tx.now
    )


def list_all(tx: Tx, call: Call) -> Body:
    """List configurations."""
    where = lists.equal(call.params, "active", "is_default")
    return lists.page(tx, KIND, call.params, "/v1/billing_portal/configurations", where)


def wanted(tx: Tx, named: str | None) -> Body:
    """Return the configuration that was asked for, or the default one."""
    if named is not None:
        return tx.get(KIND, named, param="configuration")
    return next(iter(tx.all(KIND, is_default=True)))


def products_of(tx: Tx, features: Body) -> list[str]:
    """Return the prices that customers may switch to: those named, else every active plan."""
    named = features["subscription_update"].get("products") or []
    prices = [price for product in named for price in product["prices"]]
    if prices:
        return prices
    return [price["id"] for price in tx.all("price", active=True, type="recurring")]


def _generous() -> Body:
    return {
        "customer_update": {"enabled": True, "allowed_updates": ["email", "address", "name"]},
        "invoice_history": {"enabled": True},
        "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "subscription_update": {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "proration_behavior": "always_invoice",
            "schedule_at_period_end": {
                "conditions": [{"type": "decreasing_item_amount"}, {"type": "shortening_interval"}]
            },
        },
    }


def _features(tx: Tx, before: Body, given: Body) -> Body:
    """Lay what is given over what there was, part by part."""
    features = {name: dict(part) for name, part in before.items()}
    for name, part in given.items():
        features[name].update({key: value for key, value in part.items() if key != "products"})
    products = given.get("subscription_update", {}).get("products")
    if products:
        features["subscription_update"]["products"] = [_product(tx, one) for one in products]
    return features


def _product(tx: Tx, given: Body) -> Body:
    tx.get("product", given["product"], param="features[subscription_update][products]")
    for price in given["prices"]:
        tx.get("price", price, param="features[subscription_update][products]")
    adjustable = {"enabled": False, "maximum": None, "minimum": 1}
    return {
        "adjustable_quantity": adjustable,
        "prices": given["prices"],
        "product": given["product"],
    }


def _fields(call: Call, before: Body) -> dict[str, Any]:
    fields = call.given("active", "default_return_url", "name")
    if call.get("business_profile") is not None:
        empty = {"headline": None, "privacy_policy_url": None, "terms_of_service_url": None}
        profile = before.get("business_profile", empty)
        fields["business_profile"] = {**profile, **call.params["business_profile"]}
    if "metadata" in call.params:
        fields["metadata"] = merged(before.get("metadata"), call.params["metadata"])
    return fields


OF_CONFIGURATIONS = "business_profile default_return_url features metadata name"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/billing_portal/configurations", "billing_portal.ConfigurationCreateParams", create, OF_CONFIGURATIONS),
    route("GET /v1/billing_portal/configurations/{configuration}", "billing_portal.ConfigurationRetrieveParams", retrieve),
    route("POST /v1/billing_portal/configurations/{configuration}", "billing_portal.ConfigurationUpdateParams", update, f"{OF_CONFIGURATIONS} active"),
    listing("GET /v1/billing_portal/configurations", "billing_portal.ConfigurationListParams", list_all, "active is_default"),
)  # fmt: skip
