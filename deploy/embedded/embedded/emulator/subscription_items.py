"""Items of subscriptions, each changed by itself."""

from embedded.emulator import lists
from embedded.emulator.errors import not_found
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.subscriptions import update as update_subscription
from embedded.emulator.tx import Tx

KIND = "subscription_item"
OF_PRORATION = ("payment_behavior", "proration_behavior", "proration_date")


def create(tx: Tx, call: Call) -> Body:
    """Give a subscription one more item."""
    subscription = tx.get("subscription", call.params["subscription"], param="subscription")
    before = {item["id"] for item in tx.all(KIND, subscription=subscription["id"])}
    _through_subscription(tx, call, subscription["id"], {})
    after = tx.all(KIND, subscription=subscription["id"])
    return next(item for item in after if item["id"] not in before)


def retrieve(tx: Tx, call: Call) -> Body:
    """Return an item."""
    return tx.at_path(KIND, call.ids["item"], param="item")


def update(tx: Tx, call: Call) -> Body:
    """Change an item's price or quantity."""
    item = retrieve(tx, call)
    _through_subscription(tx, call, item["subscription"], {"id": item["id"]})
    return tx.the(KIND, item["id"])


def delete(tx: Tx, call: Call) -> Body:
    """Take an item away."""
    item = retrieve(tx, call)
    _through_subscription(tx, call, item["subscription"], {"id": item["id"], "deleted": True})
    return {"id": item["id"], "object": KIND, "deleted": True}


def list_all(tx: Tx, call: Call) -> Body:
    """List the items of a subscription."""
    wanted = call.params["subscription"]
    if tx.known("subscription", wanted) is None:
        raise not_found("subscription", wanted, param="subscription")
    return lists.page(tx, KIND, call.params, "/v1/subscription_items", {"subscription": wanted})


def _through_subscription(tx: Tx, call: Call, subscription: str, named: Body) -> None:
    item = {**named, **call.given("price", "price_data", "quantity", "metadata")}
    params = {**call.given(*OF_PRORATION), "items": [item]}
    update_subscription(tx, Call(params, {"id": subscription}, call.path))


OF_ITEMS = f"metadata price price_data quantity {' '.join(OF_PRORATION)}"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/subscription_items", "SubscriptionItemCreateParams", create, f"{OF_ITEMS} subscription"),
    route("GET /v1/subscription_items/{item}", "SubscriptionItemRetrieveParams", retrieve),
    route("POST /v1/subscription_items/{item}", "SubscriptionItemUpdateParams", update, OF_ITEMS),
    route("DELETE /v1/subscription_items/{item}", "SubscriptionItemDeleteParams", delete, " ".join(OF_PRORATION)),
    listing("GET /v1/subscription_items", "SubscriptionItemListParams", list_all, "subscription"),
)  # fmt: skip
