"""Payment intents and charges, as the API has them."""

from typing import Any

from embedded.emulator import charging, lists
from embedded.emulator.errors import CardDeclined, StripeError, required
from embedded.emulator.metadata import merged
from embedded.emulator.methods import attach, of, resolve
from embedded.emulator.money import check_chargeable, currency_of
from embedded.emulator.routing import Call, Route, listing, route
from embedded.emulator.store import Body
from embedded.emulator.tx import Tx, hidden

OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")


def create(tx: Tx, call: Call) -> Body:
    """Make an intent to be paid, and be paid at once if that is asked for."""
    currency = currency_of(call.params["currency"])
    check_chargeable(call.params["amount"], currency)
    if call.get("customer") is not None:
        tx.get("customer", call.params["customer"], param="customer")
    names = (
        "capture_method", "customer", "description", "receipt_email", "setup_future_usage",
        "statement_descriptor", "statement_descriptor_suffix", "payment_method_types",
    )  # fmt: skip
    intent = new(
        tx,
        call.params["amount"],
        currency,
        metadata=merged(None, call.get("metadata")),
        **call.given(*names),
    )
    automatic = call.get("automatic_payment_methods") or {
        "enabled": not call.has("payment_method_types")
    }
    intent["automatic_payment_methods"] = (
        {"allow_redirects": "always", **automatic} if automatic["enabled"] else None
    )
    if automatic["enabled"]:
        intent["payment_method_types"] = ["card", "us_bank_account"]
    tx.add(intent, "payment_intent.created")
    return _with_method(tx, intent, call)


def new(tx: Tx, amount: int, currency: str, **fields: Any) -> Body:
    """Return an intent to be paid this amount."""
    intent = tx.new("payment_intent", "pi", amount=amount, currency=currency, **fields)
    intent["client_secret"] = f"{intent['id']}_secret_{tx.chance(25)}"
    return intent


def retrieve(tx: Tx, call: Call) -> Body:
    """Return an intent."""
    return tx.at_path("payment_intent", call.ids["intent"], param="intent")


def update(tx: Tx, call: Call) -> Body:
    """Change an intent that nobody has paid yet; its metadata and description always."""
    intent = retrieve(tx, call)
    fields = call.given(
        "description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix"
    )
    if "metadata" in call.params:
        fields["metadata"] = merged(intent["metadata"], call.params["metadata"])
    if any(call.has(name) for name in ("amount", "customer", "payment_method", "currency")):
        _check(intent, OPEN, "updated")
        fields |= call.given("amount", "customer", "currency")
    if call.get("amount") is not None:
        check_chargeable(call.params["amount"], intent["currency"])
    if call.get("payment_method") is not None:
        fields["payment_method"] = resolve(tx, call.params["payment_method"])["id"]
        fields["status"] = "requires_confirmation"
    return tx.change(intent, **fields)


def confirm(tx: Tx, call: Call) -> Body:
    """Have an intent paid."""
    intent = retrieve(tx, call)
    _check(intent, OPEN, "confirmed")
    if call.get("payment_method") is not None:
        intent["payment_method"] = resolve(tx, call.params["payment_method"])["id"]
    if intent["payment_method"] is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method."
        )
        raise StripeError(message, code="payment_intent_unexpected_state")
    return pay(tx, intent, tx.the("payment_method", intent["payment_method"]))


def pay(tx: Tx, intent: Body, method: Body) -> Body:
    """Charge this payment method; a decline is the answer, and leaves its traces."""
    customer = intent["customer"]
    if method["customer"] not in (None, customer):
        message = "The provided PaymentMethod does not belong to this customer."
        raise StripeError(message, param="payment_method")
    outcome = charging.charge(tx, intent, method)
    if outcome == "declined":
        raise declined(tx, intent)
    if intent["setup_future_usage"] is not None and customer is not None:
        attach(tx, method, customer)
    return intent


def declined(tx: Tx, intent: Body) -> CardDeclined:
    """Return the refusal of a payment that was declined."""
    error = intent["last_payment_error"]
    return CardDeclined(
        error["message"],
        code=error["code"],
        decline_code=error["decline_code"],
        charge=error["charge"],
        payment_intent=tx.view(intent),
        payment_method=error["payment_method"],
    )


def cancel(tx: Tx, call: Call) -> Body:
    """Give an intent up."""
    intent = retrieve(tx, call)
    _check(intent, (*OPEN, "requires_capture"), "canceled")
    return give_up(tx, intent, call.get("cancellation_reason"))


def give_up(tx: Tx, intent: Body, reason: str | None) -> Body:
    """Let an intent end unpaid."""
    fields = {
        "status": "canceled",
        "canceled_at": tx.now,
        "cancellation_reason": reason,
        "amount_capturable": 0,
    }
    return tx.change(intent, "payment_intent.canceled", **fields)


def capture(tx: Tx, call: Call) -> Body:
    """Take what was held."""
    intent = retrieve(tx, call)
    _check(intent, ("requires_capture",), "captured")
    amount = call.get("amount_to_capture") or intent["amount"]
    if amount > intent["amount_capturable"]:
        message = "The amount_to_capture is greater than the amount that can be captured."
        raise StripeError(message, param="amount_to_capture", code="amount_too_large")
    return charging.capture(tx, intent, amount)


def list_all(tx: Tx, call: Call) -> Body:
    """List intents."""
    where = lists.equal(call.params, "customer")
    return lists.page(tx, "payment_intent", call.params, "/v1/payment_intents", where)


def retrieve_charge(tx: Tx, call: Call) -> Body:
    """Return a charge."""
    return tx.at_path("charge", call.ids["charge"], param="id")


def update_charge(tx: Tx, call: Call) -> Body:
    """Change what is said of a charge."""
    charge = retrieve_charge(tx, call)
    fields = call.given("description", "receipt_email", "customer")
    if "metadata" in call.params:
        fields["metadata"] = merged(charge["metadata"], call.params["metadata"])
    if call.get("fraud_details") is not None:
        fields["fraud_details"] = {**charge["fraud_details"], **call.params["fraud_details"]}
    return tx.change(charge, "charge.updated", **fields)


def list_charges(tx: Tx, call: Call) -> Body:
    """List charges."""
    where = lists.equal(call.params, "customer", "payment_intent")
    return lists.page(tx, "charge", call.params, "/v1/charges", where)


def refunds_of(tx: Tx, charge: Body) -> Body:
    """Return the list of refunds that a charge can be answered with."""
    found = [tx.view(body) for body in reversed(tx.all("refund", charge=charge["id"]))]
    return lists.whole(found, f"/v1/charges/{charge['id']}/refunds")


def _with_method(tx: Tx, intent: Body, call: Call) -> Body:
    word = call.get("payment_method")
    method = resolve(tx, word) if word is not None else None
    if method is None and call.get("off_session") and intent["customer"] is not None:
        method = of(tx, intent["customer"])
    if method is not None:
        tx.change(intent, payment_method=method["id"], status="requires_confirmation")
    if not call.get("confirm"):
        return intent
    if method is None:
        raise required("payment_method")
    hidden(intent)["off_session"] = bool(call.get("off_session"))
    return pay(tx, intent, method)


def _check(intent: Body, allowed: tuple[str, ...], what: str) -> None:
    if intent["status"] in allowed:
        return
    listed = ", ".join(allowed)
    message = (
        f"This PaymentIntent could not be {what} because it has a status of {intent['status']}. "
        f"Only a PaymentIntent with one of the following statuses may be {what}: {listed}."
    )
    raise StripeError(message, code="payment_intent_unexpected_state")


OF_INTENTS = "amount currency customer description metadata payment_method receipt_email statement_descriptor statement_descriptor_suffix"
ROUTES: tuple[Route, ...] = (
    route("POST /v1/payment_intents", "PaymentIntentCreateParams", create, f"{OF_INTENTS} automatic_payment_methods capture_method confirm off_session payment_method_types return_url setup_future_usage"),
    route("GET /v1/payment_intents/{intent}", "PaymentIntentRetrieveParams", retrieve),
    route("POST /v1/payment_intents/{intent}", "PaymentIntentUpdateParams", update, OF_INTENTS),
    route("POST /v1/payment_intents/{intent}/confirm", "PaymentIntentConfirmParams", confirm, "payment_method off_session return_url"),
    route("POST /v1/payment_intents/{intent}/cancel", "PaymentIntentCancelParams", cancel, "cancellation_reason"),
    route("POST /v1/payment_intents/{intent}/capture", "PaymentIntentCaptureParams", capture, "amount_to_capture"),
    listing("GET /v1/payment_intents", "PaymentIntentListParams", list_all, "created customer"),
    route("GET /v1/charges/{charge}", "ChargeRetrieveParams", retrieve_charge),
    route("POST /v1/charges/{charge}", "ChargeUpdateParams", update_charge, "customer description fraud_details metadata receipt_email"),
    listing("GET /v1/charges", "ChargeListParams", list_charges, "created customer payment_intent"),
)  # fmt: skip
INCLUDED = {("charge", "refunds"): refunds_of}
