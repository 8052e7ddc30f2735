"""Payment methods and setup intents: cards and bank accounts, kept for a customer or used once."""

from datetime import UTC, datetime
from typing import Any

from embedded.emulator import lists
from embedded.emulator.cards import (
    Means,
    bank_details,
    behind,
    card_details,
    means_of,
)
from embedded.emulator.errors import CardDeclined, NotFound, StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden


def create(tx: Tx, call: Call) -> Body:
    """Make a payment method of a test card or test account."""
    kind = call.get("type")
    if kind not in ("card", "us_bank_account"):
        message = "Invalid type: the emulator knows card and us_bank_account"
        raise StripeError(message, param="type")
    details = call.get(kind)
    if details is None:
        raise required(kind)
    number = details.get("number") or details.get("account_number") or details.get("token") or ""
    means = means_of(str(number).replace("tok_", "pm_card_"))
    if means is None or means.kind != kind:
        message = "Your card number is incorrect: the emulator takes Stripe's test cards only."
        raise CardDeclined(message, param="number", code="incorrect_number")
    method = new(tx, means, billing=call.get("billing_details"))
    method["metadata"] = merged(None, call.get("metadata"))
    return tx.add(method)


def new(tx: Tx, means: Means, *, billing: Body | None = None) -> Body:
    """Return a payment method that stands for these means."""
    year = datetime.fromtimestamp(tx.now, UTC).year
    method = tx.new("payment_method", "pm", type=means.kind)
    method[means.kind] = bank_details(means) if means.is_bank else card_details(means, year)
    for name, value in (billing or {}).items():
        known = method["billing_details"].get(name)
        method["billing_details"][name] = (
            {**known, **value} if name == "address" and value else value or None
        )
    hidden(method)["means"] = means.token
    return method


def resolve(tx: Tx, word: str, *, param: str = "payment_method") -> Body:
    """Return the payment method of this id, or a new one of this test token."""
    means = means_of(word)
    if means is not None:
        return tx.add(new(tx, means))
    return tx.get("payment_method", word, param=param)


def retrieve(tx: Tx, call: Call) -> Body:
    """Return a payment method."""
    return tx.at_path("payment_method", call.ids["payment_method"], param="payment_method")


def update(tx: Tx, call: Call) -> Body:
    """Change what is said of a kept payment method."""
    method = retrieve(tx, call)
    fields: dict[str, Any] = call.given("allow_redisplay")
    if "metadata" in call.params:
        fields["metadata"] = merged(method["metadata"], call.params["metadata"])
    if call.get("billing_details") is not None:
        fields["billing_details"] = {**method["billing_details"], **call.params["billing_details"]}
    return tx.change(method, "payment_method.updated", **fields)


def attach_by_path(tx: Tx, call: Call) -> Body:
    """Keep a payment method for a customer."""
    means = means_of(call.ids["payment_method"])
    method = tx.add(new(tx, means)) if means else retrieve(tx, call)
    if call.get("customer") is None:
        raise required("customer")
    tx.get("customer", call.params["customer"], param="customer")
    return attach(tx, method, call.params["customer"])


def attach(tx: Tx, method: Body, customer: str) -> Body:
    """Keep a payment method for a customer; some cards refuse."""
    if method["customer"] not in (None, customer):
        message = "The payment method you provided has already been attached to a customer."
        raise StripeError(message, param="payment_method", code="resource_already_exists")
    means = behind(method)
    if means.decline is not None and not means.attaches:
        raise CardDeclined(
            means.decline.message,
            code=means.decline.code,
            decline_code=means.decline.decline_code,
        )
    if method["customer"] is None:
        tx.change(method, customer=customer)
        tx.emit("payment_method.attached", tx.view(method))
    return method


def detach(tx: Tx, call: Call) -> Body:
    """Let go of a kept payment method; who used it by default has none then."""
    method = retrieve(tx, call)
    customer = tx.known("customer", method["customer"])
    if customer is None or customer.get("deleted"):
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise StripeError(message, param="payment_method")
    tx.change(method, "payment_method.detached", customer=None)
    settings = customer["invoice_settings"]
    if settings["default_payment_method"] == method["id"]:
        make_default(tx, customer, None)
    for subscription in tx.all("subscription", customer=customer["id"]):
        if subscription["default_payment_method"] == method["id"]:
            tx.change(subscription, "customer.subscription.updated", default_payment_method=None)
    return method


def make_default(tx: Tx, customer: Body, method: str | None) -> Body:
    """Have a customer's invoices paid with this, or with nothing."""
    settings = {**customer["invoice_settings"], "default_payment_method": method}
    return tx.change(customer, "customer.updated", invoice_settings=settings)


def of(tx: Tx, customer: str, subscription: Body | None = None) -> Body | None:
    """Return what a customer's invoices are paid with: the subscription's own, else the customer's."""
    owner = tx.the("customer", customer)
    wanted = (subscription or {}).get("default_payment_method")
    settings = owner.get("invoice_settings") or {}
    return tx.known("payment_method", wanted or settings.get("default_payment_method"))


def list_all(tx: Tx, call: Call) -> Body:
    """List kept payment methods; without a customer there are none."""
    where = {"customer": call.get("customer") or "", **lists.equal(call.params, "type")}
    return lists.page(tx, "payment_method", call.params, "/v1/payment_methods", where)


def list_of_customer(tx: Tx, call: Call) -> Body:
    """List a customer's payment methods."""
    customer = tx.at_path("customer", call.ids["id"])
    where = {"customer": customer["id"], **lists.equal(call.params, "type")}
    return lists.page(tx, "payment_method", call.params, call.path, where)


def retrieve_of_customer(tx: Tx, call: Call) -> Body:
    """Return one of a customer's payment methods."""
    method = retrieve(tx, call)
    if method["customer"] != call.ids["id"]:
        message = f"No such PaymentMethod: '{method['id']}'; it is not attached to this customer."
        raise NotFound(message, param="payment_method", code="resource_missing")
    return method


ROUTES: tuple[Route, ...] = (
    route("POST /v1/payment_methods", "PaymentMethodCreateParams", create, "billing_details card metadata type us_bank_account allow_redisplay"),
    route("GET /v1/payment_methods/{payment_method}", "PaymentMethodRetrieveParams", retrieve),
    route("POST /v1/payment_methods/{payment_method}", "PaymentMethodUpdateParams", update, "allow_redisplay billing_details metadata"),
    route("POST /v1/payment_methods/{payment_method}/attach", "PaymentMethodAttachParams", attach_by_path, "customer"),
    route("POST /v1/payment_methods/{payment_method}/detach", "PaymentMethodDetachParams", detach),
    listing("GET /v1/payment_methods", "PaymentMethodListParams", list_all, "customer type"),
    listing("GET /v1/customers/{id}/payment_methods", "CustomerPaymentMethodListParams", list_of_customer, "type"),
    route("GET /v1/customers/{id}/payment_methods/{payment_method}", "CustomerPaymentMethodRetrieveParams", retrieve_of_customer),
)  # fmt: skip
