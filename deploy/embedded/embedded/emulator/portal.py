"""The billing portal: a session for a customer, and what can be done at its page."""

from typing import Any

from embedded.emulator import ending, methods, standing
from embedded.emulator.cards import means_of
from embedded.emulator.changing import change_items
from embedded.emulator.errors import StripeError, required
from embedded.emulator.portal_configurations import products_of, wanted
from embedded.emulator.renewing import tell
from embedded.emulator.routing import Call, Route, route
from embedded.emulator.session_rules import check_url
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

KIND = "billing_portal.session"
FLOWS = ("subscription_cancel", "subscription_update", "subscription_update_confirm")
VALID_S = 24 * 3600


def create(tx: Tx, call: Call) -> Body:
    """Open a session for a customer."""
    if call.get("customer") is None:
        raise required("customer")
    customer = tx.get("customer", call.params["customer"], param="customer")
    configuration = wanted(tx, call.get("configuration"))
    check_url(call.get("return_url"), "return_url")
    session = tx.new(
        KIND,
        "bps",
        configuration=configuration["id"],
        customer=customer["id"],
        flow=_flow(tx, customer, call.get("flow_data")),
        locale=call.get("locale"),
        return_url=call.get("return_url") or configuration["default_return_url"],
    )
    hidden(session)["word"] = f"test_{tx.chance(40)}"
    return tx.add(session, "billing_portal.session.created")


def view(tx: Tx, session: Body) -> Body:
    """Show a session with its address."""
    session["url"] = tx.url(f"portal/{hidden(session)['word']}")
    return session


def visited(tx: Tx, word: str) -> Body:
    """Return the session that an address is of, while it is valid."""
    found = (one for one in tx.all(KIND) if hidden(one)["word"] == word)
    session = next(found, None)
    if session is None or session["created"] + VALID_S < tx.now:
        message = "This portal session is over; go back and open the portal again."
        raise StripeError(message, code="resource_missing")
    return session


def subscriptions_of(tx: Tx, session: Body) -> list[Body]:
    """Return the customer's subscriptions that are not over."""
    found = tx.all("subscription", customer=session["customer"])
    return [one for one in found if one["status"] not in standing.OVER]


def choices(tx: Tx, session: Body, subscription: Body) -> list[Body]:
    """Return the prices that a subscription can be switched to."""
    features = tx.the("billing_portal.configuration", session["configuration"])["features"]
    item = next(iter(tx.all("subscription_item", subscription=subscription["id"])))
    if not features["subscription_update"]["enabled"]:
        return []
    prices = [tx.the("price", price) for price in products_of(tx, features)]
    return [one for one in prices if one["id"] != item["price"] and one["active"]]


def cancel(tx: Tx, session: Body, subscription_id: str) -> None:
    """Let a subscription end, at once or with its period, as the configuration says."""
    subscription = _owned(tx, session, subscription_id)
    feature = _feature(tx, session, "subscription_cancel")
    if feature["mode"] == "immediately":
        standing.end(tx, subscription, "cancellation_requested")
        return
    before = tx.view(subscription)
    item = next(iter(tx.all("subscription_item", subscription=subscription_id)))
    ending.end_at(tx, subscription, item["current_period_end"], at_period_end=True)
    tell(tx, subscription, before)


def resume(tx: Tx, session: Body, subscription_id: str) -> None:
    """Take a cancellation back."""
    subscription = _owned(tx, session, subscription_id)
    before = tx.view(subscription)
    ending.end_at(tx, subscription, None, at_period_end=False)
    tell(tx, subscription, before)


def switch(tx: Tx, session: Body, subscription_id: str, price_id: str) -> None:
    """Switch to another plan: now, or with the next period where the configuration wants a decrease to wait."""
    subscription = _owned(tx, session, subscription_id)
    feature = _feature(tx, session, "subscription_update")
    if price_id not in [price["id"] for price in choices(tx, session, subscription)]:
        message = "This plan cannot be chosen."
        raise StripeError(message, param="price")
    item = next(iter(tx.all("subscription_item", subscription=subscription_id)))
    if _waits(tx, feature, item["price"], price_id):
        hidden(subscription)["prices"] = {item["id"]: price_id}
        tx.keep(subscription)
        return
    line = {"price": price_id, "quantity": item["quantity"], "metadata": item["metadata"]}
    params: dict[str, Any] = {"proration_behavior": feature["proration_behavior"]}
    change = {"item": item, "line": line}
    change_items(tx, subscription, [change], params, tx.view(subscription))


def change_card(tx: Tx, session: Body, number: str) -> Body:
    """Pay with another card from now on, for everything."""
    _feature(tx, session, "payment_method_update")
    means = means_of(number)
    if means is None:
        message = "Your card number is incorrect: the emulator takes Stripe's test cards only."
        raise StripeError(message, param="number", code="incorrect_number")
    customer = tx.the("customer", session["customer"])
    method = tx.add(methods.new(tx, means, billing={"email": customer["email"]}))
    setup = tx.new("setup_intent", "seti", customer=customer["id"], payment_method=method["id"])
    setup["client_secret"] = f"{setup['id']}_secret_{tx.chance(25)}"
    tx.add(setup, "setup_intent.created")
    methods.attach(tx, method, customer["id"])
    tx.change(setup, "setup_intent.succeeded", status="succeeded")
    methods.make_default(tx, tx.the("customer", customer["id"]), method["id"])
    for subscription in subscriptions_of(tx, session):
        if subscription["default_payment_method"] is not None:
            tx.change(subscription, standing.UPDATED, default_payment_method=method["id"])
    return method


def _flow(tx: Tx, customer: Body, given: Body | None) -> Body | None:
    if given is None:
        return None
    kind = given["type"]
    completion = given.get("after_completion") or {"type": "portal_homepage"}
    after = {"hosted_confirmation": None, "redirect": None, **completion}
    flow = {**dict.fromkeys(FLOWS), "after_completion": after, "type": kind}
    if kind in FLOWS:
        if not given.get(kind):
            raise required(f"flow_data[{kind}]")
        param = f"flow_data[{kind}][subscription]"
        subscription = tx.get("subscription", given[kind]["subscription"], param=param)
        if subscription["customer"] != customer["id"]:
            message = "The subscription does not belong to the customer."
            raise StripeError(message, param=param)
        extra = {"retention": None} if kind == "subscription_cancel" else {}
        flow[kind] = {**extra, **given[kind]}
        if kind == "subscription_update_confirm":
            flow[kind]["discounts"] = given[kind].get("discounts")
    return flow


def _owned(tx: Tx, session: Body, subscription_id: str) -> Body:
    found = {one["id"]: one for one in subscriptions_of(tx, session)}
    if subscription_id not in found:
        message = f"No such subscription: '{subscription_id}'"
        raise StripeError(message, param="subscription", code="resource_missing")
    return found[subscription_id]


def _feature(tx: Tx, session: Body, name: str) -> Body:
    configuration = tx.the("billing_portal.configuration", session["configuration"])
    feature: Body = configuration["features"][name]
    if not feature["enabled"]:
        message = "The portal's configuration does not allow this."
        raise StripeError(message)
    return feature


def _waits(tx: Tx, feature: Body, old: str, new: str) -> bool:
    conditions = [one["type"] for one in feature["schedule_at_period_end"]["conditions"]]
    before, after = tx.the("price", old), tx.the("price", new)
    intervals = [one["recurring"]["interval"] for one in (before, after)]
    if intervals[0] == intervals[1]:
        return (
            "decreasing_item_amount" in conditions and after["unit_amount"] < before["unit_amount"]
        )
    return "shortening_interval" in conditions and intervals == ["year", "month"]


ROUTES: tuple[Route, ...] = (
    route("POST /v1/billing_portal/sessions", "billing_portal.SessionCreateParams", create, "configuration customer flow_data locale return_url"),
)  # fmt: skip
VIEWS = {KIND: view}
