"""Products and prices: what can be bought, and the rules by which Stripe lets it be changed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from embedded.emulator import lists, shapes
from embedded.emulator.errors import NotEmulated, StripeError, only_one, required
from embedded.emulator.metadata import merged
from embedded.emulator.money import check_amount, currency_of, part
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx

LOOKUP_KEY_MAX = 200
PRODUCT_FIELDS = (
    "active", "description", "images", "name", "shippable", "statement_descriptor", "tax_code",
    "unit_label", "url",
)  # fmt: skip
YEARS_MAX = 3
INTERVALS_MAX = {
    "day": 365 * YEARS_MAX,
    "week": 52 * YEARS_MAX,
    "month": 12 * YEARS_MAX,
    "year": YEARS_MAX,
}


def create_product(tx: Tx, call: Call) -> Body:
    """Make a product, under an id of one's own if one is given."""
    product = new_product(tx, call.params)
    if call.get("id") is not None:
        product["id"] = call.params["id"]
        if tx.tables.kind_of(product["id"]) is not None:
            message = "Product already exists."
            raise StripeError(message, param="id", code="resource_already_exists")
    tx.add(product, "product.created")
    given = call.get("default_price_data")
    if given is not None:
        price = _add_price(tx, {**given, "product": product["id"]})
        tx.change(product, "product.updated", default_price=price["id"])
    return product


def new_product(tx: Tx, given: Mapping[str, Any]) -> Body:
    """Return a new product with what is given."""
    fields = {name: given[name] for name in PRODUCT_FIELDS if given.get(name) not in (None, "")}
    fields["metadata"] = merged(None, given.get("metadata"))
    return tx.new("product", "prod", length=14, updated=tx.now, **fields)


def retrieve_product(tx: Tx, call: Call) -> Body:
    """Return a product."""
    return tx.at_path("product", call.ids["id"])


def update_product(tx: Tx, call: Call) -> Body:
    """Change a product; its default price must be one of its own."""
    product = retrieve_product(tx, call)
    fields = call.given(*PRODUCT_FIELDS)
    if "images" in fields:
        fields["images"] = fields["images"] or []
    if "metadata" in call.params:
        fields["metadata"] = merged(product["metadata"], call.params["metadata"])
    if call.has("default_price"):
        fields["default_price"] = _default_price(tx, product, call.get("default_price"))
    if call.get("active") is False and product["active"]:
        fields["active"] = False
    return tx.change(product, "product.updated", **fields, updated=tx.now)


def delete_product(tx: Tx, call: Call) -> Body:
    """Delete a product that never had a price."""
    product = retrieve_product(tx, call)
    if tx.all("price", product=product["id"]):
        message = "This product cannot be deleted because it has one or more user-created prices."
        raise StripeError(message, param="id")
    return tx.remove(product, "product.deleted")


def list_products(tx: Tx, call: Call) -> Body:
    """List products."""
    where: dict[str, Any] = lists.equal(call.params, "active", "shippable", "url", "type")
    if "ids" in call.params:
        where["id"] = call.params["ids"]
    return lists.page(tx, "product", call.params, "/v1/products", where)


def create_price(tx: Tx, call: Call) -> Body:
    """Make a price, of a product that is there or of one made with it."""
    only_one(call.params, "product", "product_data")
    given = dict(call.params)
    if call.get("product_data") is not None:
        product = tx.add(new_product(tx, given.pop("product_data")), "product.created")
        given["product"] = product["id"]
    if given.get("product") is None:
        raise required("product")
    return _add_price(tx, given)


def price_of_data(tx: Tx, given: Mapping[str, Any], param: str) -> Body:
    """Make the price that a line item brings with it; it serves this one purpose and is not for sale otherwise."""
    data = dict(given)
    if data.get("product_data") is not None:
        product = tx.add(new_product(tx, data.pop("product_data")), "product.created")
        data["product"] = product["id"]
    if data.get("product") is None:
        raise required(f"{param}[product]")
    return _add_price(tx, {**data, "active": False})


def retrieve_price(tx: Tx, call: Call) -> Body:
    """Return a price."""
    return tx.at_path("price", call.ids["price"], param="price")


def update_price(tx: Tx, call: Call) -> Body:
    """Change what can be changed of a price: never its amount."""
    price = retrieve_price(tx, call)
    fields = call.given("active", "nickname", "tax_behavior")
    if "metadata" in call.params:
        fields["metadata"] = merged(price["metadata"], call.params["metadata"])
    if call.has("lookup_key"):
        key = call.get("lookup_key")
        fields["lookup_key"] = key
        _take_lookup_key(tx, key, price["id"], transfers=call.get("transfer_lookup_key", False))
    return tx.change(price, "price.updated", **fields)


def list_prices(tx: Tx, call: Call) -> Body:
    """List prices; those of deleted products are not among them."""
    where: dict[str, Any] = lists.equal(call.params, "active", "currency", "product", "type")
    if "lookup_keys" in call.params:
        where["lookup_key"] = call.params["lookup_keys"]
    for name, value in call.params.get("recurring", {}).items():
        where[f"recurring.{name}"] = value
    return lists.page(tx, "price", call.params, "/v1/prices", where)


def amount_of(price: Body, quantity: int) -> int:
    """Return what so many of this cost."""
    return part(Decimal(price["unit_amount_decimal"]), quantity, 1)


def plan_of(price: Body) -> Body:
    """Return a recurring price as the plan that older readers know."""
    recurring = price["recurring"]
    fields = {
        name: price[name]
        for name in ("id", "active", "created", "currency", "metadata", "nickname", "product")
    }
    return shapes.fresh(
        "plan",
        **fields,
        amount=price["unit_amount"],
        amount_decimal=price["unit_amount_decimal"],
        interval=recurring["interval"],
        interval_count=recurring["interval_count"],
    )


def _add_price(tx: Tx, given: Mapping[str, Any]) -> Body:
    tx.get("product", given["product"], param="product")
    currency = currency_of(given["currency"])
    amount = _amount(given)
    recurring = _recurring(given.get("recurring"))
    price = tx.new(
        "price",
        "price",
        active=given.get("active", True),
        currency=currency,
        lookup_key=given.get("lookup_key"),
        metadata=merged(None, given.get("metadata")),
        nickname=given.get("nickname"),
        product=given["product"],
        recurring=recurring,
        tax_behavior=given.get("tax_behavior", "unspecified"),
        type="recurring" if recurring else "one_time",
        unit_amount=int(amount) if amount == int(amount) else None,
        unit_amount_decimal=f"{amount.normalize():f}",
    )
    transfers = given.get("transfer_lookup_key", False)
    _take_lookup_key(tx, price["lookup_key"], price["id"], transfers=transfers)
    return tx.add(price, "price.created")


def _amount(given: Mapping[str, Any]) -> Decimal:
    only_one(given, "unit_amount", "unit_amount_decimal")
    amount = given.get("unit_amount", given.get("unit_amount_decimal"))
    if amount is None:
        raise required("unit_amount")
    check_amount(int(amount), "unit_amount")
    return Decimal(amount)


def _recurring(given: Mapping[str, Any] | None) -> Body | None:
    if given is None:
        return None
    if given.get("usage_type", "licensed") != "licensed":
        names = ["recurring[usage_type]"]
        raise NotEmulated(names)
    count = given.get("interval_count", 1)
    if not 1 <= count <= INTERVALS_MAX[given["interval"]]:
        message = f"Invalid interval_count: the interval must be between 1 and {INTERVALS_MAX[given['interval']]} {given['interval']}s."
        raise StripeError(message, param="recurring[interval_count]")
    return {
        "interval": given["interval"],
        "interval_count": count,
        "meter": None,
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": "licensed",
    }


def _take_lookup_key(tx: Tx, key: str | None, price_id: str, *, transfers: bool) -> None:
    """See that at most one price has a lookup key."""
    if key is None:
        return
    if len(key) > LOOKUP_KEY_MAX:
        message = f"Invalid string: {key[:8]}…; must be at most {LOOKUP_KEY_MAX} characters"
        raise StripeError(message, param="lookup_key")
    holder = next(
        (body for body in tx.all("price", lookup_key=key) if body["id"] != price_id), None
    )
    if holder is None:
        return
    if not transfers:
        message = f"A price (`{holder['id']}`) already uses that lookup key."
        raise StripeError(message, param="lookup_key", code="resource_already_exists")
    tx.change(holder, "price.updated", lookup_key=None)


def _default_price(tx: Tx, product: Body, wanted: str | None) -> str | None:
    if wanted is None:
        return None
    price = tx.get("price", wanted, param="default_price")
    if price["product"] != product["id"]:
        message = f"The price `{wanted}` does not belong to the product `{product['id']}`."
        raise StripeError(message, param="default_price")
    return wanted


OF_PRODUCTS = " ".join((*PRODUCT_FIELDS, "metadata"))
OF_PRICES = "active currency lookup_key metadata nickname tax_behavior transfer_lookup_key"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/products", "ProductCreateParams", create_product, f"{OF_PRODUCTS} id default_price_data"),
    route("GET /v1/products/{id}", "ProductRetrieveParams", retrieve_product),
    route("POST /v1/products/{id}", "ProductUpdateParams", update_product, f"{OF_PRODUCTS} default_price"),
    route("DELETE /v1/products/{id}", "ProductDeleteParams", delete_product),
    listing("GET /v1/products", "ProductListParams", list_products, "active created ids shippable url type"),
    route("POST /v1/prices", "PriceCreateParams", create_price, f"{OF_PRICES} product product_data recurring unit_amount unit_amount_decimal billing_scheme"),
    route("GET /v1/prices/{price}", "PriceRetrieveParams", retrieve_price),
    route("POST /v1/prices/{price}", "PriceUpdateParams", update_price, "active lookup_key metadata nickname tax_behavior transfer_lookup_key"),
    listing("GET /v1/prices", "PriceListParams", list_prices, "active created currency lookup_keys product recurring type"),
)  # fmt: skip
