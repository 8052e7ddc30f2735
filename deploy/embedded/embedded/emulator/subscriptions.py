"""Subscriptions, as the API has them."""

from typing import Any

from embedded.emulator import discounts, drafting, invoices, lists, standing
from embedded.emulator.catalogue import plan_of
from embedded.emulator.changing import change_items, end_trial_now
from embedded.emulator.ending import set_end
from embedded.emulator.errors import NotEmulated, NotFound, StripeError, only_one, required
from embedded.emulator.invoice_lines import of_draft
from embedded.emulator.metadata import merged
from embedded.emulator.methods import resolve
from embedded.emulator.prorating import credit, position
from embedded.emulator.renewing import begin_period, tell
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body, Not
from embedded.emulator.subscribing import begin, first_invoice, pay_first
from embedded.emulator.subscription_lines import item_change, subscription_line
from embedded.emulator.tx import Tx


def create(tx: Tx, call: Call) -> Body:
    """Begin a subscription."""
    customer = tx.get("customer", _customer(call), param="customer")
    lines = [
        subscription_line(tx, one, f"items[{n}]") for n, one in enumerate(call.get("items") or ())
    ]
    if not lines:
        raise required("items")
    only_one(call.params, "trial_end", "trial_period_days")
    _check_collection(call)
    given = dict(call.params)
    given["discounts"] = discounts.of_request(tx, call.get("discounts") or (), customer["id"], 0)
    if call.get("default_payment_method") is not None:
        given["default_payment_method"] = _method(tx, call, customer["id"])
    subscription = begin(tx, customer, lines, given)
    set_end(tx, subscription, call)
    invoice = first_invoice(tx, subscription)
    pay_first(tx, invoice, call.get("payment_behavior", "allow_incomplete"))
    return tx.the("subscription", subscription["id"])


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a subscription."""
    return tx.at_path("subscription", call.ids["id"])


def update(tx: Tx, call: Call) -> Body:
    """Change a subscription: its items, its end, its trial, what pays for it."""
    subscription = retrieve(tx, call)
    if subscription["status"] in standing.OVER:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise StripeError(message, param="id")
    _check_collection(call)
    before = tx.view(subscription)
    fields = call.given("description", "trial_settings", "payment_settings")
    if "metadata" in call.params:
        fields["metadata"] = merged(subscription["metadata"], call.params["metadata"])
    if call.has("default_payment_method"):
        named = call.get("default_payment_method")
        fields["default_payment_method"] = named and _method(tx, call, subscription["customer"])
    if call.get("cancellation_details") is not None:
        details = {**subscription["cancellation_details"], **call.params["cancellation_details"]}
        fields["cancellation_details"] = details
    tx.change(subscription, **fields)
    _set_discounts(tx, subscription, call)
    set_end(tx, subscription, call)
    changes = [
        item_change(tx, subscription, one, n) for n, one in enumerate(call.get("items") or ())
    ]
    if call.get("trial_end") is not None:
        end_trial_now(tx, subscription, call.params["trial_end"], before)
    elif changes or call.get("billing_cycle_anchor") == "now":
        change_items(tx, subscription, changes, call.params, before)
    else:
        tell(tx, subscription, before)
    return tx.the("subscription", subscription["id"])


def cancel(tx: Tx, call: Call) -> Body:
    """End a subscription at once."""
    subscription = _present(tx, call)
    if call.get("cancellation_details") is not None:
        details = {**subscription["cancellation_details"], **call.params["cancellation_details"]}
        subscription["cancellation_details"] = details
    if call.get("prorate"):
        for item in tx.all("subscription_item", subscription=subscription["id"]):
            credit(tx, subscription, item["id"], position(item), tx.now)
    standing.end(tx, subscription, "cancellation_requested")
    if call.get("invoice_now"):
        invoice = drafting.draft(
            tx, subscription["customer"], subscription, "subscription_update", []
        )
        invoices.finalize(tx, invoice)
        if invoice["status"] == "open":
            invoices.attempt(tx, invoice)
    return tx.the("subscription", subscription["id"])


def resume(tx: Tx, call: Call) -> Body:
    """Let a paused subscription go on, from now."""
    subscription = _present(tx, call)
    if subscription["status"] != "paused":
        message = (
            f"Only a paused subscription can be resumed; this one is {subscription['status']}."
        )
        raise StripeError(message, param="id")
    before = tx.view(subscription)
    status = {"status": "active", "status_details": None, "billing_cycle_anchor": tx.now}
    begin_period(tx, subscription, tx.now, **status)
    item = next(iter(tx.all("subscription_item", subscription=subscription["id"])))
    lines = of_draft(tx, subscription, (item["current_period_start"], item["current_period_end"]))
    invoice = drafting.draft(
        tx, subscription["customer"], subscription, "subscription_update", lines
    )
    tell(tx, subscription, before)
    tx.emit("customer.subscription.resumed", tx.view(subscription))
    invoices.finalize(tx, invoice)
    if invoice["status"] == "open":
        invoices.attempt(tx, invoice)
    return tx.the("subscription", subscription["id"])


def list_all(tx: Tx, call: Call) -> Body:
    """List subscriptions; those that are over only where they are asked for."""
    where: dict[str, Any] = lists.equal(call.params, "customer")
    match call.get("status"):
        case None:
            where["status"] = Not(standing.OVER)
        case "all":
            pass
        case "ended":
            where["status"] = list(standing.OVER)
        case status:
            where["status"] = status
    if "price" in call.params:
        items = tx.all("subscription_item", price=call.params["price"])
        where["id"] = [item["subscription"] for item in items]
    return lists.page(tx, "subscription", call.params, "/v1/subscriptions", where)


def delete_discount(tx: Tx, call: Call) -> Body:
    """Take a subscription's discounts away."""
    subscription = _present(tx, call)
    if not subscription["discounts"]:
        message = f"No active discount for subscription: {subscription['id']}"
        raise NotFound(message, code="resource_missing")
    discount = tx.the("discount", subscription["discounts"][0])
    tx.change(subscription, standing.UPDATED, discounts=[])
    return {**tx.view(discount), "deleted": True}


def view(tx: Tx, subscription: Body) -> Body:
    """Show a subscription with its items."""
    found = [tx.view(item) for item in tx.all("subscription_item", subscription=subscription["id"])]
    url = f"/v1/subscription_items?subscription={subscription['id']}"
    subscription["items"] = {**lists.whole(found, url), "total_count": len(found)}
    return subscription


def view_item(tx: Tx, item: Body) -> Body:
    """Show an item with its price, as such and as a plan."""
    price = tx.the("price", item["price"])
    item["price"] = tx.view(price)
    item["plan"] = plan_of(price)
    return item


def _customer(call: Call) -> str:
    if call.get("customer") is None:
        raise required("customer")
    return str(call.params["customer"])


def _present(tx: Tx, call: Call) -> Body:
    subscription = retrieve(tx, call)
    if subscription["status"] in standing.OVER:
        message = f"No such subscription: '{subscription['id']}'"
        raise NotFound(message, param="id", code="resource_missing")
    return subscription


def _method(tx: Tx, call: Call, customer: str) -> str:
    method = resolve(tx, call.params["default_payment_method"], param="default_payment_method")
    if method["customer"] != customer:
        message = (
            f"The customer does not have a payment method with the ID {method['id']}. "
            "The payment method must be attached to the customer."
        )
        raise StripeError(message, param="default_payment_method", code="resource_missing")
    return str(method["id"])


def _check_collection(call: Call) -> None:
    if call.get("collection_method", "charge_automatically") != "charge_automatically":
        names = ["collection_method"]
        raise NotEmulated(names)
    if call.get("payment_behavior") == "pending_if_incomplete":
        names = ["payment_behavior"]
        raise NotEmulated(names)


def _set_discounts(tx: Tx, subscription: Body, call: Call) -> None:
    if not call.has("discounts"):
        return
    pairs = discounts.of_request(tx, call.get("discounts") or (), subscription["customer"], 0)
    owner = {"customer": subscription["customer"], "subscription": subscription["id"]}
    made = [tx.keep(discounts.discount_of(tx, pair, **owner)) for pair in pairs]
    for pair in pairs:
        discounts.redeem(tx, pair)
    tx.change(subscription, discounts=[discount["id"] for discount in made])


OF_BOTH = (
    "automatic_tax cancel_at cancel_at_period_end collection_method default_payment_method description discounts items metadata off_session "
    "payment_behavior payment_settings proration_behavior trial_end trial_settings"
)
ROUTES: tuple[Route, ...] = (
    route("POST /v1/subscriptions", "SubscriptionCreateParams", create, f"{OF_BOTH} billing_mode currency customer trial_period_days"),
    route("GET /v1/subscriptions/{id}", "SubscriptionRetrieveParams", retrieve),
    route("POST /v1/subscriptions/{id}", "SubscriptionUpdateParams", update, f"{OF_BOTH} billing_cycle_anchor cancellation_details proration_date"),
    route("DELETE /v1/subscriptions/{id}", "SubscriptionCancelParams", cancel, "cancellation_details invoice_now prorate"),
    route("POST /v1/subscriptions/{id}/resume", "SubscriptionResumeParams", resume, "billing_cycle_anchor proration_behavior"),
    route("DELETE /v1/subscriptions/{id}/discount", "SubscriptionDeleteDiscountParams", delete_discount),
    listing("GET /v1/subscriptions", "SubscriptionListParams", list_all, "created customer price status"),
)  # fmt: skip
VIEWS = {"subscription": view, "subscription_item": view_item}
